"""The YAML of a recording: read back it is what it was, and people can edit it."""

from __future__ import annotations

import time

import pytest
import yaml

from mockbackend.mock.recording.yaml_text import to_yaml

TEXTS = (
    *(
        "",
        "yes",
        "2026-01-01",
        "# no comment",
        "a: b\n",
        " begins\n  deeper",
        "ends \n\n",
        "tab\there\n",
        "\x85\nx",
        "\x1b[0m",
    ),
    *("\ue000 private 🦊\nuse \uf8ff", "🦊 é\n🦉", "word " * 60, "é" * 300, "{{text}}", "\r\nx", "\ufeffx\n"),
)


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_comes_back(text: str) -> None:
    document = {"rules": [{"when": {"equals": text}, "steps": [{"text": text}, {"text": text}]}]}
    assert yaml.safe_load(to_yaml(document)) == document


def test_lines_stand_as_lines_and_a_long_text_takes_no_time() -> None:
    assert to_yaml([{"text": "🦊 One.\nTwo 🦉."}]).decode() == "- text: |-\n    🦊 One.\n    Two 🦉.\n"
    began = time.thread_time()
    to_yaml([{"text": "A line of words 🦊, and more.\n" * 10_000}])
    assert time.thread_time() - began < 0.13
