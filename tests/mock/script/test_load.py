"""Script files: how they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockbackend.mock.script import ScriptError, load_script
from tests.emulator.conftest import Emulate


@pytest.mark.parametrize(
    "text",
    [
        "rules: [",
        'rules: [{text: "\\ud83d"}]',
        "rules: *nowhere",
        "\ta: 1",
        "a: &b 1\nc: *b",
        "a: 1\na: 2",
        "a: !!binary x",
        "- " * 200,
    ],
)
def test_a_file_that_is_not_yaml_is_a_script_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text(text)
    with pytest.raises(ScriptError, match=r"answers\.yaml: cannot be read: "):
        load_script(path)


def test_a_file_that_is_not_utf_8_is_a_script_error(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_bytes(b"rules: [{text: \xff}]")
    with pytest.raises(ScriptError, match=r"answers\.yaml: cannot be read: "):
        load_script(path)


def test_a_missing_file_is_a_script_error(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"none\.yaml: cannot be read"):
        load_script(tmp_path / "none.yaml")


async def test_characters_may_be_written_as_json_escapes_them(emulate: Emulate) -> None:
    served = emulate(r'{"rules": [{"when": "wave", "text": "hi \ud83d\udc4b"}]}')
    answer = (await served.chat("wave")).json()
    assert answer["choices"][0]["message"]["content"] == "hi 👋"


@pytest.mark.parametrize(
    ("name", "words"),
    [("none.png", "cannot be read: No such file"), ("../fox.png", "is outside"), ("fox.txt", "must end in one of")],
)
def test_a_file_that_a_script_cannot_name_is_a_problem(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "fox.png").write_bytes(b"x")
    folder = tmp_path / "scripts"
    folder.mkdir()
    path = folder / "answers.yaml"
    path.write_text(f"rules: [{{kind: image, respond: [{{image: {name}}}]}}]")
    with pytest.raises(ScriptError, match=rf"rule 1: respond\[0\].image: {name} {words}"):
        load_script(path)


def test_on_and_no_are_words(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text("rules: [{on: join, wire: {cut: 1}}, {when: {header: {x-lang: no}}, text: yes}]")
    on, when = load_script(path).rules
    assert (getattr(on, "on", ""), getattr(when, "text", "")) == ("join", "yes")


def test_a_script_file_names_images_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "fox.png").write_bytes(b"a fox")
    path = tmp_path / "answers.yaml"
    path.write_text("rules: [{kind: image, image: ./fox.png}]")
    (rule,) = load_script(path).rules
    assert getattr(rule, "image", "") == "data:image/png;base64,YSBmb3g="
