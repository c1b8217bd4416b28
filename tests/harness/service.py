"""The real service, in a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import httpx2

from tests.harness import data_folder
from tests.harness.http_client import PLAIN
from tests.harness.processes import MEASURED, Limits, Process, environment, execute, fork, free_port, living_of_group

AUTH = ("u", "p")
# Plain Hypercorn has a worker process beside its own, unless it is called with `-w 0`.
Kind = Literal["hypercorn", "hypercorn with a worker", "serve"]


class Server:
    """A server under test: `with Server(folder) as server:` gives it once it answers /livez.

    `folder` is its working directory, so that a developer's `.env` is not read. It is forked from a preloaded process,
    unless a `fresh` interpreter is wanted: by tests of the start, signals, memory and descriptors. `command`, where
    given, is executed instead of what `kind` names; it must listen on `port` of 127.0.0.1, which it finds in PORT.
    `limits` bound the resources of a forked one, `arguments` follow those of `kind`. In a new folder a forked one finds
    its databases made.
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
        limits: Limits | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.auth = AUTH
        self.data_dir = data_dir or folder / "data"
        self._folder = folder
        self._within = within
        self.log_path = folder / f"server-{self.port}.log"
        self._arguments = [*self._arguments_of(kind, app), *arguments]
        self._command = command or [sys.executable, "-m", *self._arguments]
        self._limits = limits
        self._forks = kind != "hypercorn with a worker" and command is None and not fresh
        login = {"BACKEND_AUTH_USERNAME": AUTH[0], "BACKEND_AUTH_PASSWORD": AUTH[1]}
        # Plain Hypercorn reads no PORT; `serve` listens on all addresses where there is one.
        listening = {} if kind != "serve" and command is None else {"PORT": str(self.port)}
        self._env = environment({**login, "DATA_DIR": str(self.data_dir), **listening, **(env or {})})
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
                if self._has_new_folder():
                    data_folder.make(self.data_dir)
                self._process = fork(self._arguments, self._folder, self._env, log, limits=self._limits)
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

    def _has_new_folder(self) -> bool:
        """Whether it would make its databases."""
        is_stored_there = self._env["DATA_DIR"] == str(self.data_dir) and "DATABASE_URL" not in self._env
        return is_stored_there and not self.data_dir.exists()

    def _alive(self) -> bool:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            try:
                connection.request("GET", "/livez")
                return connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False

    @property
    def is_running(self) -> bool:
        """Whether the process that was started is not over."""
        return self._running.poll() is None

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
        self.wait()

    def close(self) -> None:
        """End it and whatever it left behind."""
        if self._process is None:
            return
        if MEASURED in os.environ and self._process.poll() is None:
            # What is killed does not say which lines it has reached.
            with contextlib.suppress(subprocess.TimeoutExpired, TimeoutError):
                self.stop(within=5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.wait()
        # Its workers hold the port as long as they live.
        deadline = time.monotonic() + 10
        while living_of_group(self._process.pid) and time.monotonic() < deadline:
            time.sleep(0.01)

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


def log_of(server: Server, request_id: str) -> str:
    """The log's lines of one request, what belongs to them included."""
    found: list[str] = []
    within = False
    for line in server.log.splitlines():
        if not line.startswith("  "):
            within = f"[{request_id}]" in line
        if within:
            found.append(line)
    return "\n".join(found)
