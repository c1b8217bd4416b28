"""What a soak has asked, heard and done, in its order: what must be there at the end, and the story of what is not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# Of a story: the latest entries, and lines of the server's log around the first of what it is about.
ENTRIES = 60
LOG_LINES = 80
LOG_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Question:
    """A message on its way, and how often its conversation had been deleted before it was sent."""

    conversation_id: str
    message: str
    deletions: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened: when, how long the server's log was, and in which conversation; "" is all of them."""

    at: float
    log_size: int
    conversation_id: str
    words: str


@dataclass
class Ledger:
    """The entries of a soak, and the messages that each conversation owes."""

    log: Path
    began: float = field(default_factory=time.monotonic)
    entries: list[Entry] = field(default_factory=list)
    # What was answered to its end since the conversation was deleted last.
    owed: dict[str, set[str]] = field(default_factory=dict)
    _deletions: Counter[str] = field(default_factory=Counter)

    def note(self, words: str, conversation_id: str = "") -> None:
        """Enter what happens now, in one conversation or to the whole server."""
        size = self.log.stat().st_size if self.log.exists() else 0
        self.entries.append(Entry(time.monotonic() - self.began, size, conversation_id, words))

    def asked(self, conversation_id: str, message: str) -> Question:
        """Enter a message. Call it before it is sent: a deletion may overtake its response."""
        self.note(f"asked {message!r}", conversation_id)
        return Question(conversation_id, message, self._deletions[conversation_id])

    def answered(self, question: Question) -> None:
        """Enter an answer without an error, heard to its end: it is owed if no deletion has come near it."""
        is_owed = question.deletions == self._deletions[question.conversation_id]
        if is_owed:
            self.owed.setdefault(question.conversation_id, set()).add(question.message)
        words = "answered" if is_owed else "answered while it was deleted"
        self.note(f"{words}: {question.message!r}", question.conversation_id)

    @contextmanager
    def deleting(self, conversation_id: str) -> Iterator[None]:
        """A deletion, from before its request to after its response, or to the kill that left it without one."""
        self._forget(conversation_id, "deletion begins")
        try:
            yield
        finally:
            # What was asked and answered meanwhile may have gone with it.
            self._forget(conversation_id, "deletion ends")

    def _forget(self, conversation_id: str, words: str) -> None:
        self._deletions[conversation_id] += 1
        self.owed.pop(conversation_id, None)
        self.note(words, conversation_id)

    def check(self, conversation_id: str, stored: Collection[str]) -> None:
        """AssertionError with its story if a conversation lacks what it owes, or has a message twice."""
        lost = sorted(self.owed.get(conversation_id, set()).difference(stored))
        twice = [message for message, count in Counter(stored).items() if count > 1]
        if lost or twice:
            found = "\n".join(repr(message) for message in stored)
            about = (lost or twice)[0]
            raise AssertionError(
                f"{conversation_id} has lost {lost}, and has {twice} twice\n"
                f"{self.story(conversation_id, about)}\nits history:\n{found}"
            )

    def story(self, conversation_id: str, message: str) -> str:
        """What happened in that conversation and to the server, and the log's lines while it was asked `message`."""
        entries = [one for one in self.entries if one.conversation_id in ("", conversation_id)]
        asked = next(one for one in entries if one.words == f"asked {message!r}")
        place = entries.index(asked)
        shown = entries[max(0, place - ENTRIES // 3) :]
        if len(shown) > ENTRIES:
            shown = [*shown[: ENTRIES * 2 // 3], *shown[-ENTRIES // 3 :]]
        told = "\n".join(f"{one.at:9.3f} s  {one.words}" for one in shown)
        return (
            f"what happened there:\n{told}\nthe server's log then:\n{self._log_from(asked.log_size, conversation_id)}"
        )

    def _log_from(self, size: int, conversation_id: str) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(0, size - LOG_BYTES // 8))
            around = file.read(LOG_BYTES).decode(errors="replace").splitlines()[:LOG_LINES]
            file.seek(0)
            whole = file.read().decode(errors="replace").splitlines()
        of_it = [line for line in whole if f"{conversation_id}:" in line or line.endswith(conversation_id)]
        return "\n".join([*around, "its lines:", *of_it[-LOG_LINES:]])
