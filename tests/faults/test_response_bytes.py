"""Trouble below HTTP, and events of odd shapes, where chats are asked over the Responses API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.below_http import meets
from tests.faults.raw_response_rows import CALLS, OWN_ROWS, ROWS
from tests.faults.test_bytes import LIMITS
from tests.harness.answers import chat
from tests.harness.raw_model import STREAM, RawUpstream
from tests.harness.raw_responses import ANSWER, END
from tests.harness.service import Server

BY_NAME = {row.name: row for row in (*ROWS, *OWN_ROWS)}


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    replies = {name: row.pieces for name, row in BY_NAME.items()}
    calls = {name: (STREAM, *pieces, END) for name, pieces in CALLS.items()}
    with RawUpstream({**replies, **calls}, ANSWER) as running:
        yield running


@pytest.fixture(scope="module")
def server(upstream: RawUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # Two steps only: the upstream answers a prompt with the same calls for ever.
    settings = {**upstream.settings, **LIMITS, "AGENT_MAX_STEPS": "2", "OPENAI_API": "responses"}
    with Server(tmp_path_factory.mktemp("raw"), settings) as running:
        yield running


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", BY_NAME)
async def test_trouble_below_http_is_one_error(server: Server, upstream: RawUpstream, name: str) -> None:
    await meets(server, upstream, BY_NAME[name])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", CALLS)
async def test_a_call_is_taken_once_however_it_comes(server: Server, name: str) -> None:
    async with server.client() as client:
        answer = await chat(client, {"message": name})
        again = await chat(client, {"id": answer.conversation_id, "message": "And then?"})
    assert (answer.errors, again.errors, again.text) == ([], [], "fine")
    # One in each of the two steps.
    calls = answer.values("9")
    assert [one["args"] for one in calls] == [{"timezone": "UTC"}] * 2
    assert calls[0]["toolCallId"] == "call_1"
