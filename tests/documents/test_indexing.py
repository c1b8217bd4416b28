"""Indexing in the background: its progress, its failures in words, and going on after a kill."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from mockbackend.documents.indexing import SMALL_BYTES
from tests.documents.waiting import Row, indexed, over, uploaded
from tests.harness.answers import chat
from tests.harness.emulator import KEY, Emulator, Rule, emulating
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.harness.world import start_world

EMBEDDING = "text-embedding-3-small"
PARTS = [b"# Part %d\n\nThe %dth lamp was lit at dusk by its keeper.\n\n" % (n, n) for n in range(200)]
LONG = b"".join(PARTS)
# Of two batches, and of more where they are small.
SHORT = b"".join(PARTS[:70])
# Makes a file a large one, and has no words. A line alone is read soon.
ROOM = b"\n" + b" " * SMALL_BYTES


def embedded(emulator: Emulator) -> Counter[str]:
    """How often each text was embedded with success."""
    return Counter(
        text
        for request in emulator.requests()
        if "embeddings" in request["path"] and request["status"] == 200
        for text in request["body"]["input"]
    )


async def test_a_rate_limit_is_waited_out(tmp_path: Path) -> None:
    rules: list[Rule] = [
        {"kind": "embedding", "times": 2, "fault": {"kind": "status", "status": 429, "retry_after": 0.2}},
    ]
    with start_world(tmp_path, rules, embedding=EMBEDDING) as model:
        async with model.server.client() as client:
            row = await over(client, await uploaded(client, "a.md", SHORT))
        statuses = [one["status"] for one in model.emulator.requests() if "embeddings" in one["path"]]
    assert (row["status"], row["done"], row["total"]) == ("ready", 70, 70)
    assert statuses.count(429) == 2


@pytest.mark.slow
async def test_a_model_that_reads_less_than_a_passage_embeds_as_much_as_it_reads(tmp_path: Path) -> None:
    # In Ollama's words.
    fault = {"kind": "status", "status": 500, "message": "input length exceeds maximum context length"}
    rules: list[Rule] = [{"kind": "embedding", "when": {"regex": ".{601,}"}, "fault": fault}]
    with start_world(tmp_path, rules, embedding=EMBEDDING) as model:
        async with model.server.client() as client:
            for name in ("a.txt", "b.txt"):
                row = await over(client, await uploaded(client, name, f"{name} {'lamp ' * 220}".encode()))
                assert (row["status"], row["total"]) == ("ready", 1), row
        calls = [one for one in model.emulator.requests() if "embeddings" in one["path"]]
    assert [(one["status"], len(one["body"]["input"][0])) for one in calls] == [
        *((500, 1105), (500, 736), (200, 490)),
        # What it reads is remembered.
        (200, 490),
    ]


async def test_a_deployment_that_is_missing_fails_the_file_and_says_which_setting(tmp_path: Path) -> None:
    with start_world(tmp_path, embedding="missing") as model:
        async with model.server.client() as client:
            row = await over(client, await uploaded(client, "a.md", SHORT))
            content = await client.get(f"/files/{row['id']}/content")
    assert row["status"] == "failed"
    assert "AZURE_OPENAI_EMBEDDING_DEPLOYMENT_NAME" in row["error"]
    assert content.status_code == 404
    assert list((model.server.data_dir / "files").iterdir()) == []


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.txt", b"", "empty"),
        ("blank.md", b" \n\n\t ", "no text"),
        ("wrong.pdf", b"This is no PDF.", "pdf"),
        ("broken.pdf", b"%PDF-1.7\nnothing follows", "damaged"),
        ("broken.docx", b"PK\x03\x04nothing follows", "damaged"),
    ],
)
async def test_what_cannot_be_read_fails_alone_with_a_reason(
    server: Server, name: str, content: bytes, says: str
) -> None:
    async with server.client(f"reader of {name}") as client:
        bad, good = await uploaded(client, name, content), await uploaded(client, "good.md", b"# Good\n\nText.")
        bad, good = await over(client, bad), await over(client, good)
    assert (bad["status"], good["status"]) == ("failed", "ready")
    assert says in bad["error"].lower()


@pytest.mark.slow
async def test_a_killed_server_goes_on_where_it_was_and_embeds_nothing_twice(tmp_path: Path) -> None:
    rules: list[Rule] = [{"kind": "embedding", "delay": 0.3}]
    small = {"EMBEDDING_BATCH_SIZE": "10", "EMBEDDING_CONCURRENCY": "1"}
    with emulating(tmp_path, rules, KEY) as emulator:
        settings = {**emulator.settings(embedding=EMBEDDING), **small}
        with Server(tmp_path, settings) as server:
            async with server.client() as client:
                row = await uploaded(client, "a.md", LONG)
                await _done(client, row["id"], 100)
            server.kill()
            with Server(tmp_path, settings, data_dir=server.data_dir) as again:
                async with again.client() as later:
                    row = await over(later, (await later.get(f"/files/{row['id']}")).json())
        counted = embedded(emulator)
    assert (row["status"], row["done"]) == ("ready", 200)
    assert len(counted) == 200
    # What was on its way when the server died is all that may be asked again.
    assert sum(counted.values()) <= 210


async def _done(client: httpx2.AsyncClient, file_id: str, least: int) -> None:
    """Wait until so many passages are embedded."""
    async with asyncio.timeout(30):
        while (await client.get(f"/files/{file_id}")).json()["done"] < least:  # noqa: ASYNC110
            await asyncio.sleep(0.03)


@pytest.mark.slow
async def test_a_file_that_is_deleted_while_it_is_indexed_leaves_nothing(tmp_path: Path) -> None:
    rules: list[Rule] = [{"kind": "embedding", "delay": 0.2}]
    small = {"EMBEDDING_BATCH_SIZE": "10", "EMBEDDING_CONCURRENCY": "1"}
    with start_world(tmp_path, rules, small, embedding=EMBEDDING) as model:
        async with model.server.client() as client:
            row = await uploaded(client, "a.md", SHORT)
            await _done(client, row["id"], 10)
            assert (await client.delete(f"/files/{row['id']}")).status_code == 204
            assert (await client.get("/files")).json() == []
            again = await over(client, await uploaded(client, "a.md", b"# Other\n\nText."))
    assert again["status"] == "ready"


def readers(server: Server) -> set[str]:
    """The processes that read documents for the server."""
    tasks = Path(f"/proc/{server.pid}/task").glob("*/children")
    return {pid for task in tasks for pid in task.read_text().split()}


async def test_deleting_a_file_ends_the_process_that_reads_it(server: Server) -> None:
    # Just below the depth that is refused: it takes its time.
    slow = (b"<div>" * 1900 + b"<p>Words." + b"</div>" * 1900) * 300
    async with server.client("a user of slow files") as client:
        row = await uploaded(client, "slow.html", slow)
        async with asyncio.timeout(20):
            while not readers(server):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await client.delete(f"/files/{row['id']}")).status_code == 204
        assert readers(server) == set()


@pytest.mark.slow
async def test_a_user_whose_files_take_long_holds_up_nobody_else(tmp_path: Path) -> None:
    rules: list[Rule] = [{"kind": "embedding", "when": "lamp", "delay": 600}]
    # So that one call of hers leaves others room.
    large = {"EMBEDDING_BATCH_SIZE": "250", "EMBEDDING_CONCURRENCY": "4"}
    with start_world(tmp_path, rules, large, embedding=EMBEDDING) as model:
        async with model.server.client("ann") as ann, model.server.client("bob") as bob:
            first, *others = [await uploaded(ann, f"{name}.md", SHORT + name.encode() + ROOM) for name in "abc"]
            await _embedding(ann, first)
            # A small one does not wait for the large ones before it.
            row = await over(ann, await uploaded(ann, "small.md", b"# Small"), within=15)
            assert row["status"] == "ready", row
            # It comes when Ann's files have had every chance to take all places, and so does the next.
            for name in ("one.md", "two.md"):
                row = await over(bob, await uploaded(bob, name, f"# {name}".encode()), within=15)
                assert row["status"] == "ready", row
            rows = [(await ann.get(f"/files/{row['id']}")).json()["status"] for row in (first, *others)]
            assert rows == ["embedding", "queued", "queued"]
            # Her next file has the place as soon as she gives it up.
            assert (await ann.delete(f"/files/{first['id']}")).status_code == 204
            await _embedding(ann, others[0])


@pytest.mark.slow
async def test_a_file_beyond_the_limit_is_searched_as_far_as_it_goes_and_says_so(tmp_path: Path) -> None:
    rows = "".join(f"lamp {number},wick {number}\n" for number in range(1, 200))
    with Server(tmp_path, {"MAX_DOCUMENT_CHARACTERS": "2000"}) as server:
        async with server.client() as client:
            row = await over(client, await uploaded(client, "lamps.csv", b"Lamp,Wick\n" + rows.encode()))
            assert (row["status"], row["error"]) == ("ready", None)
            assert "Only the first 2,000 characters of the file are searched" in row["notice"]
            assert re.search(r"What follows rows \d+-\d+ is left out", row["notice"])
            small = await over(client, await uploaded(client, "a.csv", b"Lamp,Wick\nlamp,wick\n"))
            assert (small["status"], small["notice"]) == ("ready", None)


@pytest.mark.slow
async def test_after_a_change_of_the_model_old_files_are_found_by_words_and_embedded_with_the_new_one(
    tmp_path: Path,
) -> None:
    rules: list[Rule] = [{"kind": "embedding", "when": {"regex": "third"}, "times": 1, "delay": 600}]
    with emulating(tmp_path, rules, KEY) as emulator:
        settings = emulator.settings(embedding=EMBEDDING)
        with Server(tmp_path, settings) as server:
            async with server.client() as client:
                await indexed(client, "a.md", b"The first lamp.")
                await indexed(client, "b.md", b"The second lamp.")
                assert (await client.get("/health")).json()["documents_to_embed"] == 0
                # It waits for its vector when the process is killed.
                await uploaded(client, "c.md", b"The third lamp.")
                await _embedding(client, (await client.get("/files")).json()[0])
            server.kill()
        settings = emulator.settings(embedding="text-embedding-3-large")
        with Server(tmp_path, settings, data_dir=server.data_dir) as again:
            async with again.client() as client:

                async def is_done() -> bool:
                    rows = (await client.get("/files")).json()
                    health = (await client.get("/health")).json()
                    return health["documents_to_embed"] == 0 and {row["status"] for row in rows} == {"ready"}

                await until(is_done, within=30)
                answer = await chat(client, {"message": "What do the documents say of the second lamp?"})
                assert "The second lamp." in answer.text
        models = Counter(
            (request["path"].split("/")[-2], text)
            for request in emulator.requests()
            if "embeddings" in request["path"] and request["status"] == 200
            for text in request["body"]["input"]
            if text.startswith("The ")
        )
    lamps = ("first", "second", "third")
    assert models == {
        **{(EMBEDDING, f"The {lamp} lamp."): 1 for lamp in lamps[:2]},
        **{("text-embedding-3-large", f"The {lamp} lamp."): 1 for lamp in lamps},
    }


async def _embedding(client: httpx2.AsyncClient, row: Row) -> None:
    async def begun() -> bool:
        found: str = (await client.get(f"/files/{row['id']}")).json()["status"]
        return found == "embedding"

    await until(begun, within=15)


@pytest.mark.slow
async def test_a_file_that_comes_as_the_last_one_is_done_is_not_forgotten(server: Server) -> None:
    async with server.client("a user of many files") as client:
        for number in range(40):
            row = await over(client, await uploaded(client, f"{number}.txt", b"File %d." % number), within=15)
            assert row["status"] == "ready", row
