"""Damaged rows: each costs what it held, and neither the start nor its neighbours."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx2
import orjson
import pytest

from mockbackend.storage import Image
from mockbackend.storage.embedded import EmbeddedStorage, open_embedded
from mockbackend.storage.stored_messages import decode_messages
from mockbackend.turn.heartbeat import Heartbeat
from mockbackend.turn.recovery import Recovery
from mockbackend.turn.registry import RunRegistry
from tests.harness.answers import chat
from tests.harness.api import error_of, stored
from tests.harness.service import Server
from tests.protocol.part_cases import CASES, message_of
from tests.storage.contract.acts import ROOM, SPENT, answer, begun, ran, texts, turn_of
from tests.storage.contract.files import claimed, put
from tests.storage.embedded.damaged import CONVERSATIONS, FILES, METADATA, WHOLE

NUMBERS = {name: number for number, name in enumerate(CONVERSATIONS)}


async def ran_in(storage: EmbeddedStorage, conversation_id: str, userid: str) -> None:
    """A turn t1 of an id of its own."""
    turn = replace(turn_of("t1", conversation_id, userid=userid), turn_id=f"t1 in {conversation_id}")
    await begun(storage, turn)
    await storage.turns.end(turn, answer(turn_of()), b"[]", SPENT)


async def fill(folder: Path) -> None:
    """For each case two conversations, of which one is going to be damaged; their process is dead."""
    dead = await open_embedded(folder)
    for name, number in NUMBERS.items():
        bad, userid = f"bad-{number}", f"user {number}"
        await ran_in(dead, f"sound-{number}", userid)
        if name.startswith("image"):
            await dead.images.put(userid, bad, Image("image/png", b"content"), user_bytes=ROOM)
        await ran_in(dead, bad, userid)
        if CONVERSATIONS[name].is_running:
            turn = replace(turn_of("t2", bad, userid=userid, base_length=2), turn_id=f"t2 in {bad}")
            await begun(dead, turn)
            await dead.turns.write_logs(
                [(turn, b'[["StepStarted",{"message_id":"m"}],["TextDelta",{"text":"cut"}]]', SPENT)]
            )
    for name in FILES:
        userid = f"owner of {name}"
        await put(dead, b"content", userid=userid)
        await put(dead, b"sound", userid=userid, name="sound.txt")
    # They need not be indexed.
    await dead.databases[-1].execute("UPDATE files SET status = 'ready'")
    await dead.close()


def damage(folder: Path, database: str, statement: str, **values: str) -> None:
    with closing(sqlite3.connect(folder / database)) as connection, connection:
        assert connection.execute(statement, values).rowcount > 0


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that was started on a folder with all of the damage."""
    folder = tmp_path_factory.mktemp("damaged")
    asyncio.run(fill(folder / "data"))
    for name, number in NUMBERS.items():
        case = CONVERSATIONS[name]
        damage(folder / "data", case.database, case.statement, bad=f"bad-{number}")
    for name, (statement, _) in FILES.items():
        damage(folder / "data", METADATA, f"{statement} AND name = 'a.txt'", userid=f"owner of {name}")
    with Server(folder) as server:
        yield server


async def paged(client: httpx2.AsyncClient) -> list[str]:
    """The ids of the conversations as a client finds them that reads page after page."""
    found: list[str] = []
    url: str | None = "/conversations?limit=1"
    while url is not None:
        response = await client.get(url)
        assert response.status_code == 200, response.text
        found += [row["id"] for row in response.json()]
        url = response.links["next"]["url"] if "next" in response.links else None
    return found


async def says(client: httpx2.AsyncClient, conversation_id: str) -> tuple[str, ...]:
    return tuple(message["content"] for message in await stored(client, conversation_id))


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_a_damaged_row_costs_what_it_held(damaged: Server, name: str) -> None:
    number, left = NUMBERS[name], CONVERSATIONS[name].left
    bad, sound = f"bad-{number}", f"sound-{number}"
    async with damaged.client(f"user {number}") as client:
        shown = await paged(client)
        assert sound in shown
        assert await says(client, sound) == WHOLE
        assert (bad in shown) == (left != "unknown")
        on = {"id": bad, "message": "On"}
        if left == "damaged":
            for response in (await client.get(f"/conversations/{bad}"), await client.post("/chat", json=on)):
                error = error_of(response, 500)
                assert (error["code"], "start a new one" in error["message"]) == ("damaged", True)
        else:
            before = () if left == "unknown" else left
            if left != "unknown":
                assert await says(client, bad) == left
            answer = await chat(client, on)
            assert (answer.status, answer.text, answer.errors) == (200, "You said: On", [])
            assert await says(client, bad) == (*before, "On", "You said: On")
            (row,) = (await client.get("/conversations?limit=1")).json()
            assert (row["id"], row["message_count"]) == (bad, len(before) + 2)
        assert (await client.delete(f"/conversations/{bad}")).status_code == 204


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", FILES)
async def test_a_damaged_file_costs_what_it_held(damaged: Server, name: str) -> None:
    left = FILES[name][1]
    async with damaged.client(f"owner of {name}") as client:
        file, sound = sorted((await client.get("/files")).json(), key=lambda row: row["name"] == "sound.txt")
        assert (await client.get(f"/files/{sound['id']}/content")).content == b"sound"
        if name == "blob: none":
            assert (file["status"], "upload the file again" in file["error"]) == ("failed", True)
        else:
            assert file["status"] == "ready"
        response = await client.get(f"/files/{file['id']}/content")
        if left is None:
            error_of(response, 404)
        else:
            assert (response.status_code, response.content) == (200, left)
        assert (await client.delete(f"/files/{file['id']}")).status_code == 204
        assert (await client.get("/files")).json() == [sound]


def test_what_is_beside_a_damaged_row_stays(damaged: Server) -> None:
    """A name in a row that is a path must not become one."""
    assert {"conversation_metadata.db", "mock-langgraph-db.db", "setup.lock"} <= {
        path.name for path in damaged.data_dir.iterdir()
    }
    assert "of the table conversations had a damaged version, and were repaired" in damaged.log


async def test_a_folder_of_somebody_elses_stops_nothing(storage: EmbeddedStorage, tmp_path: Path) -> None:
    """Such as the one that a new volume comes with."""
    theirs = [tmp_path / name for name in ("files/lost+found", f"alive/{'0' * 32}", "pictures/a.b.part")]
    for path in theirs:
        path.mkdir()
    await storage.files.clean()
    await storage.images.clean()
    await (await open_embedded(tmp_path)).close()
    assert all(path.is_dir() for path in theirs)


@pytest.mark.parametrize("media_type", ["x'fffe'", "'image/png' || char(10) || 'x: y'", "'imäge/png'", "7"])
async def test_an_image_whose_media_type_is_damaged_is_not_sent(storage: EmbeddedStorage, media_type: str) -> None:
    """It would be a header."""
    token = await storage.images.put("ann", "c", Image("image/png", b"content"), user_bytes=ROOM)
    await storage.databases[-1].execute(f"UPDATE pictures SET media_type = {media_type}, conversation_id = x'fffe'")
    assert await storage.images.get(token) is None
    assert await storage.images.home("ann", token) == "\ufffd\ufffd"


async def test_a_file_of_the_queue_whose_blob_is_damaged_holds_up_no_other(storage: EmbeddedStorage) -> None:
    for content in (b"damaged", b"sound"):
        await put(storage, content)
    await storage.databases[-1].execute("UPDATE files SET blob = x'fffe' WHERE rowid = 1")
    job = await storage.file_queue.claim()
    assert job is not None
    with pytest.raises(FileNotFoundError):
        await anext(job.blob.pieces())
    assert await claimed(storage) == "sound"
    await storage.file_queue.fail(job.id, "It is damaged.")
    assert [file.status for file in await storage.files.listing("ann")] == ["extracting", "failed"]


async def test_a_file_whose_status_is_damaged_is_indexed_again(storage: EmbeddedStorage, tmp_path: Path) -> None:
    await put(storage, b"content")
    await storage.databases[-1].execute("UPDATE files SET status = 'song'")
    again = await open_embedded(tmp_path)
    try:
        assert await claimed(again) == "content"
    finally:
        await again.close()


async def test_a_turn_of_ours_whose_row_is_damaged_is_closed_without_an_answer(storage: EmbeddedStorage) -> None:
    """Its run is gone, or another process would have to look: the answer would have no question."""
    await ran(storage, turn_of())
    await begun(storage, turn_of("t2", base_length=2))
    await storage.databases[-1].execute("UPDATE turns SET new_messages = x'00'")
    heartbeat = Heartbeat(storage.turns, RunRegistry(), 600)
    try:
        assert await Recovery(storage, RunRegistry(), heartbeat).running("c") is None
    finally:
        await heartbeat.close()
    assert await storage.turns.running("c") is None
    assert await texts(storage) == ["t1?", "t1!"]
    await ran(storage, turn_of("t3", base_length=2))


@pytest.mark.parametrize("name", CASES)
def test_every_part_of_a_message_is_read_from_a_row(name: str) -> None:
    messages = [message_of(name)]
    assert decode_messages(orjson.dumps(messages)) == messages


def test_the_documents_of_a_message_are_read_from_a_row_unless_they_are_damaged() -> None:
    asked = turn_of().new_messages[0]
    whole = [{**asked, "documents": [{"id": "1", "name": "plan.pdf"}]}]
    assert decode_messages(orjson.dumps(whole)) == whole
    for documents in (5, "plan.pdf", ["plan.pdf"], [{"id": "1"}], [{"id": 1, "name": "plan.pdf"}]):
        assert decode_messages(orjson.dumps([{**asked, "documents": documents}])) == []
