"""The headers of a stream in each framing, and streams of very many events."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

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
        await asyncio.gather(response({"type": "http", "method": "GET"}, receive, send), other())
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


class Client:
    """A client's side of a stream: what was written to it past `send`, and what was sent."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.is_slow = False
        self.begun = asyncio.Event()

    def write_piece(self, data: bytes) -> bool:
        if not self.is_slow:
            self.got.append(("written", data))
        return not self.is_slow

    async def receive(self) -> Any:
        await asyncio.Event().wait()

    async def send(self, message: Any) -> None:
        self.begun.set()
        if body := message.get("body"):
            self.got.append(("sent", body))

    def scope(self) -> dict[str, Any]:
        return {"type": "http", "method": "GET", "state": {"write_piece": self.write_piece}}


async def streamed_to(client: Client, run: Run, *said: list[str]) -> None:
    """Stream the run while it says these words, those of a list together, and then ends."""
    response = EventStream(Reader(run), DATA_STREAM, Links(""), 15, {}, kind="own")
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(response(client.scope(), client.receive, client.send))
        await client.begun.wait()
        for words in said:
            before = len(client.got)
            for word in words:
                run.answer.emit(TextDelta(word))
            while len(client.got) == before:  # noqa: ASYNC110 - the stream says nothing else
                await asyncio.sleep(0)
            client.is_slow = "slow" in words
        run.end()


async def test_what_is_said_together_is_written_at_once_in_one_piece() -> None:
    client, run = Client(), new_run()
    run.answer.begin_step()
    await streamed_to(client, run, ["one"], ["two", "three"], ["four"])
    # The first line was there before the stream waited.
    assert client.got[-3:] == [
        ("written", b'0:"one"\n'),
        ("written", b'0:"two"\n0:"three"\n'),
        ("written", b'0:"four"\n'),
    ]


async def test_what_a_connection_does_not_take_at_once_is_sent_in_its_place() -> None:
    client, run = Client(), new_run()
    run.answer.begin_step()
    await streamed_to(client, run, ["slow"], ["one", "slow"], ["two"], ["three"])
    assert client.got[-4:] == [
        ("written", b'0:"slow"\n'),
        ("sent", b'0:"one"\n0:"slow"\n'),
        ("sent", b'0:"two"\n'),
        ("written", b'0:"three"\n'),
    ]


async def test_a_long_turn_is_given_in_batches_too() -> None:
    run = new_run()
    reader = Reader(run)
    batches: list[int] = []
    reader.take = lambda events: batches.append(len(events))
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        waiting = group.create_task(reader.next())
        await asyncio.sleep(0)
        run.answer.begin_step()
        for _ in range(BATCH * 2):
            run.answer.emit(TextDelta("word"))
        while len(batches) < 3:  # noqa: ASYNC110 - the reader says nothing else
            await asyncio.sleep(0)
        run.end()
    assert batches == [BATCH, BATCH, 1]
    assert waiting.result() == []


async def test_an_event_that_cannot_be_written_ends_the_reading() -> None:
    run = new_run()
    reader = Reader(run)

    def fail(events: list[Event]) -> None:
        raise ValueError(events)

    reader.take = fail
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(rejected(reader))
        await asyncio.sleep(0)
        run.answer.begin_step()


async def rejected(reader: Reader) -> None:
    with pytest.raises(ValueError, match="StepStarted"):
        await reader.next()
