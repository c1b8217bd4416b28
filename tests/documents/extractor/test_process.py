"""The processes that read documents: their limits, their deaths, and that they hold nobody up."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mockbackend.documents.extraction import Limits, extract
from mockbackend.documents.formats import FORMATS
from tests.documents import sample_files
from tests.documents.extractor.refusals import LIMITS, MB, MEMORY, children, refusal
from tests.harness.processes import MEASURED, ROOT, environment, fork


@asynccontextmanager
async def reading(folder: Path, limits: Limits = LIMITS) -> AsyncIterator[tuple[asyncio.Task[str], int]]:
    """A file that never comes to its end, and the process that reads it."""
    path = folder / "endless"
    os.mkfifo(path)
    before = children()
    task = asyncio.create_task(refusal(path, "text", limits))
    try:
        # It opens once the other side does: then the process has set its limits.
        writer = await asyncio.to_thread(os.open, path, os.O_WRONLY)
        (pid,) = children() - before
        yield task, pid
        os.close(writer)
    finally:
        task.cancel()


async def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    started = time.monotonic()
    async with reading(tmp_path, Limits(1.5, 300 * MB, 10, 1000)) as (task, _):
        assert (
            await task
            == "Reading the file takes longer than 1.5 seconds (EXTRACTION_SECONDS). Split it into smaller files."
        )
    assert time.monotonic() - started < 3


async def test_a_reading_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    async with reading(tmp_path) as (task, pid):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pid not in children()


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGSEGV, "The file could not be read: it is probably damaged. Save it again in its program."),
        (signal.SIGABRT, MEMORY),
        (signal.SIGKILL, MEMORY),
        (
            signal.SIGXCPU,
            "Reading the file takes longer than 30 seconds (EXTRACTION_SECONDS). Split it into smaller files.",
        ),
    ],
)
async def test_a_reader_that_dies_is_told_by_how_it_died(tmp_path: Path, number: signal.Signals, words: str) -> None:
    async with reading(tmp_path) as (task, pid):
        os.kill(pid, number)
        assert await task == words


async def test_the_reader_has_limits_and_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "sesame")
    async with reading(tmp_path) as (_, pid):
        process = Path(f"/proc/{pid}")
        assert {line.partition(b"=")[0] for line in (process / "environ").read_bytes().split(b"\0")} <= {
            b"PYTHONPATH",
            b"LC_CTYPE",
            b"",
        }
        limits = {line[:25].strip(): line[26:].split()[:2] for line in (process / "limits").read_text().splitlines()}
        assert limits["Max address space"] == [str(300 * MB)] * 2
        assert limits["Max cpu time"] == ["31", "32"]
        assert limits["Max file size"] == ["0", "0"]
        assert limits["Max core file size"] == ["0", "0"]
        assert limits["Max open files"] == ["64", "64"]
        assert os.getpgid(pid) == pid, "it has a group of its own"
        assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)
        assert os.readlink(process / "fd/0") == os.devnull


def test_a_text_is_read_without_imports_that_take_as_long() -> None:
    slow = "dataclasses inspect orjson pathlib"
    program = f"""
import sys, mockbackend.documents.extractor.__main__, mockbackend.documents.extractor.readers.text
print(*{set(slow.split())!r} & sys.modules.keys())
"""
    # What measures coverage imports them itself.
    env = {name: value for name, value in environment({}).items() if name != MEASURED}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"


def test_the_reader_dies_with_the_service(tmp_path: Path) -> None:
    path = tmp_path / "endless"
    os.mkfifo(path)
    with (tmp_path / "log").open("wb") as log:
        service = fork(["tests.documents.extractor.service", str(path)], tmp_path, environment({}), log)
    writer = os.open(path, os.O_WRONLY)
    service.kill()
    service.wait()
    # A pipe tells when the last process that reads from it is gone.
    poll = select.poll()
    poll.register(writer, 0)
    assert poll.poll(10_000) == [(writer, select.POLLERR)]
    os.close(writer)


@pytest.mark.slow
async def test_no_reading_holds_up_the_event_loop(tmp_path: Path) -> None:
    page = "\n".join([sample_files.SENTENCE] * 50)
    path = sample_files.pdf(tmp_path / "a.pdf", [f"{page}\n{number}" for number in range(300)])
    gaps: list[float] = []

    async def tick() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            gaps.append(now - last - 0.001)
            last = now

    ticking = asyncio.create_task(tick())
    blocks = (await extract(path, FORMATS["pdf"], Limits(30, 1 << 30, 300, 10_000_000))).blocks
    ticking.cancel()
    assert [block.place for block in blocks] == [f"page {number}" for number in range(1, 301)]
    print(f"largest gap {max(gaps) * 1000:.1f} ms of {len(gaps)}")
    assert max(gaps) < 0.1
