"""A model API that sends exact bytes, which a proper HTTP server cannot be made to send."""

from __future__ import annotations

import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from socket import SO_LINGER, SOL_SOCKET, socket
from types import TracebackType
from typing import Any, Literal, Self

import orjson

from tests.harness.emulator import prompt_of
from tests.harness.strictest import refusals

# A pause in seconds, bytes, or the connection's reset. The connection is closed after the last.
Piece = bytes | float | Literal["reset"]

Replies = Mapping[str, tuple[Piece, ...]] | Callable[[Any], tuple[Piece, ...]]

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\napim-request-id: raw-1\r\n\r\n"
DOCUMENT = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def event(value: Any) -> bytes:
    """One event of the stream."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


def choice(delta: Any = None, reason: str | None = None) -> dict[str, Any]:
    """A chunk with one choice."""
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def words(text: Any) -> bytes:
    """A text delta."""
    return event(choice({"content": text}))


def calls(*fragments: dict[str, Any]) -> bytes:
    """A delta of tool calls."""
    return event(choice({"tool_calls": list(fragments)}))


def refusal(status: int, body: Any) -> tuple[Piece, ...]:
    """A response with an error status and this JSON."""
    content = orjson.dumps(body)
    head = b"HTTP/1.1 %d No\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    return (head % (status, len(content)) + content,)


STOP = event(choice({}, "stop"))
ANSWER = (STREAM, words("fine"), STOP, DONE)


class _Handler(socketserver.StreamRequestHandler):
    server: _Listening

    def handle(self) -> None:
        length = 0
        while (line := self.rfile.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = orjson.loads(self.rfile.read(length) or b"null")
        if body and "messages" in body:
            self.server.refused += refusals(body)
        prompt = prompt_of(body) or ""
        self.server.prompts.append(prompt)
        self.server.bodies.append(body)
        replies = self.server.replies
        for piece in replies(body) if callable(replies) else replies.get(prompt, self.server.answer):
            if isinstance(piece, float):
                # Until the client has gone, at the longest.
                self.connection.settimeout(piece)
                try:
                    self.connection.recv(1)
                    return
                except OSError:
                    continue
            if piece == "reset":
                self.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return
            self.wfile.write(piece)

    def finish(self) -> None:
        if self.connection.fileno() >= 0:
            super().finish()


class _Listening(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, replies: Replies, answer: tuple[Piece, ...]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.begin(replies)

    def begin(self, replies: Replies) -> None:
        """Reply so; nothing was asked before."""
        self.replies = replies
        self.prompts: list[str] = []
        self.refused: list[str] = []
        self.bodies: list[Any] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is what some tests want."""

    def shutdown_request(self, request: Any) -> None:
        """Close, unless it has been reset."""
        if isinstance(request, socket) and request.fileno() >= 0:
            super().shutdown_request(request)


class RawUpstream:
    """Answers a prompt with the bytes that `replies` has for it, any other with a plain `answer`.

    `replies` may also be a function of the request's body.
    """

    def __init__(self, replies: Replies, answer: tuple[Piece, ...] = ANSWER) -> None:
        self._server = _Listening(replies, answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the service that point it here."""
        url = f"http://127.0.0.1:{self.port}/v1"
        return {
            "OPENAI_BASE_URL": url,
            "OPENAI_API_KEY": "secret-key-2",
            "OPENAI_MODEL": "m",
            "OPENAI_IMAGE_MODEL": "i",
        }

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def bodies(self) -> list[Any]:
        """What it was sent, in order."""
        return self._server.bodies

    def count(self, prompt: str) -> int:
        """How often that was asked."""
        return self._server.prompts.count(prompt)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._check()

    @contextmanager
    def replying(self, replies: Replies) -> Iterator[None]:
        """Within, reply so, as one that was asked nothing yet."""
        self._server.begin(replies)
        yield
        self._check()

    def _check(self) -> None:
        assert self._server.refused == [], "the strictest template refuses this"


class Unanswering:
    """An address whose connections are never accepted: its queue is full."""

    def __enter__(self) -> Self:
        self._listening = socket()
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(0)
        self.port: int = self._listening.getsockname()[1]
        self._waiting: list[socket] = []
        deadline = time.monotonic() + 10
        while True:
            one = socket()
            self._waiting.append(one)
            one.settimeout(0.3)
            try:
                one.connect(("127.0.0.1", self.port))
            except TimeoutError:
                return self
            assert time.monotonic() < deadline, "the queue takes any number of connections"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (*self._waiting, self._listening):
            one.close()
