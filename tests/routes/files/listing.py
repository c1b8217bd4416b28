"""The limits of the server for these tests, and its users' files."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2

LIMITS = {
    "MAX_FILE_BYTES": "100000",
    "MAX_FILES_PER_UPLOAD": "5",
    "MAX_FILES_PER_USER": "4",
    "MAX_USER_BYTES": "250000",
}
MOST_BYTES = 5 * 100_000 + 1024 * 1024
ROW = {"id", "name", "status", "done", "total", "error", "size", "media_type", "created_at", "notice"}


async def listed(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    response = await client.get("/files")
    assert response.status_code == 200
    rows: list[dict[str, Any]] = response.json()
    return rows


async def ready(client: httpx2.AsyncClient, file_id: str) -> None:
    """Wait until the file is indexed."""
    async with asyncio.timeout(30):
        while (row := (await client.get(f"/files/{file_id}")).json())["status"] != "ready":
            assert row["status"] != "failed", row
            await asyncio.sleep(0.05)
