"""A history that outgrows what the model can read: older turns are left out of the request, never of the history."""

from __future__ import annotations

import pytest

from tests.harness.answers import chat
from tests.harness.emulator import said
from tests.turn.conftest import NewWorld
from tests.turn.test_stop import stored


async def test_older_turns_are_left_out_and_an_event_says_so(new_world: NewWorld) -> None:
    world = new_world({"CHAT_CONTEXT_TOKENS": "1000", "SYSTEM_PROMPT": "Be brief."})
    async with world.server.client() as client:
        answers = [
            await chat(client, {"id": "long", "message": f"window {number} " + "word " * 100}) for number in range(4)
        ]
        (body,) = world.emulator.asked(f"window 3 {'word ' * 100}".strip()) or world.emulator.asked(
            f"window 3 {'word ' * 100}"
        )
        read = await stored(client, "long")
    assert [answer.values("2") for answer in answers[:2]] == [[], []]
    assert answers[3].values("2") == [[{"type": "context", "leftOut": 4}]]
    assert answers[3].codes.lstrip("f").startswith("2")
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert [role for role, _ in said(body)] == ["user", "assistant", "user"]
    assert said(body)[0][1].startswith("window 2")
    assert read["message_count"] == 8
    assert read["messages"][0]["content"].startswith("window 0")


TOLD_ONCE = """
rules:
  - when: "refused once"
    times: 1
    fault: {kind: context_length}
  - when: "ten words"
    text: "One two three four five six seven eight nine ten."
  - when: {regex: "^page"}
    text: "Read."
"""


@pytest.mark.slow
async def test_the_limit_in_a_refusal_is_remembered(new_world: NewWorld) -> None:
    world = new_world(script=TOLD_ONCE)
    page = "page " + "x" * 180_000
    async with world.server.client() as client:
        for _ in range(2):
            assert (await chat(client, {"id": "learns", "message": page})).text == "Read."
        # 128,000 is the figure that the emulator names; two pages are 120,000 by our estimate, and three quarters fit.
        refused = await chat(client, {"id": "learns", "message": "refused once"})
        assert refused.errors == []
        assert refused.values("2") == [[{"type": "context", "leftOut": 2}]]
        following = await chat(client, {"id": "learns", "message": "ten words, please"})
        assert following.values("2") == [[{"type": "context", "leftOut": 2}]]
        assert len(world.emulator.asked("refused once")) == 2
        (body,) = world.emulator.asked("ten words, please")
        assert [content for _, content in said(body)[2:]] == [
            "refused once",
            "You said: refused once",
            "ten words, please",
        ]
        assert (await stored(client, "learns"))["message_count"] == 8


@pytest.mark.slow
async def test_one_wrong_estimate_narrows_no_other_conversation(new_world: NewWorld) -> None:
    world = new_world(script=TOLD_ONCE)
    async with world.server.client() as client:
        await chat(client, {"id": "short", "message": "a first turn"})
        # Refused although by our estimate it is far below the figure.
        refused = await chat(client, {"id": "short", "message": "refused once"})
        assert refused.text == "You said: refused once"
        assert refused.values("2") == [[{"type": "context", "leftOut": 2}]]
        for number in range(3):
            other = await chat(client, {"id": "other", "message": f"{number} " + "word " * 200})
            assert other.values("2") == []


@pytest.mark.slow
async def test_a_message_that_is_too_long_by_itself_is_an_error(new_world: NewWorld) -> None:
    world = new_world()
    message = "y" * 600_000
    async with world.server.client() as client:
        await chat(client, {"id": "alone", "message": "before"})
        answer = await chat(client, {"id": "alone", "message": message})
        assert answer.errors == ["Your message is longer than this model can read. Please shorten it."]
        assert answer.codes == "f23ed"
        assert (await stored(client, "alone"))["message_count"] == 4
        # It stays in the history, and is left out from now on.
        following = await chat(client, {"id": "alone", "message": "after it"})
        assert following.text == "You said: after it"
        assert following.values("2") == [[{"type": "context", "leftOut": 4}]]
