"""Data parts of a running answer: joined from any process, kept by a kill, and gone with their message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from tests.conftest import StartServer
from tests.harness.answers import Stream, chat, joining, posting
from tests.harness.postgres import postgres
from tests.turn.test_stop import stop

FIRST = {"name": "chart", "id": "c1", "data": [1]}
PASSING = {"name": "status", "id": "s1", "data": "half way", "transient": True}
LAST = {"name": "chart", "id": "c1", "data": [1, 2]}
TIME = {"name": "get_current_time", "arguments": {"timezone": "UTC"}}
# Long enough to be written before a kill, which loses the last second.
HEARD = 80
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


def in_a_folder(folder: Path) -> dict[str, str]:
    return {"DATA_DIR": str(folder / "shared")}


def in_a_database(folder: Path) -> dict[str, str]:
    return {"DATABASE_URL": postgres().url(postgres().new_schema()), "DATA_DIR": str(folder / "shared")}


@pytest.fixture(params=[in_a_folder, in_a_database])
def env(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The settings of processes that share what is stored."""
    script = tmp_path / "script.json"
    script.write_bytes(orjson.dumps({"rules": RULES}))
    place: Callable[[Path], dict[str, str]] = request.param
    return {**place(tmp_path), "MOCK_SCRIPT": str(script)}


async def opening(stream: Stream) -> list[tuple[str, Any]]:
    """The lines up to the first word."""
    read: list[tuple[str, Any]] = []
    async for line in stream.lines:
        if line[0] == "0":
            break
        read.append(line)
    return read


async def kept(client: httpx2.AsyncClient) -> list[Any]:
    """The annotations of the stored answer, and its data parts in the other shape."""
    *_, old = (await client.get("/conversations/a")).json()["messages"]
    *_, new = (await client.get("/conversations/a?protocol=ui")).json()["messages"]
    parts = [part for part in new["parts"] if part["type"].startswith("data-")]
    annotations: list[Any] = old.get("annotations", [])
    assert [one for one in annotations if one["type"] != "incomplete"] == parts
    return annotations


async def test_a_join_gets_all_that_was_shown(start_server: StartServer, env: dict[str, str]) -> None:
    first, second = start_server(env), start_server(env)
    async with (
        first.client() as one,
        second.client() as other,
        posting(one, "a chart", id="a") as stream,
    ):
        said = await opening(stream)
        assert [value for code, value in said if code in "28"] == [[shown(one)] for one in (FIRST, PASSING, LAST)]
        async with joining(one, "a") as here, joining(other, "a") as there:
            # The log joins the fragments of a call's arguments.
            assert [line for line in await opening(here) if line[0] != "c"] == [line for line in said if line[0] != "c"]
            assert [line for line in await opening(there) if line[0] != "c"] == [
                line for line in said if line[0] != "c"
            ]
        await stop(one, "a")
        assert await kept(other) == [shown(LAST), {"type": "incomplete"}]


async def test_a_kill_loses_nothing_that_was_kept(start_server: StartServer, env: dict[str, str]) -> None:
    first = start_server(env)
    async with first.client() as client, posting(client, "a chart", id="a") as stream:
        for _ in range(HEARD):
            await stream.until("0")
        first.kill()
    async with start_server(env).client() as client:
        assert await kept(client) == [shown(LAST), {"type": "incomplete"}]
        answer = await chat(client, {"id": "a", "message": "And then?"})
        assert (answer.text, answer.errors) == ("You said: And then?", [])


async def test_what_was_shown_goes_with_its_message(start_server: StartServer, env: dict[str, str]) -> None:
    async with start_server(env).client() as client:
        async with posting(client, "a chart", id="a") as stream:
            await stream.until("0")
            await stop(client, "a")
        assert await kept(client) == [shown(LAST), {"type": "incomplete"}]
        question, _ = (await client.get("/conversations/a")).json()["messages"]
        edited = {"id": question["id"], "role": "user", "content": "Something else"}
        answer = await chat(client, {"id": "a", "messages": [edited]})
        assert answer.text == "You said: Something else"
        assert await kept(client) == []
