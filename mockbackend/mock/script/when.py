"""The conditions of a rule: what a call must be like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from .checks import Checked, Given, Mistake

Mode = Literal["chat", "image"]
AtLeastOne = Annotated[int, Meta(ge=1)]
ONE_TEXT = "give either 'equals' or 'regex'"


class Pattern(Checked, frozen=True, forbid_unknown_fields=True):
    """A text that must be equal, or a regular expression that must be found."""

    equals: str | None = None
    regex: str | None = None

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        if len(given) == 2:
            yield Mistake("regex", ONE_TEXT)
        elif not given:
            yield Mistake("", ONE_TEXT, lacks=True)
        yield from _of_regex(given)


class When(Checked, frozen=True, forbid_unknown_fields=True):
    """What a call must be like, all of it. `equals` and `regex` are about its text, as `text` is."""

    text: str | Pattern | None = None
    equals: str | None = None
    regex: str | None = None
    mode: Mode | None = None
    turn: AtLeastOne | None = None
    step: AtLeastOne | None = None
    userid: str | None = None
    tool_result: str | None = None
    header: dict[str, str] | None = None
    deployment: str | None = None

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        first, *others = [name for name in ("text", "equals", "regex") if name in given] or [""]
        for name in others:
            yield Mistake(name, ONE_TEXT if first == "equals" else f"give either 'text' or '{name}'")
        if not given:
            yield Mistake("", ONE_TEXT, lacks=True)
        yield from _of_regex(given)

    def pattern(self) -> str | Pattern | None:
        """What its text must be like."""
        if self.equals is None and self.regex is None:
            return self.text
        return Pattern(self.equals, self.regex)


def _of_regex(given: Given) -> Iterator[Mistake]:
    if isinstance(pattern := given.get("regex"), str):
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            yield Mistake("regex", f"is not a regular expression: {error}")
