"""A script while its server runs: an edit takes effect, and a broken one leaves the old script in use."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from .script import InvalidScript, ScriptError, TooLarge, load_scenarios, read_script
from .script.problems import Problem
from .store import DEFAULT, MockStore

SECONDS = 0.5
log = logging.getLogger("mockbackend.mock")


@asynccontextmanager
async def watching(store: MockStore, path: str) -> AsyncIterator[None]:
    """A context in which edits of a script, or of a folder of them, become the rules of their scenarios."""
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
                log.warning("the script %s cannot be read (%s); its last text stays in use", path, error.strerror)
            except Exception:
                # Whatever it was, the next edit may do better.
                log.exception("the script %s could not be taken; its last text stays in use", path)


def _stamp(path: str) -> object:
    """What is another after an edit: of a folder, of all that is in it and in its folders."""
    try:
        found = os.stat(path)
        if not stat.S_ISDIR(found.st_mode):
            return _of_file(found)
        return {
            one.path: _of_file(one.stat())
            for folder in (path, *(one.path for one in os.scandir(path) if one.is_dir()))
            for one in os.scandir(folder)
            if one.is_file()
        }
    except OSError:
        return None


def _of_file(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_mtime_ns, found.st_size, found.st_ino


async def _take(store: MockStore, path: str) -> None:
    try:
        scripts = await asyncio.to_thread(_read, path)
    except (InvalidScript, TooLarge, ScriptError) as error:
        problems = _problems(error)
        origin = digest(problems)
        # Another worker may have been faster.
        if store.scenarios.origin(DEFAULT) != origin:
            store.scenarios.report_problems(DEFAULT, problems, origin)
            log.warning("the script %s has problems, and its last text stays in use: %s", path, error)
        return
    replaced = [store.scenarios.replace(name, script, digest(script)) for name, script in scripts.items()]
    if any(replaced):
        log.info("the script %s has changed, and is in use", path)


def _read(path: str) -> Mapping[str, Any]:
    if os.path.isdir(path):
        return load_scenarios(path)
    with open(path, "rb") as file:
        return {DEFAULT: read_script(file.read(), is_json=False, folder=Path(path).parent)}


def _problems(error: InvalidScript | TooLarge | ScriptError) -> list[dict[str, object]]:
    if isinstance(error, InvalidScript):
        return [problem.to_json() for problem in error.problems]
    lines = error.problems if isinstance(error, ScriptError) else [str(error)]
    return [Problem((), line).to_json() for line in lines]


def digest(value: object) -> bytes:
    """What tells one value from another."""
    return hashlib.sha256(orjson.dumps(value)).digest()
