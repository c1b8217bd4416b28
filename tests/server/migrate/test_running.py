"""Answers that run or were cut, and a command that is stopped."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path

import psycopg
import pytest

from mockbackend.events import StepStarted, TextDelta, dump
from mockbackend.settings import Settings
from tests.conftest import StartServer
from tests.harness.answers import posting
from tests.harness.model import Upstream
from tests.harness.processes import environment, fork
from tests.harness.waiting import until
from tests.server.migrate.conftest import migrated, opened
from tests.storage.contract.acts import SPENT, begun, ran, turn_of
from tests.storage.contract.acts import texts as texts_of


async def test_ctrl_c_ends_it_in_a_line(new_url: str, data: Path) -> None:
    async with opened(Settings(data_dir=data)) as storage:
        await ran(storage, turn_of("a", "a"))
    with tempfile.TemporaryFile() as out:
        with psycopg.connect(new_url) as held:
            # What it waits for, so that the signal comes while it copies.
            held.execute("CREATE TABLE migrations (number integer)")
            arguments = ["mockbackend", "migrate", "--from", str(data)]
            process = fork(arguments, data.parent, environment({"DATABASE_URL": new_url}), out)
            try:
                await until(lambda: _waiting(new_url))
                process.send_signal(signal.SIGINT)
                assert process.wait(30) == 130
            finally:
                process.kill()
        out.seek(0)
        assert out.read().decode() == "FAILED  stopped; run it again, and it goes on where it was\n"


async def _waiting(url: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        statement = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%migrations%'"
        [(count,)] = connection.execute(statement).fetchall()
    return bool(count)


@pytest.mark.parametrize("where", ["folder", pytest.param("database", marks=pytest.mark.slow)])
async def test_it_refuses_while_an_answer_runs(start_server: StartServer, url: str, data: Path, where: str) -> None:
    async with opened(Settings(data_dir=data)) as folder:
        await ran(folder, turn_of("a", "a"))
    async with Upstream() as upstream:
        env = {**upstream.settings, **({"DATABASE_URL": url} if where == "database" else {})}
        server = start_server(env, data_dir=data)
        async with server.client() as client, posting(client, "Hello"):
            call = await upstream.call()
            status, lines = await migrated(url, data)
            assert (status, len(lines)) == (1, 1)
            assert lines[0].startswith("FAILED  1 answer is running in ")
            assert lines[0].endswith(": stop every service on it, and run this again")
            call.cut()
        server.stop()
    async with opened(Settings(database_url=url)) as database:
        assert await database.conversations.page("ann", limit=9, after=None, query="") == []
    assert (await migrated(url, data))[0] == 0


@pytest.mark.slow
async def test_an_answer_that_a_crash_cut_is_settled_first(url: str, data: Path) -> None:
    async with opened(Settings(data_dir=data)) as folder:
        turn = turn_of("cut", "cut")
        await begun(folder, turn)
        await folder.turns.write_logs([(turn, dump([StepStarted("m"), TextDelta("as far as")]), SPENT)])
    status, lines = await migrated(url, data)
    assert (status, lines[0][:44]) == (0, "copied  1 conversation, 2 messages, 0 images")
    async with opened(Settings(database_url=url)) as database:
        assert await texts_of(database, "cut") == ["cut?", "as far as"]
