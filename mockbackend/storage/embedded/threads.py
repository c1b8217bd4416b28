"""The rows of a thread in the saver's database; `checkpoints` says what they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from .sqlite import Row

# Of all turns: a reader orders writes by task before `idx`.
TASK = "turn"
THREAD = "thread_id = ? AND checkpoint_ns = ''"
TURN = f"{THREAD} AND checkpoint_id = ? AND task_id = '{TASK}'"
# Not by id alone: a clock may have been set back.
ANCHOR_FIRST = "ORDER BY parent_checkpoint_id IS NOT NULL, checkpoint_id"
ROWS = f"SELECT checkpoint_id, parent_checkpoint_id, metadata FROM checkpoints WHERE {THREAD} {ANCHOR_FIRST}"
_METADATA: dict[str, Any] = {"source": "update", "step": 0, "parents": {}}
ANCHOR_METADATA = orjson.dumps(_METADATA)


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread's rows. `count` is how many messages it has, where a head tells."""

    id: str
    anchor: str
    head: str | None
    count: int
    has_others: bool

    @classmethod
    def found(cls, thread_id: str, rows: list[Row]) -> Thread | None:
        """The thread of what `ROWS` has found."""
        if not rows:
            return None
        (anchor, *_), *others = rows
        for checkpoint_id, parent, metadata in others:
            if parent == anchor and (count := _count(metadata)) is not None:
                return cls(thread_id, anchor, checkpoint_id, count, len(others) > 1)
        return cls(thread_id, anchor, None, 0, bool(others))


def head_metadata(count: int) -> bytes:
    """The metadata of the head of a thread that has that many messages."""
    return orjson.dumps({**_METADATA, "step": 1, "count": count})


def _count(metadata: Any) -> int | None:
    try:
        count = orjson.loads(metadata).get("count")
    except (ValueError, AttributeError):
        return None
    return count if isinstance(count, int) else None


def later_id(made: str, other: str) -> str:
    """The id that was made, or one right after the other if that is later: a clock may have been set back."""
    try:
        return made if made > other else str(UUID(int=UUID(other).int + 1))
    except ValueError:
        return made
