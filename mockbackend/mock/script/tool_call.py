"""A tool call of a step, and what comes of it where the service has no such tool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from msgspec import UNSET, UnsetType

from .checks import Checked, Given, Mistake, of_json


class ToolCall(Checked, frozen=True, forbid_unknown_fields=True):
    """A tool call of the model. Arguments given as text may be broken JSON.

    With `client` or `result` the service needs no such tool: the call waits for its client, or has that result, with
    `approval` only once the user has said yes.
    """

    name: str
    arguments: str | dict[str, Any] = "{}"
    id: str | None = None
    client: bool = False
    approval: bool = False
    result: Any | UnsetType = UNSET

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        yield from of_json(given, "arguments")
        yield from of_json(given, "result")
        if "client" in given:
            for name in {"approval", "result"} & set(given):
                yield Mistake(name, "is of a tool of the service: leave it out, or 'client'")
        elif "approval" in given and "result" not in given:
            yield Mistake("approval", "give the 'result' that the call has after a yes", lacks=True)

    @property
    def is_played(self) -> bool:
        """Whether the script says what comes of it."""
        return self.client or self.result is not UNSET

    def json(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else orjson.dumps(self.arguments).decode()
