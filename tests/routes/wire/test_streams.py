"""Faults on the wire of a stream, in each framing, and what the turn has stored nevertheless."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
from collections.abc import Iterator
from itertools import pairwise

import httpx2
import pytest

from tests.harness.api import texts
from tests.harness.service import Server
from tests.harness.waiting import idle, until
from tests.routes.wire.conftest import COUNT, KEEP_ALIVE, Read, answer_of, ask, read

COUNTED = ("assistant", "one two three")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("after", [0, 1, 3, 5, 1000])
async def test_a_cut_sends_so_many_lines(client: httpx2.AsyncClient, protocol: str, after: int) -> None:
    found = await ask(client, "count", f"cut={after}", protocol)
    assert (found.status, found.ending) == (200, "cut")
    assert found.lines(protocol) == COUNT[protocol][:after]
    assert await answer_of(client, found) == COUNTED


@pytest.mark.sampled(5)
@pytest.mark.parametrize("after", [0, 2, 1000])
async def test_an_end_comes_properly_after_so_many_lines(client: httpx2.AsyncClient, protocol: str, after: int) -> None:
    found = await ask(client, "count", f"end={after}", protocol)
    assert (found.lines(protocol), found.ending) == (COUNT[protocol][:after], "whole")
    assert await answer_of(client, found) == COUNTED


@pytest.mark.sampled(2)
async def test_a_slow_turn_that_was_cut_is_stored_whole(client: httpx2.AsyncClient, protocol: str) -> None:
    found = await ask(client, "paced", "cut=3", protocol)
    assert found.lines(protocol)[0] == COUNT[protocol][0]
    assert len(await texts(client, found.conversation_id)) == 1, "it still runs"
    assert await answer_of(client, found) == ("assistant", "a b c d e f g h ")


async def test_a_late_error_ends_the_stream_as_a_failed_one(client: httpx2.AsyncClient, protocol: str) -> None:
    found = await ask(client, "count", "late_error=3", protocol)
    failed = {"data": ['3:"The', 'e:{"fi', 'd:{"fi'], "ui": ["error", "[DONE]"]}
    assert found.lines(protocol) == COUNT[protocol][:3] + failed[protocol]
    assert (b"The mock was asked for this error." in found.body, found.ending) == (True, "whole")
    assert await answer_of(client, found) == COUNTED


@pytest.mark.sampled(2)
async def test_who_leaves_at_an_error_leaves_a_turn_that_runs_on(client: httpx2.AsyncClient, protocol: str) -> None:
    body, asked = {"message": "paced", "id": f"left-{protocol}"}, {"x-mock": "late_error=3,split=2"}
    async with client.stream("POST", f"/chat?protocol={protocol}", json=body, headers=asked) as response:
        read = b""
        async for piece in response.aiter_raw():
            read += piece
            # The rest of the error comes byte after byte.
            if b"The mock" in read:
                break
        found = Read(headers=response.headers)
    assert await answer_of(client, found) == ("assistant", "a b c d e f g h ")


async def test_a_line_comes_twice(client: httpx2.AsyncClient, protocol: str) -> None:
    found = await ask(client, "count", "repeat=2", protocol)
    usual = COUNT[protocol]
    assert found.lines(protocol) == [*usual[:2], usual[1], *usual[2:]]


async def test_a_line_that_nobody_knows_comes_before_another(client: httpx2.AsyncClient, protocol: str) -> None:
    found = await ask(client, "count", "unknown_line=2", protocol)
    usual = COUNT[protocol]
    assert found.lines(protocol) == [usual[0], {"data": 'z:{"un', "ui": "unknown"}[protocol], *usual[1:]]


async def test_results_of_tools_never_come(client: httpx2.AsyncClient, protocol: str) -> None:
    whole = (await ask(client, "clock", None, protocol)).lines(protocol)
    found = await ask(client, "clock", "drop=tool_result", protocol)
    result = {"data": 'a:{"to', "ui": "tool-output-available"}[protocol]
    assert result in whole
    assert found.lines(protocol) == [line for line in whole if line != result]
    assert await answer_of(client, found) == ("assistant", "So late.")


async def test_a_delay_comes_before_the_first_byte(client: httpx2.AsyncClient, protocol: str) -> None:
    found = await ask(client, "slowly", "delay=0.4", protocol)
    assert found.times[0] > 0.4
    assert found.lines(protocol) == COUNT[protocol]
    # Only what is left of the silence has keep-alives.
    most = (found.times[-1] - 0.4) / KEEP_ALIVE + 1
    assert found.body.count(b"2:[]\n") + found.body.count(b": keep-alive") <= most


async def test_a_silence_has_no_keep_alives(client: httpx2.AsyncClient, protocol: str) -> None:
    found = await ask(client, "paced", "silence.after=3,silence.seconds=0.5", protocol)
    gaps = [later - earlier for earlier, later in pairwise(found.times)]
    assert max(gaps) > 0.45
    assert found.ending == "whole"


async def test_a_body_comes_in_small_pieces(client: httpx2.AsyncClient, protocol: str) -> None:
    usual = await ask(client, "smile", None, protocol)
    found = await ask(client, "smile", "split=3", protocol)
    assert found.lines(protocol) == usual.lines(protocol)
    assert max(map(len, found.pieces)) <= 3 or len(found.pieces) > 50
    broken = [piece for piece in found.pieces if "\ufffd" in piece.decode(errors="replace")]
    assert broken, "a character comes in two pieces"


async def test_a_buffered_answer_comes_at_once(client: httpx2.AsyncClient, protocol: str) -> None:
    found = await ask(client, "slowly", "buffered", protocol)
    assert found.times[0] > 0.5
    assert found.times[-1] - found.times[0] < 0.2
    assert found.lines(protocol) == COUNT[protocol]


async def test_faults_stand_together(client: httpx2.AsyncClient) -> None:
    found = await ask(client, "count", "repeat=1,unknown_line=2,silence.after=2,silence.seconds=0.2,cut=3")
    assert found.lines("data") == ['f:{"me', 'f:{"me', 'z:{"un', '0:"one', '0:"two']
    assert found.ending == "cut"


async def test_a_join_meets_faults_of_its_own(client: httpx2.AsyncClient, protocol: str) -> None:
    async with client.stream("POST", f"/chat?protocol={protocol}", json={"message": "paced"}) as whole:
        conversation_id = whole.headers["x-conversation-id"]
        found = await read(client, "GET", f"/chat/{conversation_id}/stream", "cut=2")
        followed = await read(client, "GET", f"/chat/{conversation_id}/stream", "repeat=1")
        await whole.aread()
    assert (len(found.lines(protocol)), found.ending) == (2, "cut")
    assert followed.lines(protocol)[:2] == [COUNT[protocol][0]] * 2
    assert followed.lines(protocol)[-1] == COUNT[protocol][-1]
    assert whole.content.endswith((b"}\n", b"[DONE]\n\n"))


@pytest.fixture(scope="module")
def other(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another process on the same folder."""
    settings = {"MOCK_SCRIPT": str(server.data_dir.parent / "script.yaml"), "KEEP_ALIVE_SECONDS": "0.1"}
    with Server(tmp_path_factory.mktemp("other"), settings, data_dir=server.data_dir) as running:
        yield running


@pytest.mark.slow
async def test_a_join_from_another_process_meets_them_too(
    client: httpx2.AsyncClient, other: Server, protocol: str
) -> None:
    first = {"data": b"f:{", "ui": b'{"type":"start",'}[protocol]
    async with (
        other.client(client.headers["userid"]) as there,
        client.stream("POST", f"/chat?protocol={protocol}", json={"message": "long", "id": f"far-{protocol}"}),
        there.stream("GET", f"/chat/far-{protocol}/stream", headers={"x-mock": "repeat=1"}) as joined,
        asyncio.timeout(20),
    ):
        found = b""
        async for piece in joined.aiter_raw():
            found += piece
            if found.count(first) == 2:
                break


async def test_a_join_without_an_answer_is_what_it_is(client: httpx2.AsyncClient) -> None:
    found = await ask(client, "count")
    assert (await read(client, "GET", f"/chat/{found.conversation_id}/stream", "cut=2")).status == 204
    nothing = await read(client, "GET", f"/chat?chatId={found.conversation_id}", "delay=0.1")
    assert (nothing.status, nothing.body) == (200, b"")


def test_where_there_is_nothing_to_cut_the_connection_is_good_for_another_call(server: Server) -> None:
    login = base64.b64encode(":".join(server.auth).encode()).decode()
    headers = {"authorization": f"Basic {login}", "userid": "another", "x-mock": "cut=2"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        for _ in range(2):
            connection.request("GET", "/chat/nothing/stream", headers=headers)
            response = connection.getresponse()
            assert (response.status, response.read(), response.will_close) == (204, b"", False)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("asked", ["delay=60", "silence.after=1,silence.seconds=60", "hold=1"])
async def test_the_turn_of_a_client_that_leaves_runs_to_its_end(client: httpx2.AsyncClient, asked: str) -> None:
    conversation_id = f"left-{asked[:4]}"

    async def call() -> None:
        body = {"message": "paced", "id": conversation_id}
        async with client.stream("POST", "/chat", json=body, headers={"x-mock": asked}) as response:
            await response.aread()

    async def is_running() -> bool:
        return (await client.get(f"/conversations/{conversation_id}")).status_code == 200

    calling = asyncio.create_task(call())
    await until(is_running)
    calling.cancel()
    found = Read(headers=httpx2.Headers({"x-conversation-id": conversation_id}))
    assert await answer_of(client, found) == ("assistant", "a b c d e f g h ")
    await idle(client)


async def test_a_hold_is_alive(client: httpx2.AsyncClient) -> None:
    pieces: list[bytes] = []
    async with client.stream("POST", "/chat", json={"message": "count"}, headers={"x-mock": "hold=2"}) as response:
        async for piece in response.aiter_raw():
            pieces.append(piece)
            if b"".join(pieces).count(b"2:[]\n") == 2:
                break
    assert b"".join(pieces).count(b"0:") == 1
