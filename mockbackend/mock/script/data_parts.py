"""The data parts of a step: what the service's front end gets as if a tool had shown it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from msgspec import Meta, to_builtins

from ...data_parts import MAX_ID_CHARACTERS, name_problem
from .. import drawn
from .checks import WRONG, Checked, Given, Mistake, of_json


class DataPart(Checked, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Any JSON under a name. The same id replaces what was shown; without one it is a part of its own."""

    name: str
    data: Any
    id: Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARACTERS)] | None = None
    transient: bool = False

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        if given.get("name", WRONG) is not WRONG and (problem := name_problem(given["name"])):
            yield Mistake("name", f"cannot be that: {problem}")
        yield from of_json(given, "data")


def shown(parts: Iterable[DataPart]) -> list[dict[str, object]]:
    """The parts as the service is sent them, each with an id."""
    return [{**to_builtins(part), "id": part.id or drawn.token_hex(8)} for part in parts]
