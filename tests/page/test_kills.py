"""A server that is killed again and again: no word that somebody wrote or read is lost on the page."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.harness.service import Server
from tests.page.killing import KILLS, Writer, rules
from tests.page.visiting import Visitor

SECONDS = 180


@pytest.mark.slow
def test_twenty_kills_lose_no_word(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text(json.dumps({"rules": rules(50)}))
    began = time.monotonic()
    context = browser.new_context()
    with Server(tmp_path, {"MOCK_SCRIPT": str(tmp_path / "script.yaml")}) as server:
        writer = Writer(Visitor(context.new_page(), server.url, "ada").sign_in())
        for _ in range(5):
            for killed in KILLS:
                killed(writer, server)
        writer.visitor.page.reload()
        expect(writer.visitor.questions).to_have_text(writer.written)
        expect(writer.visitor.answers).to_have_count(len(writer.written))
        context.close()
    assert time.monotonic() - began < SECONDS
