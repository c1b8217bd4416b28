"""The steps of `schema`, each taken once, whichever of several processes comes first."""

from __future__ import annotations

import errno

from psycopg import AsyncConnection
from psycopg.errors import UndefinedTable

from ..values import OlderVersion, StorageError
from .database import NO_TIME_LIMITS, Database, connection_options, patiently
from .schema import MIGRATIONS

# Ours among the advisory locks of a database that others may use as well.
LOCK = 0x6D6F636B


async def prepare(database: Database, direct_url: str, *, upgrade: bool) -> None:
    """Make the schema, or bring it up to date, over a connection to `direct_url`: a pooler may stand before the other.

    OSError where it cannot be: a newer version has written it, say. OlderVersion where it is to be left as it is.
    """
    try:
        [(taken,)] = await database.execute("SELECT max(number) FROM migrations")
    except StorageError as error:
        if not isinstance(error.__cause__, UndefinedTable):
            raise
        taken = 0
    if taken and taken < len(MIGRATIONS) and not upgrade:
        raise OlderVersion(taken, len(MIGRATIONS))
    if taken != len(MIGRATIONS):
        await _migrate(direct_url)


async def _migrate(url: str) -> None:
    connection = await patiently(lambda: AsyncConnection.connect(**connection_options(url)))
    async with connection, connection.transaction():
        [(encoding,)] = await (await connection.execute("SHOW server_encoding")).fetchall()
        if encoding != "UTF8":
            raise OSError(errno.ENOTSUP, f"the database has the encoding {encoding}; create one with UTF8")
        # The steps of a large database take long, and so does the wait for another process that takes them.
        await connection.execute(NO_TIME_LIMITS)
        # Held until the end of the transaction: other processes wait, and then find nothing left to do.
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        await connection.execute("CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY)")
        [(taken,)] = await (await connection.execute("SELECT coalesce(max(number), 0) FROM migrations")).fetchall()
        if taken > len(MIGRATIONS):
            raise OSError(errno.ENOTSUP, "a newer version of this service has written it")
        for number, step in enumerate(MIGRATIONS[taken:], start=taken + 1):
            await connection.execute(step)
            await connection.execute("INSERT INTO migrations (number) VALUES (%s)", (number,))
