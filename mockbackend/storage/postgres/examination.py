"""What `mockbackend check` tries of the database before the stores: can it be used, and what is between?"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, Error
from psycopg.errors import InsufficientPrivilege

from ...settings import Settings
from ..values import Probe
from .database import Row, connection_options
from .schema import MIGRATIONS, TABLES

OLDEST_VERSION = 140000
# Times of messages come from the hosts. Leases do not: they are by the database's clock.
MOST_SECONDS_APART = 5.0
# Of as many connections a pooler in transaction mode gives two the same one behind it.
CONNECTIONS = 4
# A pooler makes a client wait that is one too many.
MOST_SECONDS_TO_CONNECT = 10.0
# What the server says, and what to do.
REMEDIES = {
    "password authentication failed": "check the user and the password in {setting}",
    "no password supplied": "put the password into {setting}",
    "no pg_hba.conf entry": "allow this host in the server's pg_hba.conf, or add ?sslmode=require to {setting}",
    "does not exist": "create it, or correct its name in {setting}",
    "Connection refused": "check host and port in {setting}, and that the server runs and listens there",
    "resolve host": "check the host in {setting}",
    "too many": "lower DATABASE_POOL_SIZE or WEB_CONCURRENCY, or raise max_connections of the server",
    "remaining connection slots": "lower DATABASE_POOL_SIZE or WEB_CONCURRENCY, or raise max_connections of the server",
    "SSL": "check sslmode in {setting}",
    "timeout expired": "check host and port in {setting}, and the firewall between",
}


class Unfit(Exception):
    """The database cannot be used as it is. The message says why, and what to do."""


def probes(settings: Settings) -> list[Probe]:
    """What is tried, in order."""
    examination = _Examination(settings)
    return [
        Probe("database (DATABASE_URL)", examination.server, needed=True),
        Probe("database rights", examination.rights),
        Probe("database clock", examination.clock),
        Probe("database pooler", examination.pooler),
        Probe("database connections", examination.connections),
    ]


class _Examination:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = settings.database_url
        self._direct = settings.database_direct_url

    async def server(self) -> str:
        async with _connected(self._url) as connection:
            version, encoding = map(connection.info.parameter_status, ("server_version", "server_encoding"))
            number, can_write, user, database = await _one(
                connection,
                """SELECT current_setting('server_version_num')::integer,
                NOT current_setting('transaction_read_only')::boolean, current_user::text, current_database()::text""",
            )
        if number < OLDEST_VERSION:
            raise Unfit(f"it is PostgreSQL {version}, and 14 or newer is needed; name another server in DATABASE_URL")
        if encoding != "UTF8":
            raise Unfit(f"its encoding is {encoding}; create a database with UTF8 and name it in DATABASE_URL")
        if not can_write:
            raise Unfit("it can only be read: name the primary in DATABASE_URL, not a standby")
        return f"PostgreSQL {version}, as {user} in {database}"

    async def connections(self) -> str:
        async with _connected(self._url) as connection:
            (most,) = await _one(connection, "SELECT current_setting('max_connections')::integer")
        # And one for searches in documents.
        own = (max(2, self._settings.database_pool_size) + 1) * self._settings.web_concurrency
        if own <= most:
            return f"up to {own} of the server's {most} are for this host"
        if await self._is_shared(self._url, "DATABASE_URL"):
            return f"up to {own} are for this host, and the pooler shares the server's {most} among them"
        raise Unfit(
            f"DATABASE_POOL_SIZE and 1, times WEB_CONCURRENCY, is {own}, and the server takes {most} connections;"
            " lower one of them, or put a pooler in transaction mode between"
        )

    async def rights(self) -> str:
        setting = "DATABASE_DIRECT_URL" if self._direct else "DATABASE_URL"
        async with _connected(self._direct or self._url, setting) as connection:
            user, schema, found = await _one(
                connection,
                """SELECT current_user::text, current_schema()::text, array(SELECT tablename::text FROM pg_tables
                WHERE schemaname = current_schema() AND tablename = ANY(%s))""",
                list(TABLES),
            )
            if schema is None:
                raise Unfit(f"the search_path of {user} names no schema that exists; create one, or correct {setting}")
            await self._use(found, schema)
            is_current = "migrations" in found and await self._is_current(connection, user, schema, setting)
            lacking = await self._lacking(connection, user, schema, found)
        if lacking and not is_current:
            problem, remedy = lacking[0]
            raise Unfit(f"{user} of {setting} {problem}; run: {remedy}")
        made = [f"{user} {problem}, which the next version may need ({remedy})" for problem, remedy in lacking]
        return f"{'; '.join(made) or f'{user} may make tables'} in the schema {schema}"

    async def _use(self, tables: list[str], schema: str) -> None:
        """Raise Unfit if the user who serves may not use these tables."""
        async with _connected(self._url) as connection:
            lacking = await connection.execute(
                """SELECT current_user, name FROM unnest(%s::text[]) name
                WHERE NOT (has_table_privilege(name, 'SELECT') AND has_table_privilege(name, 'INSERT')
                AND has_table_privilege(name, 'UPDATE') AND has_table_privilege(name, 'DELETE'))""",
                (tables,),
            )
            for user, table in await lacking.fetchall():
                raise Unfit(
                    f"{user} of DATABASE_URL may not use the table {table}; run: GRANT SELECT, INSERT, UPDATE, DELETE"
                    f" ON ALL TABLES IN SCHEMA {schema} TO {user}"
                )

    async def _is_current(self, connection: AsyncConnection[Row], user: str, schema: str, setting: str) -> bool:
        try:
            (taken,) = await _one(connection, "SELECT coalesce(max(number), 0) FROM migrations")
        except InsufficientPrivilege:
            grant = f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user}"
            raise Unfit(f"{user} of {setting} may not read the table migrations; run: {grant}") from None
        return bool(taken >= len(MIGRATIONS))

    async def _lacking(
        self, connection: AsyncConnection[Row], user: str, schema: str, tables: list[str]
    ) -> list[tuple[str, str]]:
        """What this user may not do that a migration needs, and what to run."""
        lacking = []
        try:
            async with connection.transaction(force_rollback=True):
                await connection.execute("CREATE TABLE mockbackend_check (number integer)")
        except InsufficientPrivilege:
            lacking.append(("may not make tables", f"GRANT CREATE ON SCHEMA {schema} TO {user}"))
        (foreign,) = await _one(
            connection,
            """SELECT array(SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()
            AND tablename = ANY(%s) AND NOT pg_has_role(tableowner, 'USAGE') ORDER BY tablename)""",
            tables,
        )
        if foreign:
            owned = f"ALTER TABLE {foreign[0]} OWNER TO {user}, and so for all {len(foreign)} that are another's"
            lacking.append(("may not change the tables", owned))
        return lacking

    async def clock(self) -> str:
        async with _connected(self._url) as connection:
            before = time.time()
            (theirs,) = await _one(connection, "SELECT extract(epoch FROM clock_timestamp())::float8")
            after = time.time()
        apart = max(before - theirs, theirs - after, 0.0)
        if apart > MOST_SECONDS_APART:
            raise Unfit(f"it and this host's differ by {apart:.0f} s; set both by NTP")
        return "agrees with this host's"

    async def pooler(self) -> str:
        between = await self._is_shared(self._url, "DATABASE_URL")
        if not self._direct:
            if between:
                return (
                    "in transaction mode, which works; DATABASE_DIRECT_URL is unset, so tables are made through it too"
                )
            return "none, or one that gives each client a connection of its own"
        if await self._is_shared(self._direct, "DATABASE_DIRECT_URL"):
            raise Unfit("DATABASE_DIRECT_URL leads to a pooler in transaction mode; name the server itself")
        async with _connected(self._url) as one, _connected(self._direct, "DATABASE_DIRECT_URL") as other:
            identity = "SELECT current_database()::text, current_schema()::text, pg_postmaster_start_time()::text"
            if await _one(one, identity) != await _one(other, identity):
                raise Unfit("DATABASE_DIRECT_URL and DATABASE_URL lead to different databases or schemas; correct one")
        return f"{'in transaction mode' if between else 'none'}; DATABASE_DIRECT_URL leads to the same database"

    async def _is_shared(self, url: str, setting: str) -> bool:
        """Whether several connections to it share one of the server's, as behind a pooler in transaction mode."""
        pids = set()
        try:
            async with asyncio.timeout(MOST_SECONDS_TO_CONNECT), contextlib.AsyncExitStack() as stack:
                for _ in range(CONNECTIONS):
                    connection = await stack.enter_async_context(_connected(url, setting))
                    async with connection.transaction():
                        pids.add(await _one(connection, "SELECT pg_backend_pid()"))
        except TimeoutError:
            raise Unfit(
                f"of {CONNECTIONS} connections at once to {setting} one has waited for {MOST_SECONDS_TO_CONNECT:g} s;"
                " a pooler in session mode needs as many as DATABASE_POOL_SIZE and 1, times WEB_CONCURRENCY, of every"
                " host: set its pool_mode to transaction, or raise its pool size"
            ) from None
        return len(pids) < CONNECTIONS


@asynccontextmanager
async def _connected(url: str, setting: str = "DATABASE_URL") -> AsyncIterator[AsyncConnection[Row]]:
    try:
        connection: AsyncConnection[Row] = await AsyncConnection.connect(**connection_options(url))
    except Error as error:
        reason = " ".join(str(error).split())
        remedy = next((words for said, words in REMEDIES.items() if said in reason), "check {setting}")
        raise Unfit(f"{reason}; {remedy.format(setting=setting)}") from None
    async with connection:
        try:
            yield connection
        except Error as error:
            if "statement pooling" not in str(error):
                raise
            words = f"{setting} leads to a pooler in statement mode; set its pool_mode to transaction"
            raise Unfit(words) from None


async def _one(connection: AsyncConnection[Row], statement: str, *values: Any) -> Row:
    [row] = await (await connection.execute(statement, values)).fetchall()
    return row
