"""The headers of a stream in each framing, and streams of very many events."""

from __future__ import annotations

import asyncio
from typing import Any

from mockbackend.events import Event, TextDelta
from mockbackend.protocol import FRAMINGS
from mockbackend.protocol.data_stream import DATA_STREAM
from mockbackend.protocol.links import Links
from mockbackend.routes.stream import EventStream, stream_headers
from mockbackend.storage import DayLimits, Turn
from mockbackend.turn.run import BATCH, Reader, Run

# No reader needs one.
NO_STORE: Any = None
HEADERS = {
    "data": {
        "content-type": "text/event-stream; charset=utf-8",
        "x-vercel-ai-data-stream": "v1",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
    },
    "assistant-ui": {
        "content-type": "text/event-stream; charset=utf-8",
        "x-vercel-ai-data-stream": "v1",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
    },
    "ui": {
        "content-type": "text/event-stream; charset=utf-8",
        "x-vercel-ai-ui-message-stream": "v1",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
    },
}


def test_the_headers_are_what_front_ends_and_proxies_look_for() -> None:
    assert {name: stream_headers(framing) for name, framing in FRAMINGS.items()} == HEADERS


def new_run() -> Run:
    return Run(Turn("ann", "c", "t", "m", 1, "data", 0, []), "chat", NO_STORE, DayLimits(), resumable=True)


async def test_a_long_stream_that_is_all_ready_gives_way_to_others() -> None:
    events: list[Event] = [TextDelta("word")] * (BATCH * 20)
    run = new_run()
    run.answer.events += events
    run.end()
    response = EventStream(Reader(run), DATA_STREAM, Links(""), 15, {}, kind="own")
    sent, turns = bytearray(), 0

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.extend(message.get("body", b""))

    async def other() -> None:
        nonlocal turns
        while len(sent) < len(events) * len(b'0:"word"\n'):
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.timeout(10):
        await asyncio.gather(response({"type": "http"}, receive, send), other())
    assert sent == b'0:"word"\n' * len(events)
    assert turns >= 10


async def test_a_reader_of_a_long_turn_gets_it_in_batches() -> None:
    run = new_run()
    reader = Reader(run)
    run.answer.begin_step()
    for _ in range(BATCH):
        run.answer.emit(TextDelta("word"))
    run.end()
    assert [len(await reader.next() or []) for _ in range(3)] == [BATCH, 1, 0]
