"""Data parts of a running answer: joined from any process, kept by a kill, and gone with their message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import orjson
import pytest

from tests.conftest import StartServer
from tests.harness.answers import Stream, chat, joining, posting
from tests.harness.postgres import postgres
from tests.harness.service import Server
from tests.turn.test_stop import stop

FIRST = {"name": "chart", "id": "c1", "data": [1]}
PASSING = {"name": "status", "id": "s1", "data": "half way", "transient": True}
LAST = {"name": "chart", "id": "c1", "data": [1, 2]}
TIME = {"name": "get_current_time", "arguments": {"timezone": "UTC"}}
# Long enough to be written before a kill, which loses the last second.
HEARD = 50
RULES: list[dict[str, Any]] = [
    {
        "when": "a chart",
        "steps": [
            {"tool_calls": [TIME], "data_parts": [FIRST, PASSING]},
            {"text": [f"word{number} " for number in range(400)], "tokens_per_second": 40, "data_parts": [LAST]},
        ],
    },
]


def shown(part: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"data-{part['name']}", "id": part["id"], "data": part["data"]}


@pytest.fixture(scope="module", params=["in a folder", pytest.param("in a database", marks=pytest.mark.slow)])
def env(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of processes that share what is stored."""
    folder = tmp_path_factory.mktemp("shared")
    script = folder / "script.json"
    script.write_bytes(orjson.dumps({"rules": RULES}))
    settings = {"DATA_DIR": str(folder / "shared"), "MOCK_SCRIPT": str(script)}
    with ExitStack() as stack:
        if request.param == "in a database":
            settings["DATABASE_URL"] = postgres().url(stack.enter_context(postgres().schema()))
        yield settings


@pytest.fixture(scope="module")
def servers(env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Two of them."""
    with Server(tmp_path_factory.mktemp("one"), env) as one, Server(tmp_path_factory.mktemp("other"), env) as other:
        yield one, other


async def opening(stream: Stream) -> list[tuple[str, Any]]:
    """The lines up to the first word."""
    read: list[tuple[str, Any]] = []
    async for line in stream.lines:
        if line[0] == "0":
            break
        read.append(line)
    return read


async def kept(client: httpx2.AsyncClient, conversation_id: str) -> list[Any]:
    """The annotations of the stored answer, and its data parts in the other shape."""
    *_, old = (await client.get(f"/conversations/{conversation_id}")).json()["messages"]
    *_, new = (await client.get(f"/conversations/{conversation_id}?protocol=ui")).json()["messages"]
    parts = [part for part in new["parts"] if part["type"].startswith("data-")]
    annotations: list[Any] = old.get("annotations", [])
    assert [one for one in annotations if one["type"] != "incomplete"] == parts
    return annotations


async def test_a_join_gets_all_that_was_shown(servers: tuple[Server, Server]) -> None:
    first, second = servers
    async with (
        first.client() as one,
        second.client() as other,
        posting(one, "a chart", id="joined") as stream,
    ):
        said = await opening(stream)
        assert [value for code, value in said if code in "28"] == [[shown(one)] for one in (FIRST, PASSING, LAST)]
        async with joining(one, "joined") as here, joining(other, "joined") as there:
            # The log joins the fragments of a call's arguments.
            assert [line for line in await opening(here) if line[0] != "c"] == [line for line in said if line[0] != "c"]
            assert [line for line in await opening(there) if line[0] != "c"] == [
                line for line in said if line[0] != "c"
            ]
        await stop(one, "joined")
        assert await kept(other, "joined") == [shown(LAST), {"type": "incomplete"}]


@pytest.mark.slow
async def test_a_kill_loses_nothing_that_was_kept(
    start_server: StartServer, env: dict[str, str], servers: tuple[Server, Server]
) -> None:
    first = start_server(env)
    async with first.client() as client, posting(client, "a chart", id="killed") as stream:
        for _ in range(HEARD):
            await stream.until("0")
        first.kill()
    async with servers[1].client() as client:
        assert await kept(client, "killed") == [shown(LAST), {"type": "incomplete"}]
        answer = await chat(client, {"id": "killed", "message": "And then?"})
        assert (answer.text, answer.errors) == ("You said: And then?", [])


async def test_what_was_shown_goes_with_its_message(servers: tuple[Server, Server]) -> None:
    async with servers[0].client() as client:
        async with posting(client, "a chart", id="edited") as stream:
            await stream.until("0")
            await stop(client, "edited")
        assert await kept(client, "edited") == [shown(LAST), {"type": "incomplete"}]
        question, _ = (await client.get("/conversations/edited")).json()["messages"]
        edited = {"id": question["id"], "role": "user", "content": "Something else"}
        answer = await chat(client, {"id": "edited", "messages": [edited]})
        assert answer.text == "You said: Something else"
        assert await kept(client, "edited") == []
