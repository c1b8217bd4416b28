"""`mockbackend migrate`: everything in a data folder, copied into the database that DATABASE_URL names."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..events import DAMAGED, load
from ..log import printable
from ..settings import Settings, SettingsError
from ..storage import Storage, StorageError, open_storage, traceback_of
from ..turn.ending import recover

if TYPE_CHECKING:
    from ..storage.moving import Report

DATABASE, MESSAGES, DOCUMENTS = "conversation_metadata.db", "mock-langgraph-db.db", "documents.db"
CTRL_C = 130
log = logging.getLogger("mockbackend")


def run(settings: Settings, folder: Path) -> int:
    """Copy, print what was done, and return 1 unless everything is in the database now."""
    if not settings.database_url:
        raise SettingsError(["DATABASE_URL: missing; it names the database that everything is copied to"])
    if not (folder / DATABASE).is_file():
        raise SettingsError([f"--from: {folder} is not a data folder; it has no {DATABASE}"])
    # Before it is opened, which makes what is missing.
    if problem := _missing(folder):
        raise SettingsError([f"--from: {folder} is damaged: {problem}. Put it back, from a backup for example"])
    try:
        return asyncio.run(_run(settings, folder))
    except StorageError as error:
        print(f"FAILED  {error}; run it again once that is mended, and it goes on where it was", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("FAILED  stopped; run it again, and it goes on where it was", file=sys.stderr)
        return CTRL_C


def _missing(folder: Path) -> str:
    """Which database of the folder is not there, or has no content; "" if none."""
    for name in (DATABASE, MESSAGES, DOCUMENTS):
        path = folder / name
        # Without the one of documents they are read again.
        if not path.exists() and name != DOCUMENTS:
            return f"it has no {name}"
        if path.exists() and path.stat().st_size == 0:
            return f"{name} is empty"
    return ""


async def _run(settings: Settings, folder: Path) -> int:
    in_folder = dataclasses.replace(settings, data_dir=folder, database_url="", database_direct_url="")
    async with contextlib.AsyncExitStack() as stack:
        database = await open_storage(settings)
        stack.push_async_callback(database.close)
        source = await _open(in_folder)
        stack.push_async_callback(source.close)
        if await _is_in_use(source, str(folder)) or await _is_in_use(database, "the database"):
            return 1
        unsettled = await _settle(source)
        from ..storage.moving import move

        report = await move(source, database, lambda line: print(f"        {line}", flush=True))
        report.damaged[:0] = unsettled
        print(*_lines(report), sep="\n")
        if report.changed or await _is_in_use(source, str(folder)):
            print(f"FAILED  {folder} has changed meanwhile: stop every service on it, and run this again")
            return 1
    return 1 if report.damaged or report.kept or report.wrong else 0


async def _open(in_folder: Settings) -> Storage:
    try:
        return await open_storage(in_folder)
    except SettingsError as error:
        # The setting is not where the folder came from.
        raise SettingsError([one.replace("DATA_DIR:", "--from:", 1) for one in error.problems]) from error


async def _is_in_use(storage: Storage, place: str) -> bool:
    """Whether answers run there. Those that a crash left do not."""
    running = sum(one.is_alive and not one.is_ours for one in await storage.turns.unfinished())
    if running:
        answers = "1 answer is" if running == 1 else f"{running} answers are"
        print(f"FAILED  {answers} running in {place}: stop every service on it, and run this again")
    return running > 0


async def _settle(storage: Storage) -> list[str]:
    """Settle what a crash left, as the service does when it starts; returns what of it is damaged."""
    damaged: list[str] = []
    for running in await storage.turns.unfinished():
        answer = f"conversation {running.turn.conversation_id}: the answer that a crash cut"
        try:
            load(running.log)
        except DAMAGED:
            damaged.append(f"{answer} cannot be read")
        try:
            await recover(storage, running)
        except Exception as error:
            trace = traceback_of(error)
            log.error("turn %s of a dead process cannot be settled", running.turn.turn_id, exc_info=trace)
            damaged.append(f"{answer} cannot be stored ({type(error).__name__})")
    return damaged


def _lines(report: Report) -> Iterator[str]:
    counted = (
        (report.conversations, "conversation"),
        (report.messages, "message"),
        (report.images, "image"),
        (report.files, "document"),
    )
    done = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counted)
    yield f"copied  {done}{', the generated login' if report.login else ''}; each was read back and is the same"
    if report.before:
        yield f"before  {report.before} conversations and documents were there already"
    for word, lines in (("damaged", report.damaged), ("kept   ", report.kept), ("WRONG  ", report.wrong)):
        yield from (f"{word} {printable(line)}" for line in lines)
    if report.damaged:
        yield "        What is damaged stays in the folder, and is not in the database."
    if report.kept:
        yield "        What is kept was not copied over what the database has."
    counts = ((len(report.damaged), "damaged"), (len(report.kept), "kept"), (len(report.wrong), "wrong"))
    if failed := ", ".join(f"{count} {word}" for count, word in counts if count):
        yield f"FAILED  not everything is in the database: {failed}"
