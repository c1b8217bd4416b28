"""Tool calls of which a script of the mock says what comes: the service needs no such tool, and does as if."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Under which the emulator sends them, in a chunk of its stream, and the answer keeps them, by the ids of the calls.
PLAYED_CALLS = "mock_calls"


@dataclass(frozen=True, slots=True)
class PlayedCall:
    """One such call: it waits for its `client`, or has this `result`, with `approval` once the user has said yes."""

    client: bool = False
    approval: bool = False
    result: Any = None
