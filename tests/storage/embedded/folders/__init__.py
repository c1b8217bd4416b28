"""A data folder of the version before, and what is asked of every version that opens it; `make.py` has made it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import httpx2
import orjson

from tests.documents.waiting import over
from tests.harness.service import Server

ARCHIVE = Path(__file__).parent / "before.tar.xz"
USERS = ("user-1", "user-2")
# Links to images are stored nowhere; with this they are the same in every test.
SETTINGS = {
    "PUBLIC_URL": "http://mock.example",
    "BACKEND_AUTH_USERNAME": "",
    "BACKEND_AUTH_PASSWORD": "",
}
QUERIES = (
    "straße",
    "STRASSE",
    "i̇stanbul",
    "GROSSE",
    "100 %",
    "%",
    "_",
    "\\",
    "zephyr",
    "NUL",
    "alone",
    "fog",
    "nowhere",
)


def login(data: Path) -> tuple[str, str]:
    """The login that was generated there."""
    username, _, password = (data / "login").read_text().strip().partition(":")
    return username, password


async def views(client: httpx2.AsyncClient) -> dict[str, Any]:
    """What a user sees of all that is stored."""
    rows = (await client.get("/conversations")).json()
    conversations = {row["id"]: (await client.get(f"/conversations/{row['id']}")).json() for row in rows}
    files = (await client.get("/files")).json()
    tokens = sorted(set(re.findall(r"/images/([\w-]{32})", orjson.dumps(conversations).decode())))
    return {
        "conversations": conversations,
        "ui": {name: (await client.get(f"/conversations/{name}?protocol=ui")).json() for name in conversations},
        "searches": {
            query: [row["id"] for row in (await client.get("/conversations", params={"q": query})).json()]
            for query in QUERIES
        },
        "files": files,
        "contents": {file["id"]: await _digest(client, f"/files/{file['id']}/content") for file in files},
        "images": {token: await _digest(client, f"/images/{token}") for token in tokens},
    }


async def settled_views(server: Server, userid: str, seen: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the user sees now, and saw then, but for what must differ."""
    async with server.client(userid) as client:
        # One file still waited to be read.
        for row in (await client.get("/files")).json():
            await over(client, row)
        now = await views(client)
    # The version before wrote no notices.
    assert all(row.pop("notice") is None for row in now["files"])
    for one in (now, seen[userid]):
        # When the interrupted answer was recovered.
        one["conversations"].get("cut", {}).pop("updated_at", None)
        one["ui"].get("cut", {}).pop("updated_at", None)
    return now, seen[userid]


async def _digest(client: httpx2.AsyncClient, path: str) -> list[Any]:
    """What is behind a path, in short."""
    response = await client.get(path)
    return [response.status_code, hashlib.sha256(response.content).hexdigest() if response.is_success else None]
