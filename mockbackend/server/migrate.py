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

from ..log import printable
from ..settings import Settings, SettingsError
from ..storage import Storage, StorageError, open_storage
from ..turn.ending import recover

if TYPE_CHECKING:
    from ..storage.moving import Report

DATABASE = "conversation_metadata.db"
log = logging.getLogger("mockbackend")


def run(settings: Settings, folder: Path) -> int:
    """Copy, print what was done, and return 1 unless all that can be read is in the database now."""
    if not settings.database_url:
        raise SettingsError(["DATABASE_URL: missing; it names the database that everything is copied to"])
    if not (folder / DATABASE).is_file():
        raise SettingsError([f"--from: {folder} is not a data folder; it has no {DATABASE}"])
    try:
        return asyncio.run(_run(settings, folder))
    except StorageError as error:
        print(f"FAILED  {error}; run it again once that is mended, and it goes on where it was", file=sys.stderr)
        return 1


async def _run(settings: Settings, folder: Path) -> int:
    in_folder = dataclasses.replace(settings, data_dir=folder, database_url="", database_direct_url="")
    async with contextlib.AsyncExitStack() as stack:
        database = await open_storage(settings)
        stack.push_async_callback(database.close)
        source = await open_storage(in_folder)
        stack.push_async_callback(source.close)
        if await _is_in_use(source, str(folder)) or await _is_in_use(database, "the database"):
            return 1
        await _settle(source)
        from ..storage.moving import move

        report = await move(source, database, lambda line: print(f"        {line}", flush=True))
        print(*_lines(report), sep="\n")
        if report.changed or await _is_in_use(source, str(folder)):
            print(f"FAILED  {folder} has changed meanwhile: stop every service on it, and run this again")
            return 1
    return 1 if report.kept or report.wrong else 0


async def _is_in_use(storage: Storage, place: str) -> bool:
    """Whether answers run there. Those that a crash left do not."""
    running = sum(one.is_alive and not one.is_ours for one in await storage.turns.unfinished())
    if running:
        answers = "1 answer is" if running == 1 else f"{running} answers are"
        print(f"FAILED  {answers} running in {place}: stop every service on it, and run this again")
    return running > 0


async def _settle(storage: Storage) -> None:
    """Settle what a crash left, as the service does when it starts."""
    for running in await storage.turns.unfinished():
        try:
            await recover(storage, running)
        except Exception:
            log.exception("turn %s of a dead process cannot be settled", running.turn.turn_id)


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
