"""Databases with damaged pages, and one that the operator has removed."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from mockbackend.storage.embedded import open_embedded
from tests.conftest import StartServer
from tests.documents.waiting import over, uploaded
from tests.harness.answers import chat
from tests.harness.api import error_of, say
from tests.harness.processes import environment, free_port, run
from tests.harness.service import Kind, Server
from tests.storage.contract.files import made_ready

DATABASES = ("conversation_metadata.db", "mock-langgraph-db.db", "documents.db")
PAGE_BYTES = 4096
USERS = ("ann", "bob")
CONVERSATIONS = 8
# As the service says what it cannot read: nothing at all, or one conversation.
CODES = {503: "storage", 500: "damaged"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of two users with conversations and documents; its server has ended."""
    folder = tmp_path_factory.mktemp("filled")
    with Server(folder) as server:
        asyncio.run(fill(server))
        server.stop()
    return folder / "data"


async def fill(server: Server) -> None:
    for userid in USERS:
        async with server.client(userid) as client:
            for number in range(CONVERSATIONS):
                await say(client, "Hello " + "word " * 400, f"{userid}-{number}")
            row = await uploaded(client, "a.txt", said_to(userid) * 500)
            assert (await over(client, row))["status"] == "ready"


def said_to(userid: str) -> bytes:
    return f"The walrus of {userid} sleeps. ".encode()


@pytest.fixture(scope="module")
def indexed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One in which each of them has a document that is ready, whatever is found in it."""

    async def index(folder: Path) -> None:
        storage = await open_embedded(folder)
        for userid in USERS:
            await made_ready(storage, userid, said_to(userid))
        await storage.close()

    folder = Path(shutil.copytree(made, tmp_path_factory.mktemp("indexed") / "data"))
    asyncio.run(index(folder))
    return folder


@pytest.fixture
def copied(indexed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(indexed, tmp_path / "data"))


@pytest.fixture
def copied_empty(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "data"))


def damage(folder: Path, name: str, page: int) -> None:
    with (folder / name).open("r+b") as file:
        file.seek(page * PAGE_BYTES)
        file.write(random.Random(page).randbytes(PAGE_BYTES))


@pytest.mark.parametrize(
    "name", [DATABASES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in DATABASES[1:])]
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_damaged_first_page_is_one_line_at_the_start(copied_empty: Path, name: str, workers: str) -> None:
    damage(copied_empty, name, 0)
    env = {"DATA_DIR": str(copied_empty), "PORT": str(free_port()), "WEB_CONCURRENCY": workers}
    ended = run(["serve"], copied_empty.parent, env)
    assert ended.returncode == 2
    assert ended.stderr == f"DATA_DIR: {copied_empty} cannot be used ({name}: file is not a database)\n"


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "1"])
def test_under_plain_hypercorn_as_well(copied: Path, workers: str) -> None:
    damage(copied, DATABASES[0], 0)
    command = ["hypercorn", "app:app", "-w", workers, "-b", f"127.0.0.1:{free_port()}"]
    ended = subprocess.run(
        command,
        cwd=copied.parent,
        env=environment({"DATA_DIR": str(copied)}),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "cannot be used (conversation_metadata.db: file is not a database)\n" in ended.stderr
    assert "Traceback" not in ended.stderr
    # With a worker, Hypercorn's own end is always 0.
    assert ended.returncode == (2 if workers == "0" else 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", DATABASES)
async def test_a_damaged_page_costs_what_is_on_it_and_no_traceback(filled: Path, tmp_path: Path, name: str) -> None:
    pages = (filled / name).stat().st_size // PAGE_BYTES
    served = 0
    for page in range(1, pages, max(1, pages // 6)):
        folder = tmp_path / str(page)
        data = Path(shutil.copytree(filled, folder / "data"))
        damage(data, name, page)
        server = Server(folder, kind="serve")
        try:
            server.start()
        except RuntimeError:
            assert server.log.startswith(f"DATA_DIR: {data} cannot be used ("), server.log
            assert server.log.count("\n") == 1
            continue
        try:
            fine = [await visit(server, userid) for userid in USERS]
            served += sum(fine)
        finally:
            server.close()
        assert "Traceback" not in server.log, f"page {page}: {server.log}"
    assert served > 0


async def visit(server: Server, userid: str) -> bool:
    """Do everything as that user; gives whether all of it worked."""
    calls: list[tuple[str, str, object]] = [
        ("GET", "/conversations", None),
        ("GET", "/conversations?q=hello", None),
        *(("GET", f"/conversations/{userid}-{number}", None) for number in range(CONVERSATIONS)),
        ("PATCH", f"/conversations/{userid}-1", {"title": "x"}),
        ("POST", "/chat", {"id": f"{userid}-2", "message": "more"}),
        ("POST", "/chat", {"message": "search my documents for the walrus"}),
        ("GET", "/files", None),
        ("GET", "/usage", None),
        ("DELETE", f"/conversations/{userid}-3", None),
    ]
    fine = True
    async with server.client(userid) as client:
        for method, path, body in calls:
            answer = await client.request(method, path, json=body)
            # What a damaged page hides is not there.
            if answer.status_code not in (200, 204, 404):
                assert error_of(answer, answer.status_code)["code"] == CODES[answer.status_code]
                fine = False
    return fine


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["serve", "hypercorn"])
async def test_files_are_indexed_again_once_their_database_is_removed(
    start_server: StartServer, copied: Path, kind: Kind
) -> None:
    (copied / "documents.db").unlink()
    server = start_server(data_dir=copied, kind=kind)
    for userid in USERS:
        async with server.client(userid) as client:
            ((row),) = (await client.get("/files")).json()
            assert (await over(client, row))["status"] == "ready"
            answer = await chat(client, {"message": "search my documents for the walrus"})
            assert f"walrus of {userid} sleeps" in answer.body.decode()
    assert server.log.count("documents.db was not there: 2 files are being indexed again") == 1


@pytest.mark.slow
async def test_other_files_stay_as_they_were(start_server: StartServer, copied: Path) -> None:
    server = start_server(data_dir=copied)
    async with server.client("ann") as client:
        ((row),) = (await client.get("/files")).json()
        assert row["status"] == "ready"
        await say(client, "Hello")
    assert "indexed again" not in server.log
