"""Makes `before.tar.xz`, the data folder of a version that is checked out elsewhere, killed in the middle of an answer.

    uv run --group test python -m tests.storage.embedded.folders.make CHECKOUT PYTHON

CHECKOUT is a clone of this repository at commit 879bed3, PYTHON an interpreter with its requirements. Beside the folder
the archive holds `seen.json`: what that version itself answers to the requests of `views` once it has started on it.
"""

from __future__ import annotations

import asyncio
import io
import sys
import tarfile
import tempfile
from pathlib import Path

import httpx2
import orjson

from tests.harness.api import data_url, png, say
from tests.harness.data_folder import rows
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.storage.embedded.folders import ARCHIVE, SETTINGS, USERS, login, views

SCRIPT = """
rules:
  - when: "paint a fox"
    steps:
      - text: "Wait. "
        tool_calls: [{name: generate_image, arguments: {prompt: "a red fox"}}]
      - text: "Here it is."
  - when: "paint, then tell"
    steps:
      - text: "First "
        tool_calls: [{name: generate_image, arguments: {prompt: "a lighthouse"}}]
      - text: ["the ", "fog ", "rises ", "and ", "never ", "ends."]
        tokens_per_second: 1
"""
PLAN = "# Zephyr\n\nZephyr launches on 14 May 2031 from Kiruna.\n"
NOTES = "Der Straßenbelag in İzmir wird erneuert: 100 % Asphalt, kein_Pflaster.\n"


async def fill(client: httpx2.AsyncClient) -> None:
    """One of all that a user of that version could have stored."""
    for name, content in (("plan.md", PLAN), ("notizen.txt", NOTES), ("broken.pdf", "%PDF-1.4 no more")):
        response = await client.post("/files", files=[("files", (name, content.encode()))])
        assert response.status_code == 202, response.text
    await indexed(client)
    await say(client, "What time is it in Oslo?", "tools")
    await say(client, "paint a fox", "tools")
    await say(client, "What do my documents say about Zephyr?", "documents")
    await say(client, "Grüße aus der STRASSE, 100 % kein_Scherz \\ Ende", "unicode")
    await client.patch("/conversations/unicode", json={"title": "İSTANBUL und die GROẞE Straße: 100 %"})
    await client.post("/conversations/unicode/pin", json={"is_pinned": True})
    await say(client, "NUL \0 und ein halbes Zeichen", "nul")
    await say(client, "a lighthouse in fog", "painted", mode="image")
    attachments = [
        {"name": "a.png", "contentType": "image/png", "url": data_url(png(), "image/png")},
        {"name": "a.txt", "contentType": "text/plain", "url": data_url(b"attached words", "text/plain")},
    ]
    message = {"role": "user", "content": "Look", "experimental_attachments": attachments}
    assert (await client.post("/chat", json={"id": "attached", "messages": [message]})).status_code == 200
    for text in ("One", "Two", "Three"):
        await say(client, text, "edited")
    read = (await client.get("/conversations/edited")).json()
    edit = {"role": "user", "id": read["messages"][2]["id"], "content": "Two, edited"}
    assert (await client.post("/chat", json={"id": "edited", "messages": [edit]})).status_code == 200
    await say(client, "Before", "cut")


async def indexed(client: httpx2.AsyncClient) -> None:
    async def are_indexed() -> bool:
        return {row["status"] for row in (await client.get("/files")).json()} == {"ready", "failed"}

    await until(are_indexed)


async def cut(server: Server, client: httpx2.AsyncClient) -> None:
    """Kill the server once the log of a running answer holds an image and words, and a file waits to be indexed."""

    async def is_logged() -> bool:
        statement = "SELECT CAST(log AS TEXT) FROM turns WHERE over_at IS NULL"
        return any("PictureMade" in log and "the fog " in log for (log,) in rows(server.data_dir, statement))

    async with client.stream("POST", "/chat", json={"id": "cut", "message": "paint, then tell"}):
        await until(is_logged)
        response = await client.post("/files", files=[("files", ("late.txt", b"Okapis sleep late."))])
        server.close()
        assert response.json()[0]["status"] != "ready"


async def make(checkout: Path, python: str) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "script.yaml").write_text(SCRIPT)
        settings = {**SETTINGS, "PYTHONPATH": str(checkout), "MOCK_SCRIPT": str(folder / "script.yaml")}
        server = Server(folder, settings, command=[python, "-m", "mockbackend", "serve"])
        with server:
            server.auth = login(server.data_dir)
            async with server.client(USERS[0]) as client, server.client(USERS[1]) as other:
                await fill(client)
                await say(other, "Mine alone", "other")
                await cut(server, client)
        left = {f"data/{path.relative_to(server.data_dir)}": path.read_bytes() for path in kept(server.data_dir)}
        # What it makes of the folder itself is what the next version must make of it.
        with server:
            async with server.client(USERS[0]) as client, server.client(USERS[1]) as other:
                await indexed(client)
                seen = {userid: await views(one) for userid, one in zip(USERS, (client, other), strict=True)}
    with tarfile.open(ARCHIVE, "w:xz", preset=9) as archive:
        for name, content in {"seen.json": orjson.dumps(seen, option=orjson.OPT_INDENT_2), **left}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def kept(data: Path) -> list[Path]:
    # SQLite makes the shared memory of a write-ahead log from the log.
    return [path for path in sorted(data.rglob("*")) if path.is_file() and not path.name.endswith("-shm")]


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1]).resolve(), sys.argv[2]))
