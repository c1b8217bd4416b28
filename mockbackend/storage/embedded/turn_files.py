"""The new messages of a turn that are too large for its row, which is written again and again: a file in `turns`.

A file is written before the turn is claimed, and removed after it is over. Its name is the turn's id and its owner's:
what a dead process wrote and no running turn needs is removed at the next start.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import orjson

from ...concurrency.liveness import Liveness
from ...messages import Message, is_long
from ..values import Turn

# What a row has in place of them.
IN_FILE = b"in a file"
LARGE_BYTES = 256 * 1024
PART = ".part"
ID = re.compile(r"[\w-]{1,64}", re.ASCII)


class TooLargeForRow(Exception):
    """The messages of this turn have to be written to a file first."""

    def __init__(self, turn: Turn) -> None:
        super().__init__(turn.turn_id)
        self.turn = turn


class TurnFiles:
    """The files of this process's turns, and of those that it takes over. Nothing here runs in an event loop."""

    def __init__(self, folder: Path, liveness: Liveness) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._liveness = liveness
        self._written: dict[str, list[Message]] = {}

    def wrote(self, turn_id: str) -> bool:
        """Whether this process has written a file for that turn."""
        return turn_id in self._written

    def encode(self, turn: Turn) -> bytes:
        """What the turn's row has of its messages. Raises TooLargeForRow."""
        if self._written.get(turn.turn_id) == turn.new_messages:
            return IN_FILE
        encoded = None if is_long(turn.new_messages) else orjson.dumps(turn.new_messages)
        if encoded is None or len(encoded) > LARGE_BYTES:
            raise TooLargeForRow(turn)
        return encoded

    def write(self, turn: Turn) -> None:
        """Write the file of a turn that is about to be claimed. Raises OSError, and leaves no file then."""
        path = self._folder / f"{turn.turn_id}.{self._liveness.id}"
        temporary = path.with_name(path.name + PART)
        try:
            # Message by message: while orjson encodes one, no other thread runs.
            with temporary.open("wb") as file:
                for index, message in enumerate(turn.new_messages):
                    file.write(b"[" if index == 0 else b",")
                    file.write(orjson.dumps(message))
                file.write(b"]")
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self._written[turn.turn_id] = turn.new_messages

    def read(self, turn_id: object) -> bytes:
        """What was written for that turn; nothing if it is gone. Raises OSError."""
        for path in self._of(turn_id):
            with suppress(FileNotFoundError):
                return path.read_bytes()
        return b""

    def remove(self, turn_id: str) -> None:
        """Remove the file of a turn, if it has one."""
        self._written.pop(turn_id, None)
        for path in self._of(turn_id):
            path.unlink(missing_ok=True)

    def clean(self, running: Collection[str]) -> None:
        """Remove what dead processes wrote, except for the `running` turns."""
        for path in self._folder.iterdir():
            turn_id, _, owner = path.name.removesuffix(PART).partition(".")
            is_needed = turn_id in running and path.suffix != PART
            if path.is_file() and not is_needed and not self._liveness.is_alive(owner):
                path.unlink(missing_ok=True)

    def _of(self, turn_id: object) -> list[Path]:
        # The row may be damaged: what is not an id must not become a pattern.
        if not isinstance(turn_id, str) or not ID.fullmatch(turn_id):
            return []
        return [path for path in self._folder.glob(f"{turn_id}.*") if path.suffix != PART]
