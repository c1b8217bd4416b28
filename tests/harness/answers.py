"""What a client reads: an answer to its end, or a stream as it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson

# No answer takes as long. Keep-alives come more often than the client would give up.
MAX_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of POST /chat, read to its end: `lines` holds code and value of each line of the data stream."""

    status: int
    headers: httpx2.Headers
    lines: list[tuple[str, Any]]
    body: bytes

    @property
    def codes(self) -> str:
        """The codes in their order, such as `f00ed`."""
        return "".join(code for code, _ in self.lines)

    @property
    def text(self) -> str:
        """The text deltas, joined."""
        return "".join(self.values("0"))

    @property
    def errors(self) -> list[str]:
        """What the `3:` lines say."""
        return self.values("3")

    @property
    def conversation_id(self) -> str:
        """The conversation that it belongs to."""
        return self.headers["x-conversation-id"]

    def values(self, code: str) -> list[Any]:
        """The values of the lines of this code."""
        return [value for name, value in self.lines if name == code]

    def json(self) -> Any:
        """The body of an answer that is no stream."""
        return orjson.loads(self.body)


def line(raw: bytes) -> tuple[str, Any]:
    """Code and value of one line of the data stream."""
    code, colon, value = raw.partition(b":")
    assert colon, f"not a line of the data stream: {raw!r}"
    return code.decode(), orjson.loads(value)


async def lines(response: httpx2.Response) -> AsyncIterator[tuple[str, Any]]:
    """The lines of a data stream as they arrive. Only \\n ends one: JSON may hold other line separators."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        for raw in whole:
            yield line(raw)
    assert rest == b"", f"the stream ends within a line: {rest!r}"


async def next_of(reader: AsyncIterator[tuple[str, Any]], code: str) -> Any:
    """The value of the next line of this code; those before it are skipped."""
    async with asyncio.timeout(MAX_SECONDS):
        async for name, value in reader:
            if name == code:
                return value
    raise AssertionError(f"the stream ended with no {code}: line")


async def chat(client: httpx2.AsyncClient, body: Mapping[str, Any]) -> Answer:
    """POST /chat, read to its end."""
    async with asyncio.timeout(MAX_SECONDS):
        response = await client.post("/chat", json=dict(body))
    streamed = response.headers.get("content-type", "").startswith("text/event-stream")
    parsed = [line_ async for line_ in lines(response)] if streamed else []
    return Answer(response.status_code, response.headers, parsed, response.content)


@dataclass(frozen=True)
class Stream:
    """A stream that is being read."""

    response: httpx2.Response
    lines: AsyncIterator[tuple[str, Any]]

    @property
    def conversation_id(self) -> str:
        """The conversation that it belongs to."""
        return str(self.response.headers["x-conversation-id"])

    async def until(self, code: str) -> Any:
        """Read on to the next line of this code; its value."""
        return await next_of(self.lines, code)

    async def rest(self) -> list[tuple[str, Any]]:
        """Read on to the end."""
        async with asyncio.timeout(MAX_SECONDS):
            return [one async for one in self.lines]


@asynccontextmanager
async def posting(client: httpx2.AsyncClient, message: str, **body: Any) -> AsyncIterator[Stream]:
    """POST /chat; leaving aborts what is left of it, as a browser's stop does."""
    async with client.stream("POST", "/chat", json={"message": message, **body}) as response:
        assert response.status_code == 200, await response.aread()
        yield Stream(response, lines(response))


@asynccontextmanager
async def joining(client: httpx2.AsyncClient, conversation_id: str) -> AsyncIterator[Stream]:
    """Join the running answer."""
    async with client.stream("GET", f"/chat/{conversation_id}/stream") as response:
        assert response.status_code == 200
        yield Stream(response, lines(response))


def text_of(read: list[tuple[str, Any]]) -> str:
    """The text deltas, joined."""
    return "".join(value for code, value in read if code == "0")


def codes_of(read: list[tuple[str, Any]]) -> str:
    """The codes in their order, neighbours of a kind as one."""
    codes = [code for code, _ in read]
    return "".join(code for index, code in enumerate(codes) if index == 0 or codes[index - 1] != code)
