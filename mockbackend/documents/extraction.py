"""Reading a document in a process of its own, so that a hostile one takes nothing down but that process.

The process is given no settings (no key reaches it), no input and little priority; it bounds itself before it opens the
file (`extractor/confinement.py`) and is killed, with all that it started, at the time limit, by a cancellation, or when
the service dies.
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
from pathlib import Path
from typing import Any

import orjson

from ..storage.passages import Passage
from .errors import Unreadable
from .extractor.limits import Limits
from .formats import Format

__all__ = ["Limits", "extract"]

log = logging.getLogger("mockbackend.documents")

CHUNK = 1 << 16
# More than the process sends unless it has come under a document's control.
BYTES_PER_CHARACTER = 8
FRAMING_BYTES = 1 << 25
LONGEST_LINE_BYTES = 1 << 20
STDERR_BYTES = 4096
FOLDER = Path(__file__).resolve().parent.parent.parent

# Blocks, and the line after them.
_Blocks = tuple[list[Passage], dict[str, Any]]

CRASHED = "The file makes its reader crash: it is probably damaged."
MEMORY = "The file needs more memory to read than is allowed."


async def extract(path: Path, document_format: Format, limits: Limits) -> list[Passage]:
    """The document's blocks in reading order, with their places and headings; at least one. Raises Unreadable."""
    try:
        async with asyncio.timeout(limits.seconds), _reader(path, document_format, limits) as process:
            results: tuple[_Blocks, bytes] = await asyncio.gather(_blocks(process, limits), _stderr_tail(process))
            (blocks, last), stderr_tail = results
            status = await process.wait()
    except TimeoutError:
        raise _too_long(limits) from None
    if "failed" in last:
        log.info("reading a document failed (%s): %s", document_format.name, last.get("cause") or last["failed"])
        raise Unreadable(str(last["failed"]))
    if "end" not in last:
        log.info("the reader of a document broke off (%s) with status %d", document_format.name, status)
        raise _died(status, stderr_tail, limits)
    if not blocks:
        raise Unreadable(f"The file holds no text.{document_format.empty_hint}")
    return blocks


@asynccontextmanager
async def _reader(path: Path, document_format: Format, limits: Limits) -> AsyncIterator[Process]:
    """The process that reads the file; it and all that it started are gone afterwards."""
    arguments = (limits.seconds, limits.memory_bytes, limits.pages, limits.characters, os.getpid())
    command = (sys.executable, "-B", "-m", "mockbackend.documents.extractor", document_format.name)
    process = await asyncio.create_subprocess_exec(
        *command,
        str(path.resolve()),
        *map(str, arguments),
        cwd=FOLDER,
        # Where the modules are, and nothing else.
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
        # The pipes are read to their ends: only then does asyncio close them.
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
    """The blocks, and the line after them, which tells how it ended; that is empty where the process broke off."""
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
    """The last that the process wrote on stderr."""
    stderr_tail = b""
    async for chunk in _chunks(process.stderr):
        stderr_tail = (stderr_tail + chunk)[-STDERR_BYTES:]
    return stderr_tail


def _too_long(limits: Limits) -> Unreadable:
    return Unreadable(f"The file took longer than {limits.seconds:g} seconds to read.")


def _died(status: int, stderr_tail: bytes, limits: Limits) -> Unreadable:
    """Why the process ended without a last line."""
    if sys.platform != "win32" and status == -signal.SIGXCPU:
        return _too_long(limits)
    # Nobody here has killed it, so the system did, for want of memory.
    if sys.platform != "win32" and status == -signal.SIGKILL:
        return Unreadable(MEMORY)
    # Libraries that get no memory end themselves: C++ and Rust say why, PDFium does so without a word.
    said = any(mark in stderr_tail for mark in (b"bad_alloc", b"memory allocation", b"MemoryError"))
    if said or (status == -signal.SIGABRT and not stderr_tail):
        return Unreadable(MEMORY)
    return Unreadable(CRASHED)
