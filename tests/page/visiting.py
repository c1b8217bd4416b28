"""A visitor of the page: what a person sees and does there, in the words of Playwright."""

from __future__ import annotations

import re

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.harness.service import AUTH

# Debian's Chromium without its own windows, which nobody would see and which take a third of the CPU time.
BROWSER = "/usr/bin/chromium-headless-shell"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# What a browser itself says of an answer that is no 2xx, or of none.
FAILED_LOADS = re.compile(r"Failed to load resource")


class Visitor:
    """One tab of one user. `faults` are the console's errors and the page's exceptions; a test ends with none."""

    def __init__(self, page: Page, url: str, userid: str) -> None:
        self.page = page
        self.url = url
        self.userid = userid
        self.faults: list[str] = []
        self.requests: list[str] = []
        self._forgives_failed_loads = False
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def _heard(self, message: ConsoleMessage) -> None:
        if self._forgives_failed_loads and FAILED_LOADS.search(message.text):
            return
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.type}: {message.text}")

    def forgive_failed_loads(self) -> None:
        """The test asked for answers that are errors: that the browser names them, late perhaps, is no fault."""
        self._forgives_failed_loads = True
        self.faults = [fault for fault in self.faults if not FAILED_LOADS.search(fault)]

    def sign_in(self) -> Visitor:
        """Come to the page and sign in."""
        self.page.goto(self.url)
        self.fill_in(*AUTH)
        expect(self.box).to_be_focused()
        return self

    def fill_in(self, login: str, password: str) -> None:
        """Fill in the sign-in form and send it."""
        self.page.get_by_label("Login").fill(login)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_label("User id").fill(self.userid)
        self.button("Sign in").click()

    def button(self, name: str, within: Page | Locator | None = None) -> Locator:
        """The button of this very name."""
        return (within or self.page).get_by_role("button", name=name, exact=True)

    @property
    def box(self) -> Locator:
        """Where a message is written."""
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def answers(self) -> Locator:
        """The answers, in their order."""
        return self.page.get_by_role("article", name="Answer")

    @property
    def questions(self) -> Locator:
        """The own messages, in their order."""
        return self.page.get_by_role("article", name="You")

    @property
    def listed(self) -> Locator:
        """The titles in the list."""
        return self.page.locator("#list .open")

    @property
    def spoken(self) -> Locator:
        """What a screen reader announces."""
        return self.page.locator("#announcer")

    def say(self, text: str) -> Locator:
        """Send a message; gives the answer to come."""
        number = self.answers.count()
        self.box.fill(text)
        self.box.press("Enter")
        expect(self.answers).to_have_count(number + 1)
        return self.answers.nth(number)

    def ask(self, text: str) -> Locator:
        """Send a message, and wait until its answer is whole."""
        answer = self.say(text)
        self.over()
        return answer

    def over(self) -> None:
        """Wait until no answer runs."""
        expect(self.button("Send")).to_be_visible(timeout=15_000)
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)

    def option(self, title: str, item: str) -> None:
        """Choose from the menu of a conversation in the list."""
        self.page.locator("#list li", has_text=title).hover()
        self.button(f"Options for {title}").click()
        self.page.get_by_role("menuitem", name=item).click()
