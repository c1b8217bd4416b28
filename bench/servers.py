"""The servers of a measurement: the upstream, our service, and the usual stack."""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.driving import LoadError, run_load
from bench.environment import own_python, usual_python
from bench.job import PASSWORD, USER, Job
from bench.processes import ROOT, clean_environment, stop

START_WAIT = 60.0

# The last is ours under plain Hypercorn.
Side = Literal["usual", "ours", "hypercorn"]


@dataclass(frozen=True)
class Server:
    """A running service."""

    side: Side
    process: subprocess.Popen[bytes]
    port: int
    data: Path

    @property
    def pid(self) -> int:
        """The root of its process tree."""
        return self.process.pid


def free_port() -> int:
    """An unused port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def upstream() -> Iterator[int]:
    """Run the upstream; yield its port."""
    command = [sys.executable, "-m", "bench.upstream"]
    env = clean_environment()
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            stop(process)


def command(side: Side, port: int) -> list[str]:
    """The command that starts a service: one process, no access log."""
    if side == "ours":
        return [str(own_python()), "-m", "mockbackend", "serve"]
    if side == "hypercorn":
        return [str(own_python()), "-m", "hypercorn", "app:app", "-w", "0", "-b", f"127.0.0.1:{port}"]
    options = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "--no-access-log"]
    return [str(usual_python()), "-m", "uvicorn", "app:app", "--loop", "uvloop", "--http", "httptools", *options]


@contextmanager
def service(side: Side, upstream_port: int, code: Path = ROOT, /, **settings: str) -> Iterator[Server]:
    """Run a service with an empty data folder and more settings, or others; it may not be listening yet.

    `code` has the folder `mockbackend`, if that is not to be today's.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix=f"bench-{side}-") as folder:
        usual = {
            "OPENAI_BASE_URL": f"http://127.0.0.1:{upstream_port}/v1",
            "OPENAI_API_KEY": "x",
            "OPENAI_MODEL": "bench",
            "BACKEND_AUTH_USERNAME": USER,
            "BACKEND_AUTH_PASSWORD": PASSWORD,
            "DATA_DIR": folder,
            "LOG_LEVEL": "WARNING",
            "MAX_RUNNING_TURNS_PER_USER": "1000",
            # Each short turn begins one.
            "MAX_CONVERSATIONS_PER_USER": "1000000",
            "PORT": str(port),
        }
        env = clean_environment(**(usual | settings))
        folder_of_code = ROOT / "bench" / "usual" if side == "usual" else code
        process = subprocess.Popen(command(side, port), cwd=folder_of_code, env=env, start_new_session=True)
        try:
            yield Server(side, process, port, Path(folder))
        finally:
            stop(process)


@contextmanager
def warm_service(side: Side, upstream_port: int, code: Path = ROOT, /, **settings: str) -> Iterator[Server]:
    """Run a service that has already answered a few turns."""
    with service(side, upstream_port, code, **settings) as server:
        wait_until_listening(server)
        run_load(Job(port=server.port, message="warm up tokens=20", turns=8, at_once=4))
        yield server


def wait_until_listening(server: Server) -> None:
    """Wait until the server accepts connections."""
    deadline = time.monotonic() + START_WAIT
    while time.monotonic() < deadline and server.process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", server.port)) == 0:
                return
        time.sleep(0.01)
    raise LoadError(f"{server.side}: ended, or is not listening after {START_WAIT:.0f} s")
