"""docs/emulator.md: its examples work, and its tables are those of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from msgspec import Struct, to_builtins
from msgspec.structs import fields

from mockbackend.mock.script import faults, load_script, rules
from mockbackend.mock.script.corners import CORNERS, ModelFault
from mockbackend.mock.script.wire import MEANINGS, Wire
from tests.emulator.conftest import Emulate

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
FAULTS = PAGE.partition("## Faults")[2].partition("\n## ")[0]
SECTIONS = {
    "For every kind of call": faults.ErrorFault,
    "In the middle of a chat answer": faults.StreamFault,
    "At the URL of an image": faults.UrlFault,
    "In a batch of documents": faults.BatchFault,
}


def names(struct: type[Struct]) -> set[str]:
    return {field.name for field in fields(struct)}


def table_after(text: str, words: str) -> list[tuple[str, str]]:
    """The first column of the table that follows these words, and each whole row."""
    table = text.partition(words)[2].partition("\n\n| ")[2].partition("\n\n")[0]
    return re.findall(r"^\| `(\w+)` (\|.*)$", table, re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_script(tmp_path: Path, example: str) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(example)
    assert load_script(path).rules


async def test_the_example_does_what_its_comments_say(emulate: Emulate) -> None:
    served = emulate(EXAMPLES[0])
    assert [(await served.chat("Are you busy?")).status_code for _ in range(3)] == [429, 429, 200]
    broken = await served.stream("Break, please.")
    assert (broken.broken, broken.texts) == (True, ["You", " said:", " Break,"])


@pytest.mark.parametrize("section", SECTIONS)
def test_a_table_has_the_faults_of_its_union_with_their_parameters(section: str) -> None:
    rows = table_after(FAULTS, section)
    union = {kind for kind, fault in faults.KINDS.items() if fault in get_args(SECTIONS[section])}
    assert sorted(kind for kind, _ in rows) == sorted(union)
    for kind, row in rows:
        assert names(faults.KINDS[kind]) <= set(re.findall(r"`(\w+)`", row)), kind


def test_the_tables_have_every_fault() -> None:
    assert {kind for section in SECTIONS for kind, _ in table_after(FAULTS, section)} == set(faults.KINDS)


def test_the_table_of_the_wire_is_the_codes_own() -> None:
    rows = [f"| `{key}` | {meaning} |" for key, meaning in MEANINGS.items()]
    assert "\n".join(["| asked | means |", "|---|---|", *rows, ""]) in PAGE


def test_the_table_of_corners_is_the_codes_own() -> None:
    rows = [f"| `{name}` | {shown(corner.value)} | {corner.seen} |" for name, corner in CORNERS.items()]
    assert "\n".join(["| corner | is | seen |", "|---|---|---|", *rows, ""]) in PAGE


def shown(value: ModelFault | Wire) -> str:
    """A fault as a script has it, on one line."""

    def flow(mapping: dict[str, object]) -> str:
        pairs = [f"{key}: {flow(one) if isinstance(one, dict) else one}" for key, one in mapping.items()]
        return "{" + ", ".join(pairs).replace("True", "true") + "}"

    return f"`{'wire' if isinstance(value, Wire) else 'fault'}: {flow(to_builtins(value))}`"


def test_the_table_of_a_chat_step_has_its_keys() -> None:
    assert {key for key, _ in table_after(PAGE, "Keys of a chat step")} == names(rules.ChatStep)


def test_the_table_of_rules_has_the_keys_of_all_of_them() -> None:
    assert {key for key, _ in table_after(PAGE, "Keys of every rule")} == {"kind", *names(rules.BaseRule)}
    further = {"steps", "respond", "on", "nth", "wire", "dialect"}
    assert names(rules.ChatRule) == names(rules.BaseRule) | names(rules.ChatStep) | further


@pytest.mark.parametrize("rule", get_args(rules.Rule))
def test_every_kind_of_rule_is_named_with_its_further_keys(rule: type[Struct]) -> None:
    (kinds,) = (row for key, row in table_after(PAGE, "Keys of every rule") if key == "kind")
    assert f"`{rule.__struct_config__.tag}`" in kinds
    further = PAGE.partition("Further keys of a chat rule")[2].partition("## Faults")[0]
    assert {name for name in names(rule) - names(rules.BaseRule) if f"`{name}`" not in further} == set()
