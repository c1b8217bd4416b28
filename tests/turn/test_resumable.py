"""`resumable`: an answer goes on when its client is gone, and can be joined."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.harness.answers import chat, codes_of, joining, posting, text_of
from tests.harness.emulator import Emulator
from tests.harness.service import Server
from tests.harness.waiting import idle
from tests.harness.world import World
from tests.turn.test_stop import stop, stored
from tests.turn.valid import is_incomplete

WHOLE = "".join(f"{number} " for number in range(1, 11))


@pytest.fixture(scope="module")
def by_setting(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service whose answers are resumable where the request says nothing."""
    settings = {**emulator.settings(), "RESUMABLE": "true"}
    with Server(tmp_path_factory.mktemp("resumable"), settings) as server:
        yield server


async def test_a_resumable_answer_ends_by_itself_with_nobody_reading(user: httpx2.AsyncClient, world: World) -> None:
    async with posting(user, "a resumable hello, paint a fox", resumable=True) as stream:
        conversation_id = stream.conversation_id
    await idle(user)
    answer = (await stored(user, conversation_id))["messages"][1]
    assert not is_incomplete(answer)
    assert answer["content"].endswith("Here it is.")
    assert not world.emulator.call("a resumable hello, paint a fox")["aborted"]


async def test_a_tab_that_comes_back_gets_it_all(user: httpx2.AsyncClient) -> None:
    async with posting(user, "count to ten", resumable=True) as stream:
        await stream.until("0")
        conversation_id = stream.conversation_id
    # The user's message is there meanwhile, the running answer is not.
    read = (await user.get(f"/conversations/{conversation_id}")).json()
    assert [message["role"] for message in read["messages"]] == ["user"]
    assert read["message_count"] == 1
    async with joining(user, conversation_id) as joined:
        heard = await joined.rest()
    assert codes_of(heard) == "f0ed"
    assert text_of(heard) == WHOLE
    assert (await stored(user, conversation_id))["messages"][1]["content"] == WHOLE


async def test_a_joiner_that_leaves_too_does_not_end_it(user: httpx2.AsyncClient) -> None:
    async with posting(user, "count to ten", resumable=True) as stream:
        conversation_id = stream.conversation_id
    async with joining(user, conversation_id) as joined:
        await joined.until("0")
    await idle(user)
    assert (await stored(user, conversation_id))["messages"][1]["content"] == WHOLE


async def test_a_resumable_answer_can_be_stopped_with_nobody_reading(user: httpx2.AsyncClient) -> None:
    async with posting(user, "speak slowly: left alone", resumable=True) as stream:
        await stream.until("0")
        conversation_id = stream.conversation_id
    await stop(user, conversation_id)
    assert is_incomplete((await stored(user, conversation_id))["messages"][1])


@pytest.mark.parametrize(("asked", "goes_on"), [(None, True), (False, False)])
async def test_the_setting_decides_where_the_request_says_nothing(
    by_setting: Server, asked: bool | None, goes_on: bool
) -> None:
    sent = {} if asked is None else {"resumable": asked}
    async with by_setting.client() as client:
        async with posting(client, "count to ten", **sent) as stream:
            await stream.until("0")
            conversation_id = stream.conversation_id
        await idle(client)
        answer = (await stored(client, conversation_id))["messages"][1]
        assert (answer["content"] == WHOLE) is goes_on
        assert is_incomplete(answer) is not goes_on


async def test_a_resumable_image_is_made_with_nobody_reading(world: World, user: httpx2.AsyncClient) -> None:
    async with posting(user, "a resumable picture", mode="image", resumable=True) as stream:
        conversation_id = stream.conversation_id
    await idle(user)
    answer = (await stored(user, conversation_id))["messages"][1]
    assert "![Generated Image](" in answer["content"]
    (row,) = world.rows("SELECT token, maker FROM pictures WHERE conversation_id = ?", conversation_id)
    assert row[1] is None
    assert (await user.get(f"/images/{row[0]}")).status_code == 200


async def test_while_it_runs_there_is_no_other_turn(user: httpx2.AsyncClient) -> None:
    async with posting(user, "speak slowly: one at a time", resumable=True) as stream:
        await stream.until("0")
        refused = await chat(user, {"id": stream.conversation_id, "message": "another"})
        assert (refused.status, refused.json()["error"]["code"]) == (409, "conflict")
        await stop(user, stream.conversation_id)
    assert (await stored(user, stream.conversation_id))["message_count"] == 2
