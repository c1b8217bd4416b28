"""MOCK_SCRIPT while the service runs: an edit takes effect, and a broken one leaves the old script in use."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from .script import InvalidScript, TooLarge, read_script
from .script.problems import Problem
from .store import DEFAULT, MockStore

SECONDS = 0.5
log = logging.getLogger("mockbackend.mock")


@asynccontextmanager
async def watching(store: MockStore, path: str) -> AsyncIterator[None]:
    """A context in which edits of a script file become the rules of `default`."""
    task = asyncio.create_task(_watch(store, path))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch(store: MockStore, path: str) -> None:
    seen = _stamp(path)
    while True:
        await asyncio.sleep(SECONDS)
        if (stamp := _stamp(path)) != seen:
            seen = stamp
            try:
                await _take(store, path)
            except OSError as error:
                # An editor may remove it for a moment; it is looked at again when it is back.
                log.warning("MOCK_SCRIPT: %s cannot be read (%s); its last text stays in use", path, error.strerror)
            except Exception:
                # Whatever it was, the next edit may do better.
                log.exception("MOCK_SCRIPT: %s could not be taken; its last text stays in use", path)


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


async def _take(store: MockStore, path: str) -> None:
    raw = await asyncio.to_thread(_read, path)
    origin = digest(raw)
    # Another worker may have been faster.
    if store.scenarios.origin(DEFAULT) == origin:
        return
    try:
        document: Any = await asyncio.to_thread(read_script, raw, is_json=False, folder=Path(path).parent)
    except (InvalidScript, TooLarge) as error:
        problems = error.problems if isinstance(error, InvalidScript) else [Problem((), str(error))]
        store.scenarios.report_problems(DEFAULT, [one.to_json() for one in problems], origin)
        log.warning("MOCK_SCRIPT: %s has problems, and its last text stays in use: %s", path, error)
        return
    if store.scenarios.replace_default(document, origin):
        log.info("MOCK_SCRIPT: %s has changed, and is in use", path)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def digest(raw: bytes) -> bytes:
    """What tells one text from another."""
    return hashlib.sha256(raw).digest()
