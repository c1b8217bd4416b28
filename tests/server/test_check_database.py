"""`mockbackend check` with DATABASE_URL: what is wrong with a database, and which setting to mend."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockbackend.settings import Settings
from mockbackend.storage import open_storage
from mockbackend.storage.postgres import examination
from mockbackend.storage.postgres.schema import MIGRATIONS
from tests.harness.emulator import emulating
from tests.harness.pgbouncer import pooled
from tests.harness.postgres import postgres
from tests.harness.processes import free_port, run
from tests.server.commands import run_here

PASSWORD = "not-to-be-seen"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all of them are run, on an engine that is there: to start one takes as long as a check."""
    made = tmp_path_factory.mktemp("folder")
    with emulating(made, []) as emulator:
        lines = (f"{name}={value}" for name, value in emulator.settings().items())
        (made / ".env").write_text("\n".join(lines))
        yield made


@pytest.fixture
def schema() -> str:
    return postgres().new_schema()


@pytest.fixture(scope="module")
def tables() -> str:
    """A schema that has its tables, for all that leave it as it is."""
    return _with_tables()


@pytest.fixture
def made(tables: str) -> str:
    """Its address."""
    return postgres().url(tables)


@pytest.fixture(scope="module")
def outdated() -> str:
    """A schema whose last migration was undone."""
    schema = _with_tables()
    execute(
        f"DELETE FROM {schema}.migrations WHERE number = {len(MIGRATIONS)}",
        f"DROP INDEX {schema}.images_of_user",
        f"ALTER TABLE {schema}.images DROP COLUMN size",
    )
    return schema


def _with_tables() -> str:
    async def make(settings: Settings) -> None:
        await (await open_storage(settings)).close()

    schema = postgres().new_schema()
    asyncio.run(make(Settings(database_url=postgres().url(schema))))
    return schema


def execute(*statements: str) -> None:
    with postgres().connect() as connection:
        for statement in statements:
            connection.execute(statement.encode())


def user(schema: str, name: str) -> str:
    """The address of the schema for a new user, who may see it and nothing more."""
    execute(f"DROP ROLE IF EXISTS {name}", f"CREATE ROLE {name} LOGIN", f"GRANT USAGE ON SCHEMA {schema} TO {name}")
    return postgres().url(schema).replace("postgres@", f"{name}:{PASSWORD}@", 1)


def checked(folder: Path, settings: dict[str, str], *, forked: bool = False) -> list[str]:
    """The lines about the database and the stores."""
    ran = run(["check"], folder, settings) if forked else run_here(["check"], folder, settings)
    assert "Traceback" not in ran.stdout + ran.stderr
    assert PASSWORD not in ran.stdout + ran.stderr
    lines = [line for line in ran.stdout.splitlines() if "database" in line or "storage" in line]
    assert ran.returncode == any(line.startswith("FAILED") for line in lines), ran.stdout + ran.stderr
    return lines


def failure(folder: Path, url: str, **settings: str) -> str:
    """The one line that reports a failure."""
    lines = checked(folder, {"DATABASE_URL": url, **settings})
    (failed,) = [line for line in lines if line.startswith("FAILED")]
    return failed


def test_a_database_that_works_is_described(schema: str, folder: Path) -> None:
    lines = checked(folder, {"DATABASE_URL": postgres().url(schema), "WEB_CONCURRENCY": "3"}, forked=True)
    names = [line.split(": ")[0] for line in lines]
    assert names == [
        "works   database (DATABASE_URL)",
        "works   database rights",
        "works   database clock",
        "works   database pooler",
        "works   database connections",
        "works   storage (DATABASE_URL",
    ]
    assert "PostgreSQL 18" in lines[0]
    assert lines[4].endswith("up to 15 of the server's 100 are for this host")
    assert f"in the schema {schema}" in lines[1]
    assert lines[3].endswith("none, or one that gives each client a connection of its own")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://me@127.0.0.1:{free}/x", "check host and port in DATABASE_URL"),
        ("postgresql://me@name.invalid/x", "check the host in DATABASE_URL"),
        ("postgresql://postgres@127.0.0.1:{port}/missing", "correct its name in DATABASE_URL"),
        ("postgresql://nobody:" + PASSWORD + "@127.0.0.1:{port}/postgres", "DATABASE_URL"),
        ("postgresql://postgres@127.0.0.1:{port}/postgres?options=-csearch_path%3Dmissing", "names no schema"),
    ],
)
def test_an_address_that_is_wrong_names_its_setting(folder: Path, url: str, says: str) -> None:
    lines = checked(folder, {"DATABASE_URL": url.format(free=free_port(), port=postgres().port)})
    first = next(line for line in lines if line.startswith("FAILED"))
    assert says in first


def test_a_database_that_cannot_be_reached_is_one_failure(folder: Path) -> None:
    began = time.monotonic()
    assert "Connection refused" in failure(folder, f"postgresql://me@127.0.0.1:{free_port()}/x")
    # Nothing that comes after it waits for it.
    assert time.monotonic() - began < 12


def test_one_in_another_encoding_is_refused(folder: Path) -> None:
    execute("DROP DATABASE IF EXISTS ascii", "CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0")
    failed = failure(folder, f"postgresql://postgres@127.0.0.1:{postgres().port}/ascii")
    assert failed.endswith("its encoding is SQL_ASCII; create a database with UTF8 and name it in DATABASE_URL")


def test_one_that_can_only_be_read_is_refused(tables: str, folder: Path) -> None:
    url = user(tables, "reader")
    execute("ALTER ROLE reader SET default_transaction_read_only = on")
    assert "name the primary in DATABASE_URL" in failure(folder, url)


@pytest.mark.slow
def test_more_connections_than_the_server_takes_are_refused(made: str, folder: Path) -> None:
    failed = failure(folder, made, DATABASE_POOL_SIZE="30", WEB_CONCURRENCY="4")
    assert "DATABASE_POOL_SIZE and 1, times WEB_CONCURRENCY, is 124" in failed


def test_a_user_who_may_make_no_tables_where_there_are_none_is_refused(schema: str, folder: Path) -> None:
    lines = checked(folder, {"DATABASE_URL": user(schema, "guest")})
    failed = next(line for line in lines if line.startswith("FAILED"))
    assert f"guest of DATABASE_URL may not make tables; run: GRANT CREATE ON SCHEMA {schema} TO guest" in failed


@pytest.mark.slow
def test_a_user_who_may_not_use_the_tables_is_refused(made: str, tables: str, folder: Path) -> None:
    url = user(tables, "stranger")
    lines = checked(folder, {"DATABASE_URL": url, "DATABASE_DIRECT_URL": made})
    failed = next(line for line in lines if line.startswith("FAILED"))
    assert "stranger of DATABASE_URL may not use the table" in failed
    execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {tables} TO stranger")
    lines = checked(folder, {"DATABASE_URL": url})
    assert not [line for line in lines if line.startswith("FAILED")]
    (rights,) = [line for line in lines if "rights" in line]
    assert "stranger may not make tables, which the next version may need" in rights
    assert "stranger may not change the tables, which the next version may need (ALTER TABLE " in rights


@pytest.mark.slow
def test_a_user_who_may_not_use_the_tables_that_are_there_needs_no_right_to_make_some(
    tables: str, folder: Path
) -> None:
    failed = checked(folder, {"DATABASE_URL": user(tables, "newcomer")})[1]
    assert failed.startswith("FAILED  database rights: newcomer of DATABASE_URL may not use the table ")
    assert failed.endswith(f"run: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {tables} TO newcomer")


def snapshot(schema: str) -> list[tuple[object, ...]]:
    """All tables and columns of a schema, and which migrations it has taken."""
    with postgres().connect() as connection:
        columns = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s ORDER BY 1, 2"
        taken = f"SELECT number FROM {schema}.migrations ORDER BY 1"
        return connection.execute(columns, (schema,)).fetchall() + connection.execute(taken.encode()).fetchall()


@pytest.mark.slow
def test_a_database_of_an_older_version_is_left_as_it_is(outdated: str, folder: Path) -> None:
    before = snapshot(outdated)
    lines = checked(folder, {"DATABASE_URL": postgres().url(outdated)})
    assert lines[-1] == (
        "skipped storage (DATABASE_URL: the database): an older version of this service has written it: "
        f"{len(MIGRATIONS) - 1} of {len(MIGRATIONS)} migrations; the next start of the service takes the others, "
        "and nothing was changed"
    )
    assert snapshot(outdated) == before


@pytest.mark.slow
def test_a_user_who_cannot_take_the_missing_migrations_is_refused(outdated: str, folder: Path) -> None:
    url, owner = user(outdated, "tenant"), postgres().url(outdated)
    execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {outdated} TO tenant",
        f"GRANT CREATE ON SCHEMA {outdated} TO tenant",
    )
    assert "tenant of DATABASE_URL may not change the tables; run: ALTER TABLE " in failure(folder, url)
    # The owner's hands are enough.
    assert not [
        line for line in checked(folder, {"DATABASE_URL": url, "DATABASE_DIRECT_URL": owner}) if "FAILED" in line
    ]


@pytest.mark.slow
def test_a_pooler_in_transaction_mode_is_found(tables: str, folder: Path) -> None:
    with pooled(tables, 2) as url:
        lines = checked(folder, {"DATABASE_URL": url, "WEB_CONCURRENCY": "64"})
        assert "in transaction mode, which works; DATABASE_DIRECT_URL is unset" in lines[3]
        # It has no more of the server's connections than before.
        assert lines[4].endswith("up to 320 are for this host, and the pooler shares the server's 100 among them")
        assert lines[-1].startswith("works   storage")
        lines = checked(folder, {"DATABASE_URL": url, "DATABASE_DIRECT_URL": postgres().url(tables)})
        assert lines[3].endswith("in transaction mode; DATABASE_DIRECT_URL leads to the same database")
        assert "name the server itself" in failure(folder, url, DATABASE_DIRECT_URL=url)


@pytest.mark.slow
def test_a_pooler_in_session_mode_is_as_good_as_none(tables: str, folder: Path) -> None:
    with pooled(tables, 20, "session") as url:
        assert "none, or one that gives each client" in checked(folder, {"DATABASE_URL": url})[3]


@pytest.mark.slow
def test_a_pooler_in_session_mode_with_too_few_connections_is_refused(tables: str, folder: Path) -> None:
    with pooled(tables, 2, "session") as url:
        failed = checked(folder, {"DATABASE_URL": url})[3]
        assert failed.startswith("FAILED  database pooler: of 4 connections at once to DATABASE_URL one has waited")


def test_a_pooler_in_statement_mode_is_refused(tables: str, folder: Path) -> None:
    with pooled(tables, 2, "statement") as url:
        lines = checked(folder, {"DATABASE_URL": url, "DATABASE_DIRECT_URL": postgres().url(tables)})
        assert any("pooler in statement mode; set its pool_mode to transaction" in line for line in lines)
        lines = checked(folder, {"DATABASE_URL": url})
        assert "DATABASE_URL leads to a pooler in statement mode" in next(line for line in lines if "FAILED" in line)


@pytest.mark.slow
def test_two_addresses_of_different_schemas_are_refused(made: str, folder: Path) -> None:
    elsewhere = postgres().url(postgres().new_schema())
    lines = checked(folder, {"DATABASE_URL": made, "DATABASE_DIRECT_URL": elsewhere})
    assert any("lead to different databases or schemas" in line for line in lines)


async def test_clocks_that_differ_are_refused(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    probes = {probe.name: probe for probe in examination.probes(Settings(database_url=postgres().url(schema)))}
    assert await probes["database clock"].run() == "agrees with this host's"
    now = time.time
    for shift in (-60, 60):
        monkeypatch.setattr(time, "time", lambda shift=shift: now() + shift)
        with pytest.raises(examination.Unfit, match="differ by 60 s; set both by NTP"):
            await probes["database clock"].run()


async def test_an_old_server_is_refused(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "OLDEST_VERSION", 990000)
    probe = examination.probes(Settings(database_url=postgres().url(schema)))[0]
    with pytest.raises(examination.Unfit, match="14 or newer is needed"):
        await probe.run()
