"""An OpenAI-compatible model API in the test's own process, whose stream the test drives step by step."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import orjson


class Call:
    """One request that the service made; nothing is answered until the test says so."""

    def __init__(
        self,
        target: str,
        headers: Mapping[str, str],
        body: Any,
        reader: asyncio.StreamReader,
        out: asyncio.StreamWriter,
    ) -> None:
        self.target = target
        self.headers = headers
        self.body = body
        self.over = asyncio.Event()
        self._reader = reader
        self._out = out

    async def start(self) -> None:
        """Answer 200 with an event stream that stays open."""
        await self._send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    async def event(self, value: Any) -> None:
        """Send one event as it is given."""
        await self._chunk(b"data: " + orjson.dumps(value) + b"\n\n")

    async def delta(self, text: str) -> None:
        """Send one text delta."""
        await self.event(_chunk([{"index": 0, "delta": {"content": text}, "finish_reason": None}]))

    async def deltas(self, *texts: str) -> None:
        """Send text deltas that arrive together."""
        deltas = [_chunk([{"index": 0, "delta": {"content": text}, "finish_reason": None}]) for text in texts]
        await self._chunk(b"".join(b"data: %b\n\n" % orjson.dumps(delta) for delta in deltas))

    async def finish(self, reason: str = "stop") -> None:
        """End the answer as a model does: finish reason, usage, [DONE]."""
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        await self.event(_chunk([{"index": 0, "delta": {}, "finish_reason": reason}]))
        await self.event({**_chunk([]), "usage": usage})
        await self._chunk(b"data: [DONE]\n\n")
        await self._send(b"0\r\n\r\n")
        self.cut()

    async def answer(self, *texts: str) -> None:
        """The whole answer at once."""
        await self.start()
        for text in texts:
            await self.delta(text)
        await self.finish()

    async def refuse(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Answer with an error and close."""
        head = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        await self._send(f"HTTP/1.1 {status} Refused\r\n{lines}\r\n".encode() + body)
        self.cut()

    async def begin_refusal(self, status: int, body: bytes) -> None:
        """Answer with an error whose body goes on after this."""
        head = (
            f"HTTP/1.1 {status} Refused\r\ncontent-type: application/json\r\ncontent-length: {len(body) + 1000}\r\n\r\n"
        )
        await self._send(head.encode() + body)

    def cut(self) -> None:
        """Close the connection, whatever was said."""
        self._out.close()
        self.over.set()

    async def gone(self, within: float = 15.0) -> None:
        """Wait until the service has closed the call from its side."""
        try:
            async with asyncio.timeout(within):
                while await self._reader.read(1024):
                    pass
        except ConnectionError:
            pass
        self.cut()

    async def _chunk(self, data: bytes) -> None:
        await self._send(b"%x\r\n%b\r\n" % (len(data), data))

    async def _send(self, data: bytes) -> None:
        self._out.write(data)
        await self._out.drain()


class Upstream:
    """`async with Upstream() as upstream:` listens; `await upstream.call()` is the next request it gets.

    It listens on a socket that one test after the other has, where that is given.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, kept: socket.socket | None = None) -> None:
        self._calls: asyncio.Queue[Call] = asyncio.Queue()
        self._tls = tls
        self._socket = kept.dup() if kept else socket.create_server(("127.0.0.1", 0))

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        scheme, port = "https" if self._tls else "http", self._socket.getsockname()[1]
        return f"{scheme}://127.0.0.1:{port}"

    @property
    def settings(self) -> dict[str, str]:
        """The settings that point the service here."""
        return {"OPENAI_BASE_URL": f"{self.address}/v1", "OPENAI_API_KEY": "k", "OPENAI_MODEL": "model"}

    async def call(self, within: float = 15.0) -> Call:
        """The next request, waited for."""
        return await asyncio.wait_for(self._calls.get(), within)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, sock=self._socket, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *fields = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        call = Call(first.split(" ")[1], headers, orjson.loads(body or b"null"), reader, out)
        self._calls.put_nowait(call)
        # One request a connection: the stream's end says when the test is done with it.
        await call.over.wait()


def _chunk(choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "model", "choices": choices}
