"""The table of parts is whole: a new part is in it, or this fails."""

from __future__ import annotations

from typing import get_args, get_type_hints

from mockbackend.messages import Part
from tests.protocol.part_cases import CASES


def test_every_part_has_a_case() -> None:
    types = {get_args(get_type_hints(part)["type"])[0] for part in get_args(Part)}
    assert {part["type"] for _, part in CASES.values()} == types
