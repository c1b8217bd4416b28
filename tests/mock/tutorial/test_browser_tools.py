"""docs/browser-tools.md: its page in a real browser, where a form answers a call and a button approves one."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.clients.packages import NODE
from tests.harness.http_client import PLAIN
from tests.harness.processes import ROOT, environment, free_port
from tests.harness.service import AUTH, Server
from tests.mock.tutorial.test_tutorial import HERE, bundled
from tests.page.visiting import ARGUMENTS, BROWSER

ASKED = {"name": "ask_address", "arguments": {"question": "Where from?"}}
MAIL = {"name": "send_mail", "arguments": {"to": "ada"}}
RULES: list[dict[str, Any]] = [
    {"when": "a trip", "steps": [{"tool_calls": [ASKED]}, {"text": ["Then ", "take ", "the ", "train."], "hold": 2}]},
    {"when": "a mail", "steps": [{"tool_calls": [MAIL]}, {"text": "Done."}]},
]


def test_the_page_shows_the_file_that_is_run() -> None:
    text = (ROOT / "docs" / "browser-tools.md").read_text()
    assert re.findall(r"```jsx\n(.*?)```", text, re.DOTALL) == [(HERE / "tools" / "chat.jsx").read_text()]


def test_the_readme_has_three_lines_of_it() -> None:
    section = (ROOT / "README.md").read_text().split("## Tools in the browser, and approval\n")[1].split("\n## ")[0]
    (lines,) = re.findall(r"```js\n(.*?)```", section, re.DOTALL)
    assert lines.count("\n") == 3
    assert lines in (HERE / "tools" / "chat.jsx").read_text()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Server]:
    """The service, with a tool of its own that asks its user."""
    script = tmp_path / "script.json"
    script.write_bytes(orjson.dumps({"rules": RULES}))
    env = {"MOCK_SCRIPT": str(script), "RAN_FILE": str(tmp_path / "ran")}
    with Server(tmp_path, env, app="tests.turn.waiting.asking_app:app") as running:
        yield running


@pytest.fixture
def page(service: Server, tmp_path: Path) -> Iterator[Page]:
    """A browser on the site, whose route adds the login."""
    folder, port = tmp_path / "site", free_port()
    folder.mkdir()
    for path in (HERE / "tools" / "chat.jsx", HERE / "react" / "page.html", HERE / "package.json"):
        shutil.copy(path, folder)
    shutil.copy(ROOT / "tests" / "clients" / "readme" / "route.js", folder)
    (folder / "server.mjs").write_text((HERE / "server.mjs").read_text().replace("3000", str(port)))
    bundled(folder)
    login = {"BACKEND_URL": service.url, "BACKEND_AUTH_USERNAME": AUTH[0], "BACKEND_AUTH_PASSWORD": AUTH[1]}
    with ExitStack() as stack:
        site = subprocess.Popen([str(NODE), "server.mjs"], cwd=folder, env=environment(login))
        stack.callback(site.wait)
        stack.callback(site.kill)
        url = f"http://localhost:{port}"
        answers(url)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
        stack.callback(browser.close)
        found = browser.new_page()
        found.goto(url)
        yield found


def answers(url: str) -> None:
    """Wait until the site does."""
    deadline = time.monotonic() + 20
    while True:
        try:
            assert httpx2.get(url, **PLAIN).status_code == 200
        except httpx2.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def say(page: Page, text: str) -> None:
    page.get_by_label("Message").fill(text)
    page.get_by_role("button", name="Send").click()


def stored(service: Server, page: Page) -> list[dict[str, Any]]:
    """The messages of the page's conversation."""
    conversation_id = page.evaluate("location.hash.slice(1)")
    url = f"{service.url}/conversations/{conversation_id}?protocol=ui"
    messages: list[dict[str, Any]] = httpx2.get(url, auth=AUTH, headers={"userid": "ada"}, **PLAIN).json()["messages"]
    return messages


@pytest.mark.slow
def test_a_form_answers_a_call_however_often_the_page_is_reloaded(service: Server, page: Page) -> None:
    log = page.get_by_role("log")
    say(page, "a trip")
    expect(log).to_contain_text("Where from?")
    page.reload()
    expect(log).to_contain_text("Where from?")
    page.get_by_label("Address").fill("Oslo")
    page.get_by_role("button", name="Answer").click()
    expect(log).to_contain_text("Then take")
    page.reload()
    # The answer still stands still: the page has joined it.
    expect(log).to_contain_text("Then take")
    expect(log).not_to_contain_text("train")
    httpx2.post(f"{service.url}/__mock__/scenarios/default/release", json={}, auth=AUTH, **PLAIN).raise_for_status()
    expect(log).to_have_text("user: a tripassistant: Then take the train.")
    page.reload()
    expect(log).to_have_text("user: a tripassistant: Then take the train.")
    expect(page.get_by_role("alert")).to_have_count(0)
    _, answer = stored(service, page)
    (call,) = (part for part in answer["parts"] if part["type"] == "tool-ask_address")
    assert (call["state"], call["output"]) == ("output-available", "Oslo")


@pytest.mark.slow
def test_without_a_script_the_tool_is_called_by_the_words_of_its_name(page: Page) -> None:
    log = page.get_by_role("log")
    say(page, "Ask for my address")
    page.get_by_label("Address").fill("Oslo")
    page.get_by_role("button", name="Answer").click()
    expect(log).to_contain_text("ask_address answered: Oslo")
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("button", "state", "ran"), [("Yes", "output-available", True), ("No", "output-denied", False)]
)
def test_a_tool_runs_after_a_yes_alone(
    service: Server, page: Page, tmp_path: Path, button: str, state: str, ran: bool
) -> None:
    log = page.get_by_role("log")
    say(page, "a mail")
    expect(log).to_contain_text('send_mail {"to":"ada"}?')
    page.reload()
    assert not (tmp_path / "ran").exists()
    page.get_by_role("button", name=button).click()
    expect(log).to_have_text("user: a mailassistant: Done.")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert (tmp_path / "ran").exists() == ran
    _, answer = stored(service, page)
    (call,) = (part for part in answer["parts"] if part["type"] == "tool-send_mail")
    assert call["state"] == state
