"""Trouble below HTTP, and responses of odd shapes: the rows of docs/reliability.md that need exact bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.conftest import StartServer
from tests.faults.below_http import meets
from tests.faults.raw_rows import RAW_ROWS
from tests.harness.answers import Answer, chat
from tests.harness.api import stored
from tests.harness.processes import free_port
from tests.harness.raw_model import ANSWER, STREAM, RawUpstream, Unanswering, calls, choice, event
from tests.harness.service import Server

ROWS = {row.name: row for row in RAW_ROWS}
LIMITS = {
    "UPSTREAM_MAX_TRIES": "2",
    "UPSTREAM_READ_TIMEOUT_SECONDS": "1",
    "UPSTREAM_CONNECT_TIMEOUT_SECONDS": "0.5",
}
CALL = {"id": "a", "type": "function", "function": {"name": "get_current_time", "arguments": '{"timezone": "UTC"}'}}
OTHER = {**CALL, "id": "b", "function": {"name": "get_current_time", "arguments": '{"timezone": "Asia/Tokyo"}'}}
CALLED = event(choice({}, "tool_calls"))
DEEP = '{"timezone": ' + "[" * 250 + "]" * 250 + "}"
TOOL_REPLIES = {
    "calls without an index": (STREAM, calls(CALL), calls(OTHER), CALLED),
    "calls that all have index 0": (STREAM, calls({**CALL, "index": 0}), calls({**OTHER, "index": 0}), CALLED),
    "a name with a dot": (
        STREAM,
        calls({"index": 0, "id": "c", "function": {"name": "functions.f", "arguments": "{}"}}),
        CALLED,
    ),
    "no name": (STREAM, calls({"index": 0, "id": "d", "function": {"arguments": "{}"}}), CALLED),
    "deep arguments": (
        STREAM,
        calls({"index": 0, "id": "e", "function": {"name": "get_current_time", "arguments": DEEP}}),
        CALLED,
    ),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    with RawUpstream({**{row.name: row.pieces for row in RAW_ROWS}, **TOOL_REPLIES}) as running:
        yield running


@pytest.fixture(scope="module")
def server(upstream: RawUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # Two steps only: the upstream answers a prompt with the same calls for ever.
    settings = {**upstream.settings, **LIMITS, "AGENT_MAX_STEPS": "2"}
    with Server(tmp_path_factory.mktemp("raw"), settings) as running:
        yield running


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", ROWS)
async def test_trouble_below_http_is_one_error(server: Server, upstream: RawUpstream, name: str) -> None:
    row = ROWS[name]
    await meets(server, upstream, row)


async def _called(server: Server, prompt: str) -> Answer:
    async with server.client() as client:
        answer = await chat(client, {"message": prompt})
        again = await chat(client, {"id": answer.conversation_id, "message": "And then?"})
    assert (answer.errors, again.errors, again.text) == ([], [], "fine")
    return answer


@pytest.mark.parametrize("name", ["calls without an index", "calls that all have index 0"])
async def test_calls_without_distinct_indexes_are_distinguished_by_id(server: Server, name: str) -> None:
    answer = await _called(server, name)
    first, second = answer.values("9")[:2]
    assert [first["args"], second["args"]] == [{"timezone": "UTC"}, {"timezone": "Asia/Tokyo"}]
    assert [first["toolCallId"], second["toolCallId"]] == ["a", "b"]


@pytest.mark.parametrize(("name", "kept"), [("a name with a dot", "functions_f"), ("no name", "unnamed")])
async def test_a_tool_name_that_the_api_would_refuse_is_replaced(server: Server, name: str, kept: str) -> None:
    answer = await _called(server, name)
    assert answer.values("9")[0]["toolName"] == kept
    assert "There is no tool named" in answer.values("a")[0]["result"]["error"]


async def test_arguments_nested_too_deeply_are_an_error_that_the_model_reads(server: Server) -> None:
    answer = await _called(server, "deep arguments")
    assert answer.values("9")[0]["args"] == {}
    assert "nested too deeply" in answer.values("a")[0]["result"]["error"]


async def test_the_error_of_a_refused_connection_names_the_setting(start_server: StartServer) -> None:
    settings = {"OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1", "OPENAI_MODEL": "m", **LIMITS}
    await _unreachable(start_server(settings))


async def test_the_error_of_a_connection_that_is_never_made_names_the_setting(start_server: StartServer) -> None:
    with Unanswering() as nobody:
        settings = {"OPENAI_BASE_URL": f"http://127.0.0.1:{nobody.port}/v1", "OPENAI_MODEL": "m", **LIMITS}
        await asyncio.wait_for(_unreachable(start_server(settings)), 15)


async def _unreachable(server: Server) -> None:
    async with server.client() as client:
        answer = await chat(client, {"message": "Hello"})
        assert answer.codes == "f23ed"
        assert "cannot be reached" in answer.errors[0]
        assert "OPENAI_BASE_URL" in answer.errors[0]
        assert "127.0.0.1" not in answer.errors[0]
        _, said = await stored(client, answer.conversation_id)
        assert said["annotations"] == [{"type": "incomplete", "error": answer.errors[0]}]


async def test_a_connection_is_reused_after_a_complete_answer(start_server: StartServer) -> None:
    with RawUpstream({"Hello": ANSWER}) as upstream:
        server = start_server(upstream.settings)
        async with server.client() as client:
            answers = [await chat(client, {"message": "Hello"}) for _ in range(3)]
    assert [answer.text for answer in answers] == ["fine"] * 3
