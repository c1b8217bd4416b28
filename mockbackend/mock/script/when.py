"""The conditions of a rule: what a call must be like."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

Mode = Literal["chat", "image"]
AtLeastOne = Annotated[int, Meta(ge=1)]
ONE_TEXT = "give either 'equals' or 'regex'"


def _check_regex(pattern: str | None) -> None:
    if pattern is not None:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"'regex' is not a regular expression: {error}") from None


class Pattern(Struct, frozen=True, forbid_unknown_fields=True):
    """A text that must be equal, or a regular expression that must be found."""

    equals: str | None = None
    regex: str | None = None

    def __post_init__(self) -> None:
        if (self.equals is None) == (self.regex is None):
            raise ValueError(ONE_TEXT)
        _check_regex(self.regex)


class When(Struct, frozen=True, forbid_unknown_fields=True):
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

    def __post_init__(self) -> None:
        texts = [name for name in ("text", "equals", "regex") if getattr(self, name) is not None]
        if len(texts) > 1:
            raise ValueError(ONE_TEXT if "text" not in texts else f"give either 'text' or '{texts[1]}'")
        if all(getattr(self, name) is None for name in self.__struct_fields__):
            raise ValueError(ONE_TEXT)
        _check_regex(self.regex)

    def pattern(self) -> str | Pattern | None:
        """What its text must be like."""
        if self.equals is None and self.regex is None:
            return self.text
        return Pattern(self.equals, self.regex)
