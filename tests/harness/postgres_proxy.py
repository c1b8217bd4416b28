"""A proxy before the tests' PostgreSQL that sees each statement, and may cut the connection at one of them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Self

from tests.harness.postgres import postgres

# `before` the server has it, or once it is done and before the answer is sent.
Moment = Literal["before", "after"]
# Messages of the protocol: what has a statement in it, and what says that all is done, but for its last byte.
STATEMENTS = {b"P", b"Q"}
READY = b"Z" + (5).to_bytes(4)
SECONDS = 10
# The first message of a client has no type; this one is answered with a single byte, and another first one follows.
ASKS_FOR_TLS = (80877103, 80877104)


class Proxy:
    """The proxy, on a loop and a thread of its own: it goes on while the test waits."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self._cut: tuple[int, Moment] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self._server = started.result(SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        async def stop() -> None:
            self._server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    def url(self, schema: str) -> str:
        """The address of a schema behind the proxy."""
        port = self._server.sockets[0].getsockname()[1]
        return postgres().url(schema).replace(f":{postgres().port}/", f":{port}/")

    @contextmanager
    def cutting(self, number: int, moment: Moment) -> Iterator[None]:
        """Cut the connection of the statement of that number, counted from 1 and from now, and forget the others."""
        self.statements.clear()
        self._cut = number, moment
        yield
        self._cut = None

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", postgres().port)
        held = asyncio.Event()
        down = asyncio.create_task(self._answers(theirs, writer, held))
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._questions(reader, ours, held)
        finally:
            down.cancel()
            for one in (writer, ours):
                one.close()

    async def _questions(self, reader: StreamReader, server: StreamWriter, held: asyncio.Event) -> None:
        """Pass on what a client asks, until it leaves or is to be cut."""
        is_first = True
        while True:
            kind = b"" if is_first else await reader.readexactly(1)
            length = await reader.readexactly(4)
            body = await reader.readexactly(int.from_bytes(length) - 4)
            if is_first:
                is_first = int.from_bytes(body[:4]) in ASKS_FOR_TLS
            elif kind in STATEMENTS:
                self.statements.append(body.rstrip(b"\0").lstrip(b"\0").split(b"\0")[0].decode())
                if self._cut and self._cut[0] == len(self.statements):
                    if self._cut[1] == "before":
                        return
                    held.set()
            server.write(kind + length + body)
            await server.drain()

    async def _answers(self, server: StreamReader, client: StreamWriter, held: asyncio.Event) -> None:
        """Pass on what the server says; once `held`, wait for the end of what it does, and say nothing of it."""
        last = b""
        with contextlib.suppress(OSError):
            while data := await server.read(65536):
                last = (last + data)[-len(READY) - 1 :]
                if not held.is_set():
                    client.write(data)
                    await client.drain()
                elif last[:-1] == READY:
                    client.transport.abort()
                    return
            client.close()
