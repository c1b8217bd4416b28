"""The login that is generated where none is configured: a row for all processes."""

from __future__ import annotations

import secrets

from .database import Database

NAME = "login"
PLACE = "the database's table `service`"


async def load_or_make(database: Database) -> str:
    """The stored login, which is made if it is missing."""
    made = f"mock:{secrets.token_urlsafe(12)}"
    await database.execute(
        "INSERT INTO service (name, value) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING", NAME, made
    )
    [(login,)] = await database.execute("SELECT value FROM service WHERE name = %s", NAME)
    return str(login)
