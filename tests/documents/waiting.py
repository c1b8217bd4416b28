"""Uploading a document and waiting until it is indexed."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2

Row = dict[str, Any]
OVER = ("ready", "failed")


async def uploaded(client: httpx2.AsyncClient, name: str, content: bytes) -> Row:
    """The row of a file that has just been taken."""
    response = await client.post("/files", files=[("files", (name, content))])
    assert response.status_code == 202, response.text
    row: Row = response.json()[0]
    return row


async def over(client: httpx2.AsyncClient, row: Row, within: float = 60) -> Row:
    """The row once it is ready or has failed."""
    pause = 0.03
    async with asyncio.timeout(within):
        while row["status"] not in OVER:
            await asyncio.sleep(pause)
            pause = min(pause * 1.25, 0.25)
            row = (await client.get(f"/files/{row['id']}")).json()
    return row


async def indexed(client: httpx2.AsyncClient, name: str, content: bytes) -> Row:
    """The row of a file that is ready."""
    row = await over(client, await uploaded(client, name, content))
    assert row["status"] == "ready", row
    return row
