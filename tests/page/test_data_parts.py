"""Data that tools show: JSON under its name below the answer, the same after a reload, for everybody to read."""

from __future__ import annotations

import json

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.harness.http_client import PLAIN
from tests.harness.service import AUTH, Server
from tests.page.conftest import Visit
from tests.page.test_accessibility import faults
from tests.page.visiting import Visitor

CHART, NOTE = {"points": [1, 2]}, "<b>bold</b> שלום"


def data_of(visitor: Visitor) -> Locator:
    return visitor.answers.last.get_by_role("region", name="Data")


def is_shown(visitor: Visitor) -> None:
    data = data_of(visitor)
    expect(data.get_by_role("term")).to_have_text(["chart", "note"])
    blocks = data.locator("pre")
    expect(blocks).to_have_text([json.dumps(CHART, indent=2), json.dumps(NOTE, ensure_ascii=False)])
    expect(data.locator("b")).to_have_count(0)
    expect(visitor.answers.last).not_to_contain_text("half way")


def release(server: Server) -> None:
    """Let the answer that stands still go on."""
    response = httpx2.post(f"{server.url}/__mock__/scenarios/default/release", json={}, auth=AUTH, **PLAIN)
    assert response.json() == {"released": 1}


@pytest.mark.parametrize("framing", ["assistant-ui", "ui"])
def test_data_is_shown_while_the_answer_runs_and_after_a_reload(visitor: Visitor, server: Server, framing: str) -> None:
    page = visitor.page
    visitor.button("The wire").click()
    page.get_by_label("Framing").select_option(framing)
    visitor.say("a chart please")
    expect(visitor.answers.last).to_contain_text("one two three four five six")
    is_shown(visitor)
    # Whoever joins the running answer sees the same.
    page.reload()
    expect(visitor.answers.last).to_contain_text("one two three four five six")
    is_shown(visitor)
    release(server)
    visitor.over()
    is_shown(visitor)
    page.reload()
    expect(visitor.answers.last).to_contain_text("nine ten")
    is_shown(visitor)
    with page.expect_download() as downloaded:
        visitor.button("More").click()
        page.get_by_role("menuitem", name="Export as Markdown").click()
    text = downloaded.value.path().read_text()
    assert f"Data `chart`:\n\n```json\n{json.dumps(CHART, indent=2)}\n```" in text


def test_what_is_transient_leaves_no_trace(modules: Page) -> None:
    found = modules.evaluate(
        """async () => {
            const {Answer} = await import("/page/answer.js");
            const answer = new Answer();
            answer.apply("8", [{type: "data-chart", id: "1", data: 1}, {type: "other", id: "1", data: 2}]);
            answer.apply("2", [{type: "data-status", id: "s", data: {type: "incomplete"}}]);
            return [answer.progress, answer.incomplete, answer.parts.length, answer.data];
        }"""
    )
    assert found == [None, None, 0, [{"type": "data-chart", "id": "1", "name": "chart", "data": 1}]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_data_is_for_everybody_to_read(visit: Visit, server: Server, scheme: str) -> None:
    visitor = visit(360, 640, scheme).sign_in()
    visitor.say("a chart please")
    expect(visitor.answers.last).to_contain_text("one two three four five six")
    release(server)
    visitor.over()
    is_shown(visitor)
    assert faults(visitor.page) == []
    block = data_of(visitor).get_by_label("chart")
    block.focus()
    expect(block).to_be_focused()
