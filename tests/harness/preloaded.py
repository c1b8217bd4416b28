"""A process that has imported the service once, and forks servers of it.

`python -m tests.harness.preloaded FD` takes one job after another from the socket FD. A job names the module and the
arguments of `python -m`, the folder and the environment; with it come the descriptors of its two outputs and of a pipe.
The child runs the module as `python -m` would. The pipe says the child's process id, and at its end its exit status.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import importlib
import os
import resource
import runpy
import selectors
import signal
import socket
import struct
import sys
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Self

import httpx2
import orjson

MAX_JOB_BYTES = 1 << 18
NUMBER = struct.Struct("i")


@dataclass(frozen=True, slots=True)
class Job:
    """A server to be started: `arguments` are those of `python -m`, `limits` those of its resources, soft and hard."""

    arguments: list[str]
    folder: str
    env: dict[str, str]
    limits: list[tuple[int, int, int]] = field(default_factory=list)

    def send(self, control: socket.socket, out: int, error: int, pipe: int) -> None:
        """Hand it over, with the descriptors that go with it."""
        socket.send_fds(control, [orjson.dumps(self)], [out, error, pipe])

    @classmethod
    def receive(cls, control: socket.socket) -> tuple[Self, int, int, int] | None:
        """The next one and its descriptors; None once nobody sends any more."""
        data, descriptors, _, _ = socket.recv_fds(control, MAX_JOB_BYTES, 3)
        if not data:
            return None
        out, error, pipe = descriptors
        return cls(**orjson.loads(data)), out, error, pipe


def preload() -> None:
    """Import what a server imports, and nothing that starts a thread: only the forking thread lives on in a child."""
    from mockbackend.server.lazy_imports import fill
    from mockbackend.server.unused import fast_imports

    with fast_imports():
        # Imported late by servers that need them, each of which would take a tenth of a second.
        for name in ("azure.identity.aio", "azure.search.documents.aio", "hypercorn.run", "numpy"):
            importlib.import_module(name)

        import mockbackend.app
        import mockbackend.emulator.embedded
        import mockbackend.server.serve
        import mockbackend.storage.embedded
        import mockbackend.storage.postgres  # noqa: F401
    fill("mockbackend")
    _make_what_stays()
    _stand_behind_requests()
    if len(threads := os.listdir("/proc/self/task")) > 1:
        raise RuntimeError(f"the imports have started {len(threads) - 1} threads, which no fork would have")
    # The collector would write to the pages that the children share.
    gc.collect()
    gc.freeze()


def _make_what_stays() -> None:
    """Make what a server makes once, by its first turn: the graph, schemas, routes' patterns, the types of scripts."""
    from mockbackend.agent.graph import run_for_nothing
    from mockbackend.agent.tools import AVAILABLE_TOOLS, schema
    from mockbackend.agent.untraced import load_langsmith
    from mockbackend.emulator.app import create_emulator
    from mockbackend.mock.store import DEFAULT, MockStore
    from mockbackend.routes import routes

    load_langsmith()
    asyncio.run(run_for_nothing())
    for tool in AVAILABLE_TOOLS:
        schema(tool.name)
    routes()
    store = MockStore(None)
    create_emulator(store)
    store.scenarios.open(DEFAULT)
    store.close()


def _stand_behind_requests() -> None:
    """Let every chat request that a server sends pass the strictest template, or end the server."""
    from mockbackend.upstream.transport import Transport
    from tests.harness.strictest import refusals

    send = Transport.handle_async_request

    async def check_and_send(transport: Transport, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/chat/completions") and (found := refusals(orjson.loads(request.content))):
            print(
                f"the strictest template refuses {request.content.decode():.4000}: {found}", file=sys.stderr, flush=True
            )
            os._exit(70)
        return await send(transport, request)

    Transport.handle_async_request = check_and_send  # type: ignore[method-assign, assignment]


def serve(control: socket.socket) -> Job | None:
    """Fork a child for each job. In the child the job is returned; in the parent None, when no more can come."""
    with ExitStack() as stack:
        waiting = stack.enter_context(selectors.DefaultSelector())
        waiting.register(control, selectors.EVENT_READ)
        stack.enter_context(control)
        running = stack.enter_context(_Children(waiting))
        while True:
            for key, _ in waiting.select():
                if key.fileobj is not control:
                    running.ended(key.fd)
                    continue
                received = Job.receive(control)
                if received is None:
                    running.kill()
                    return None
                job, out, error, pipe = received
                if (pid := os.fork()) == 0:
                    os.close(pipe)
                    _become(job, out, error)
                    return job
                os.close(out)
                os.close(error)
                running.began(pid, pipe)


class _Children:
    """The servers that run, by the descriptor that says when one has ended."""

    def __init__(self, waiting: selectors.BaseSelector) -> None:
        self._waiting = waiting
        self._pids: dict[int, int] = {}

    def began(self, pid: int, pipe: int) -> None:
        pidfd = os.pidfd_open(pid)
        self._pids[pidfd] = pid
        self._waiting.register(pidfd, selectors.EVENT_READ, pipe)
        _tell(pipe, pid)

    def ended(self, pidfd: int) -> None:
        _, status = os.waitpid(self._pids.pop(pidfd), 0)
        pipe: int = self._waiting.unregister(pidfd).data
        _tell(pipe, os.waitstatus_to_exitcode(status))
        os.close(pipe)
        os.close(pidfd)

    def kill(self) -> None:
        """Kill them with all that they have started: nobody is left who would."""
        for pid in self._pids.values():
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pidfd in self._pids:
            os.close(self._waiting.get_key(pidfd).data)
            os.close(pidfd)


def _tell(pipe: int, number: int) -> None:
    # A test that has ended does not read how its server did.
    with suppress(BrokenPipeError):
        os.write(pipe, NUMBER.pack(number))


def _become(job: Job, out: int, error: int) -> None:
    """Make this process as a new one would be."""
    os.setsid()
    os.chdir(job.folder)
    os.environ.clear()
    os.environ.update(job.env)
    # The time zone was read at the first need of it.
    time.tzset()
    for descriptor, number in ((out, 1), (error, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    for number, soft, hard in job.limits:
        resource.setrlimit(number, (soft, hard))
    sys.path[0] = job.folder


def main() -> None:
    """Preload, then serve; in a child, run the job to its end."""
    control = socket.socket(fileno=int(sys.argv[1]))
    preload()
    job = serve(control)
    if job is not None:
        _run(job)


def _run(job: Job) -> None:
    module, *arguments = job.arguments
    sys.argv = [module, *arguments]
    status = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        # Words would be printed.
        if isinstance(end.code, str):
            raise
        status = end.code or 0
    # The interpreter would now free all that was imported, and so copy all of it.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
