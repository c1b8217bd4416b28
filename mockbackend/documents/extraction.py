"""Reading a document in a process of its own, so that a hostile document harms nothing but that process.

The process gets no settings (so no key reaches it), no input and a low priority. It limits itself before it opens the
file (`extractor/confinement.py`). It is killed, together with everything that it started, at the time limit, on
cancellation, and when the service dies.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from asyncio import StreamReader
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ..errors import in_seconds
from ..storage.passages import Passage
from .errors import OutOfMemory, TooLarge, Unreadable
from .extractor.limits import Limits
from .formats import Format

__all__ = ["Extracted", "Limits", "extract"]

log = logging.getLogger("mockbackend.documents")

CHUNK = 1 << 16
# More than the process sends, unless a document has taken control of it.
BYTES_PER_CHARACTER = 8
FRAMING_BYTES = 1 << 25
LONGEST_LINE_BYTES = 1 << 20
STDERR_BYTES = 4096
FOLDER = Path(__file__).resolve().parent.parent.parent

# The blocks, and the line that follows them.
_Blocks = tuple[list[Passage], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Extracted:
    """A document's blocks in reading order, with places and headings, and in words what was left out, if anything."""

    blocks: list[Passage]
    notice: str | None


CRASHED = "The file could not be read: it is probably damaged. Save it again in its program."


async def extract(path: Path, document_format: Format, limits: Limits) -> Extracted:
    """Read the document. Raises Unreadable, also if there is no text in it."""
    try:
        async with asyncio.timeout(limits.seconds), _reader(path, document_format, limits) as process:
            results: tuple[_Blocks, bytes] = await asyncio.gather(_blocks(process, limits), _stderr_tail(process))
            (blocks, last), stderr_tail = results
            status = await process.wait()
    except TimeoutError:
        raise _timed_out(limits) from None
    if "failed" in last:
        log.info("a document could not be read (%s): %s", document_format.name, last.get("cause") or last["failed"])
        raise Unreadable(str(last["failed"]))
    if "end" not in last:
        log.info("the process that read a document (%s) ended early with status %d", document_format.name, status)
        raise _end_reason(status, stderr_tail, limits)
    if not blocks:
        raise Unreadable(f"No text was found in the file.{document_format.empty_hint}")
    return Extracted(blocks, last.get("notice") or None)


@asynccontextmanager
async def _reader(path: Path, document_format: Format, limits: Limits) -> AsyncIterator[Process]:
    """The process that reads the file. Afterwards it is gone, with everything that it started."""
    arguments = (limits.seconds, limits.memory_bytes, limits.pages, limits.characters, os.getpid())
    command = (sys.executable, "-B", "-m", "mockbackend.documents.extractor", document_format.name)
    process = await asyncio.create_subprocess_exec(
        *command,
        str(path.resolve()),
        *map(str, arguments),
        cwd=FOLDER,
        # Where to find the modules, and nothing else.
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _kill(process)
        # Read the pipes to their ends: only then does asyncio close them.
        await process.communicate()


def _kill(process: Process) -> None:
    if process.returncode is not None:
        return
    try:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


async def _blocks(process: Process, limits: Limits) -> _Blocks:
    """The blocks, and the line after them, which says how reading ended. It is empty if the process ended early."""
    blocks: list[Passage] = []
    left = limits.characters * BYTES_PER_CHARACTER + FRAMING_BYTES
    rest = b""
    async for chunk in _chunks(process.stdout):
        left -= len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in map(_parsed, lines):
            if "text" not in line:
                return blocks, line
            blocks.append(Passage(line["text"], line["place"], line["heading"]))
        if left < 0 or len(rest) > LONGEST_LINE_BYTES:
            _kill(process)
            return blocks, {"failed": CRASHED}
    return blocks, {}


async def _chunks(stream: StreamReader | None) -> AsyncIterator[bytes]:
    while stream is not None and (chunk := await stream.read(CHUNK)):
        yield chunk


def _parsed(data: bytes) -> dict[str, Any]:
    """One line of the process's output. Anything that is not a JSON object counts as a crash."""
    try:
        line = orjson.loads(data)
    except orjson.JSONDecodeError:
        line = None
    return line if isinstance(line, dict) else {"failed": CRASHED}


async def _stderr_tail(process: Process) -> bytes:
    """The end of what the process wrote to stderr."""
    stderr_tail = b""
    async for chunk in _chunks(process.stderr):
        stderr_tail = (stderr_tail + chunk)[-STDERR_BYTES:]
    return stderr_tail


def _timed_out(limits: Limits) -> Unreadable:
    return TooLarge(f"Reading the file takes longer than {in_seconds(limits.seconds)} (EXTRACTION_SECONDS).")


def _end_reason(status: int, stderr_tail: bytes, limits: Limits) -> Unreadable:
    """The reason why the process ended without a last line."""
    if sys.platform != "win32" and status == -signal.SIGXCPU:
        return _timed_out(limits)
    # We have not killed it, so the system has, for lack of memory.
    if sys.platform != "win32" and status == -signal.SIGKILL:
        return OutOfMemory()
    # Libraries that run out of memory abort: C++ and Rust say why, PDFium says nothing.
    out_of_memory = any(mark in stderr_tail for mark in (b"bad_alloc", b"memory allocation", b"MemoryError"))
    if out_of_memory or (status == -signal.SIGABRT and not stderr_tail):
        return OutOfMemory()
    return Unreadable(CRASHED)
