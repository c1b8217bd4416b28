"""The emulator's page says what is so, and the emulator stands alone."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path

import pytest

import mockbackend.emulator
from mockbackend.emulator.script import faults, load_script, rules
from tests.emulator.conftest import Emulate

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
MODULES = sorted(Path(mockbackend.emulator.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_page_is_a_script(tmp_path: Path, example: str) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(example)
    script = load_script(path)
    assert (script.chat or script.image or script.embedding) != ()


async def test_the_pages_example_does_what_its_comments_say(emulate: Emulate) -> None:
    served = emulate(EXAMPLES[0])
    assert [(await served.chat("Are you busy?")).status_code for _ in range(3)] == [429, 429, 200]
    broken = await served.stream("Break, please.")
    assert (broken.broken, broken.texts) == (True, ["You", " said:", " Break,"])


@pytest.mark.parametrize("kind", faults.KINDS)
def test_every_fault_is_on_the_page_with_its_parameters(kind: str) -> None:
    (row,) = re.findall(rf"^\| `{kind}` \|.*$", PAGE, re.MULTILINE)
    for field in dataclasses.fields(faults.KINDS[kind]):
        assert f"`{field.name}`" in row


@pytest.mark.parametrize("step", [rules.ChatStep, rules.ImageStep, rules.EmbeddingStep])
def test_every_key_of_a_step_is_on_the_page(step: type) -> None:
    for field in dataclasses.fields(step):
        assert f"`{field.name}`" in PAGE


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_no_module_imports_the_service(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(name.name.startswith("mockbackend") for name in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 1 or not (node.module or "").startswith("mockbackend")
            assert node.level < 2
