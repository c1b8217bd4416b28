"""`python -m bench.page_kills [--minutes 60] [--seed N]`: use of the page while the server is killed every minute.

Between the kills somebody writes, waits, stops, edits, asks again, reloads and goes to other conversations. At the end
every conversation is opened once more: each word that was written or read has to stand there.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Error, expect, sync_playwright

from tests.harness.service import Server
from tests.page.killing import KILLS, Writer, rules
from tests.page.visiting import ARGUMENTS, BROWSER, Visitor

MINUTE = 60.0
WORDS = 100
MINUTES_OF_CONVERSATION = 5
PATIENCE_MS = 60_000  # the machine may have other work


@dataclass
class Kept:
    """A conversation, and what has to stand in it."""

    url: str
    written: list[str]
    read: list[str]


@dataclass
class Usage:
    """Somebody's use of the page, and its counts."""

    visitor: Visitor
    server: Server
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    kept: list[Kept] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def run(self, minutes: int) -> None:
        """Use the page for so long, a kill a minute."""
        end = time.monotonic()
        writer = Writer(self.visitor)
        for minute in range(minutes):
            end += MINUTE
            try:
                if minute % MINUTES_OF_CONVERSATION == 0:
                    self.leave(writer)
                    writer = Writer(self.visitor)
                KILLS[minute % len(KILLS)](writer, self.server)
                self.counts["kills"] += 1
                while time.monotonic() < end:
                    self.use(writer)
            except (AssertionError, Error) as error:
                self.wrong.append(f"minute {minute + 1}: {error}")
                print(self.wrong[-1], file=sys.stderr, flush=True)
                self.server.kill()
                self.server.start()
                # What was read of it is not known here; what was written has to stand there in the end.
                self.kept.append(Kept(self.visitor.page.url, writer.written, []))
                self.counts["turns"] += len(writer.written)
                self.begin()
                writer = Writer(self.visitor)
            print(f"{minute + 1} minutes: {self.figures}", file=sys.stderr, flush=True)
        self.leave(writer)

    def use(self, writer: Writer) -> None:
        """One thing that somebody does."""
        visitor = writer.visitor
        match self.chance.choice(("write", "write", "talk", "stop", "queue", "edit", "again", "reload", "elsewhere")):
            case "write":
                writer.write("short")
            case "talk":
                writer.write()
            case "stop":
                number = visitor.answers.count()
                writer.write()
                expect(visitor.answers).to_have_count(number + 1)
                expect(visitor.answers.last).to_contain_text("word3")
                visitor.button("Stop").click()
                expect(visitor.answers.last).to_contain_text("This answer was stopped.")
            case "queue":
                number = visitor.answers.count()
                writer.write()
                expect(visitor.answers).to_have_count(number + 1)
                expect(visitor.answers.last).to_contain_text("word3")
                writer.write("short")
            case "edit":
                writer.edit("short")
            case "again":
                visitor.answers.last.hover()
                visitor.button("Answer again", visitor.answers.last).click()
            case "reload":
                writer.write()
                visitor.page.reload()
            case "elsewhere":
                writer.write()
                here = visitor.page.url
                self.begin()
                visitor.page.goto(here)
        expect(visitor.page.get_by_text("Waiting")).to_have_count(0)
        visitor.over()
        expect(visitor.page.locator(".bubble")).to_have_text(writer.written)
        self.counts["deeds"] += 1

    def begin(self) -> None:
        """Go to a new conversation."""
        self.visitor.button("New conversation").click()
        expect(self.visitor.questions).to_have_count(0)

    def leave(self, writer: Writer) -> None:
        """Remember what stands in a conversation, and begin another."""
        if writer.written:
            self.visitor.over()
            read = self.visitor.page.locator(".answer .body").all_inner_texts()
            self.kept.append(Kept(self.visitor.page.url, writer.written, read))
            self.counts["turns"] += len(writer.written)
        self.begin()

    def review(self) -> None:
        """Open each conversation once more, and count the words that are gone."""
        self.counts["conversations"] = len(self.kept)
        for kept in self.kept:
            self.visitor.page.goto(kept.url)
            expect(self.visitor.questions.first).to_be_visible()
            self.counts["words lost"] += lost(kept.written, self.visitor.page.locator(".bubble").all_inner_texts())
            self.counts["words lost"] += lost(kept.read, self.visitor.page.locator(".answer .body").all_inner_texts())

    @property
    def figures(self) -> str:
        """The counts so far."""
        return " ".join(f"{name.replace(' ', '_')}={count}" for name, count in self.counts.items())


def lost(before: list[str], after: list[str]) -> int:
    """How many words of before do not stand in their place any more."""
    places = [*after, *[""] * (len(before) - len(after))]
    return sum(
        (Counter(text.split()) - Counter(place.split())).total() for text, place in zip(before, places, strict=False)
    )


def main() -> int:
    """Print the tally; return 1 if a word was lost or the page was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.page_kills", description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    expect.set_options(timeout=PATIENCE_MS)
    with tempfile.TemporaryDirectory(prefix="bench-page-kills-") as name, sync_playwright() as playwright:
        folder = Path(name)
        (folder / "script.yaml").write_text(json.dumps({"rules": rules(WORDS)}))
        browser = playwright.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
        with Server(folder, {"MOCK_SCRIPT": str(folder / "script.yaml")}, kind="serve") as server:
            visitor = Visitor(browser.new_page(), server.url, "bench").sign_in()
            usage = Usage(visitor, server, random.Random(chosen.seed))
            usage.run(chosen.minutes)
            usage.review()
            visitor.forgive_failed_loads()
            usage.counts["page errors"] = len(visitor.faults)
            usage.counts["wrong"] = len(usage.wrong)
            browser.close()
    print(usage.figures)
    print("\n".join([*usage.wrong, *visitor.faults]), file=sys.stderr)
    return 1 if usage.wrong or visitor.faults or usage.counts["words lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
