"""One browser for all tests of the page, one server for a module's, one user for each test."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.harness.service import Server
from tests.page.answers import rules
from tests.page.visiting import ARGUMENTS, BROWSER, Visitor

expect.set_options(timeout=10_000)
Visit = Callable[..., Visitor]
numbers = itertools.count(1)
USUAL = (1280, 800, "light")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose emulator has the script of answers.py."""
    folder = tmp_path_factory.mktemp("page")
    script = folder / "script.yaml"
    script.write_text(json.dumps({"rules": rules()}, ensure_ascii=False))
    with Server(folder, {"MOCK_SCRIPT": str(script)}) as running:
        yield running


@pytest.fixture
def userid() -> str:
    """A user of the test's own."""
    return f"ada-{next(numbers)}"


def open_window(browser: Browser, width: int, height: int, scheme: str) -> BrowserContext:
    """A window that knows nothing of the others."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        permissions=["clipboard-read", "clipboard-write"],
        reduced_motion="reduce",
    )
    context.set_default_timeout(15_000)
    return context


@pytest.fixture(scope="module")
def usual(browser: Browser, server: Server) -> Iterator[Page]:
    """The first tab of a window of the usual size: another tab there costs less than another window."""
    context = open_window(browser, *USUAL)
    tab = context.new_page()
    tab.goto(f"{server.url}/livez")
    yield tab
    context.close()


@contextmanager
def new_tab(usual: Page) -> Iterator[Page]:
    """A tab in that window, of which nothing is left."""
    context = usual.context
    with context.expect_page() as opened:
        usual.evaluate("void open('about:blank')")
    try:
        yield opened.value
    finally:
        for tab in context.pages:
            if tab != usual:
                tab.close()
        usual.evaluate("localStorage.clear(), sessionStorage.clear()")
        context.clear_cookies()


@pytest.fixture
def visit(browser: Browser, server: Server, usual: Page, userid: str) -> Iterator[Visit]:
    """`visit()` opens a window without a past; no test may end with an error in a console."""
    visitors: list[Visitor] = []
    with ExitStack() as stack:

        def come(width: int = 1280, height: int = 800, scheme: str = "light") -> Visitor:
            if not visitors and (width, height, scheme) == USUAL:
                page = stack.enter_context(new_tab(usual))
            else:
                page = stack.enter_context(open_window(browser, width, height, scheme)).new_page()
            visitors.append(Visitor(page, server.url, userid))
            return visitors[-1]

        yield come
    assert [fault for visitor in visitors for fault in visitor.faults] == []
    foreign = [
        url for visitor in visitors for url in visitor.requests if not url.startswith((server.url, "data:", "blob:"))
    ]
    assert foreign == []


@pytest.fixture
def visitor(visit: Visit) -> Visitor:
    """A user who is signed in, in a window of the usual size."""
    return visit().sign_in()


@pytest.fixture(scope="module")
def modules(browser: Browser, server: Server) -> Iterator[Page]:
    """The page before anybody signs in, where its modules can be imported and tried."""
    context = browser.new_context()
    visitor = Visitor(context.new_page(), server.url, "nobody")
    visitor.page.goto(visitor.url)
    yield visitor.page
    context.close()
    # An image that does not exist is asked for by some.
    visitor.forgive_failed_loads()
    assert visitor.faults == []
