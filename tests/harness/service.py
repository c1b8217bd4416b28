"""The real service in a process of its own, and a client's view of its answers."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import httpx2
import orjson

from tests.harness.http_client import PLAIN
from tests.harness.processes import Process, environment, execute, fork, free_port

AUTH = ("u", "p")
# Plain Hypercorn has a worker process beside its own, unless it is told `-w 0`.
Kind = Literal["hypercorn", "hypercorn with a worker", "serve"]


class Server:
    """A server under test: `with Server(folder) as server:` gives it once it answers /livez.

    `folder` is its working directory, so that a developer's `.env` is not read. It is forked from a preloaded process,
    unless a `fresh` interpreter is wanted: by tests of the start, signals, memory and descriptors. `command`, where
    given, is executed instead of what `kind` names; it must listen on `port` of 127.0.0.1, which it finds in PORT.
    """

    def __init__(
        self,
        folder: Path,
        env: Mapping[str, str] | None = None,
        kind: Kind = "hypercorn",
        data_dir: Path | None = None,
        command: list[str] | None = None,
        port: int | None = None,
        within: float = 30.0,
        fresh: bool = False,
        app: str = "app:app",
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.auth = AUTH
        self.data_dir = data_dir or folder / "data"
        self._folder = folder
        self._within = within
        self.log_path = folder / f"server-{self.port}.log"
        self._arguments = self._arguments_of(kind, app)
        self._command = command or [sys.executable, "-m", *self._arguments]
        self._forks = kind != "hypercorn with a worker" and command is None and not fresh
        login = {"BACKEND_AUTH_USERNAME": AUTH[0], "BACKEND_AUTH_PASSWORD": AUTH[1]}
        # Plain Hypercorn reads no PORT; `serve` listens on all addresses where there is one.
        told = {} if kind != "serve" and command is None else {"PORT": str(self.port)}
        self._env = environment({**login, "DATA_DIR": str(self.data_dir), **told, **(env or {})})
        self._process: Process | None = None

    def _arguments_of(self, kind: Kind, app: str) -> list[str]:
        if kind == "serve":
            return ["mockbackend", "serve"]
        alone = ["-w", "0"] if kind == "hypercorn" else []
        return ["hypercorn", app, *alone, "-b", f"127.0.0.1:{self.port}"]

    @property
    def log(self) -> str:
        """All that it has written so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def pid(self) -> int:
        """The process that was started; with several workers, their parent."""
        return self._running.pid

    @property
    def _running(self) -> Process:
        assert self._process is not None, "not started"
        return self._process

    def start(self) -> Self:
        """Start it and wait until it answers; its output is in the error where it does not."""
        with self.log_path.open("ab") as log:
            if self._forks:
                self._process = fork(self._arguments, self._folder, self._env, log)
            else:
                self._process = execute(self._command, self._folder, self._env, log)
        deadline = time.monotonic() + self._within
        while not self._alive():
            status = self._process.poll()
            if status is not None or time.monotonic() > deadline:
                self.close()
                happened = f"exited with {status}" if status is not None else f"did not answer within {self._within} s"
                raise RuntimeError(f"{' '.join(self._command)} {happened}; its output:\n{self.log}")
            time.sleep(0.02)
        return self

    def _alive(self) -> bool:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            try:
                connection.request("GET", "/livez")
                return connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False

    def wait(self, within: float = 30.0) -> int:
        """Wait for its end; gives the exit status."""
        return self._running.wait(within)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process that was started."""
        self._running.send_signal(number)

    def stop(self, within: float = 30.0) -> int:
        """SIGTERM, then wait for its end; gives the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(within)

    def kill(self) -> None:
        """SIGKILL to it alone, as the out-of-memory killer does; nothing when it is over."""
        self._running.kill()
        self._running.wait()

    def close(self) -> None:
        """End it and whatever it left behind."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def client(self, userid: str | None = "user-1", *, connections: int = 100) -> httpx2.AsyncClient:
        """A logged-in client of that user."""
        headers = {} if userid is None else {"userid": userid}
        limits = httpx2.Limits(max_connections=connections)
        return httpx2.AsyncClient(
            base_url=self.url,
            auth=self.auth,
            headers=headers,
            timeout=httpx2.Timeout(30),
            limits=limits,
            **PLAIN,
        )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


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
    async for name, value in reader:
        if name == code:
            return value
    raise AssertionError(f"the stream ended with no {code}: line")


async def chat(client: httpx2.AsyncClient, body: Mapping[str, Any]) -> Answer:
    """POST /chat, read to its end."""
    response = await client.post("/chat", json=dict(body))
    streamed = response.headers.get("content-type", "").startswith("text/event-stream")
    parsed = [line_ async for line_ in lines(response)] if streamed else []
    return Answer(response.status_code, response.headers, parsed, response.content)
