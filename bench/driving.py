"""Load on a service: one request from this process, or a job in its own process."""

import base64
import http.client
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import orjson

from bench.job import PASSWORD, USER, Job, Tally
from bench.processes import ROOT, clean_environment, stop

TIMEOUT = 60.0


class LoadError(Exception):
    """A stream was wrong, so its figures are worthless."""


def ask_once(port: int) -> None:
    """Request one answer from this process."""
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "userid": "bench", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    connection.request("POST", "/chat", orjson.dumps({"id": str(uuid.uuid4()), "message": "tokens=1"}), headers)
    body = connection.getresponse().read()
    connection.close()
    if b"\n0:" not in body or b"\nd:" not in body:
        raise LoadError(f"not an answer: {body[:200]!r}")


@contextmanager
def running_load(job: Job) -> Iterator[subprocess.Popen[bytes]]:
    """Run a job in its own process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.load"],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(orjson.dumps(asdict(job)))
        process.stdin.close()
        yield process
    finally:
        stop(process)


def wait_until_open(process: subprocess.Popen[bytes]) -> None:
    """Wait until every stream of the load has received its first delta."""
    assert process.stdout is not None
    if process.stdout.readline() != b"open\n":
        raise LoadError("the load ended before its streams were open")


def finish(process: subprocess.Popen[bytes]) -> Tally:
    """Wait for the load to end; every stream must be complete."""
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    if not lines or not lines[-1].startswith(b"{"):
        raise LoadError("the load failed")
    tally = Tally(**orjson.loads(lines[-1]))
    if tally.faults:
        raise LoadError(f"{len(tally.faults)} of {tally.turns} streams failed: {tally.faults[0]}")
    return tally


def run_load(job: Job) -> Tally:
    """Run a job and return its tally."""
    with running_load(job) as process:
        return finish(process)
