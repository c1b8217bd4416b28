"""Small pieces of one turn of the loop leave in one write, before whatever is written after them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypercorn.events import RawData

from mockbackend.server.hypercorn_patches import JOINED_BYTES, MOST_JOINED, Connection

LARGE = b"x" * (JOINED_BYTES + 1)


class Transport:
    """A socket that takes all at once."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False


async def written(*pieces: bytes) -> list[bytes]:
    """What these pieces are written as, sent in one turn of the loop."""
    connection: Any = object.__new__(Connection)
    connection._transport, connection._joined = Transport(), []
    connection.loop, connection.send_lock = asyncio.get_running_loop(), asyncio.Lock()
    for piece in pieces:
        await connection.protocol_send(RawData(piece))
    await asyncio.sleep(0)
    found: list[bytes] = connection._transport.writes
    return found


@pytest.mark.parametrize(
    ("pieces", "writes"),
    [
        ([b"head", b"body"], [b"headbody"]),
        ([b"head", LARGE, b"end"], [b"head", LARGE, b"end"]),
        ([b"a"] * (MOST_JOINED + 1), [b"a" * MOST_JOINED, b"a"]),
    ],
    ids=["small ones", "a large one between", "many"],
)
async def test_pieces_of_one_turn_of_the_loop(pieces: list[bytes], writes: list[bytes]) -> None:
    assert await written(*pieces) == writes
