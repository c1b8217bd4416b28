"""A history that outgrows what the model can read: older turns are left out of the request, never of the history."""

from __future__ import annotations

from typing import Any

import pytest

from mockbackend.agent.context_window import trim
from mockbackend.messages import Message, Part
from tests.running import chat
from tests.turn.conftest import NewWorld
from tests.turn.test_stop import stored
from tests.turn.world import said

ATTACHMENT: Part = {"type": "attachment", "name": "n", "media_type": "text/plain", "text": "x" * 3_000}
CALL: Part = {"type": "tool", "id": "1", "name": "n", "args": {}, "result": {}}


def message(role: Any, tokens: int) -> Message:
    """A message that is estimated at this many tokens."""
    return holding(role, {"type": "text", "text": "x" * (3 * (tokens - 5))})


def holding(role: Any, part: Part) -> Message:
    """A message of this part."""
    return {"id": "m", "role": role, "turn": "t", "at": 0, "parts": [part]}


def turns(*tokens: int) -> list[Message]:
    """Messages of users and assistants in turn, of so many tokens each."""
    return [message("assistant" if index % 2 else "user", one) for index, one in enumerate(tokens)]


@pytest.mark.parametrize(
    ("history", "context", "kept"),
    [
        (turns(), None, 0),
        (turns(100, 100, 100), None, 3),
        (turns(100, 100, 100), 400, 3),
        (turns(100, 100, 100), 399, 1),
        # A turn goes as a whole: its answer alone would fit.
        (turns(100, 100, 100), 300, 1),
        (turns(100, 20, 100, 20, 100), 320, 3),
        # The last turn is always sent, whatever its size.
        (turns(100, 100, 10_000), 400, 1),
        (turns(100, 100, 10_000, 10_000), 400, 2),
        # What lies behind a turn that does not fit is not sent either.
        (turns(10, 10, 10_000, 10, 10), 400, 1),
        ([*turns(10, 10), holding("user", {"type": "picture", "token": "t"}), *turns(10)], 2_000, 4),
        ([*turns(10, 10), holding("user", {"type": "picture", "token": "t"})], 1_100, 1),
        ([holding("user", ATTACHMENT), *turns(10)], 1_200, 1),
        ([message("assistant", 10), *turns(10, 10)], 1_000, 2),
    ],
)
def test_the_newest_whole_turns_that_fit_are_sent(history: list[Message], context: int | None, kept: int) -> None:
    assert trim(history, context) == history[len(history) - kept :]


def test_no_more_messages_are_sent_than_azure_takes() -> None:
    called: list[Part] = [
        {"type": "step"},
        *[CALL] * 7,
        {"type": "step"},
        {"type": "text", "text": ""},
    ]
    answer: Message = {**message("assistant", 10), "parts": called}
    # Ten a turn: its user's message, two of the assistant and seven results.
    history = [one for _ in range(300) for one in (message("user", 10), answer)] + turns(10)
    kept = trim(history, None)
    assert len(kept) == 2 * 199 + 1
    assert kept[0]["role"] == "user"


def test_the_bytes_of_a_text_are_counted_not_its_letters() -> None:
    history = [holding("user", {"type": "text", "text": "日" * 300}), message("assistant", 10), message("user", 10)]
    assert len(trim(history, 434)) == 3
    assert len(trim(history, 432)) == 1


async def test_older_turns_are_left_out_and_the_user_is_told(new_world: NewWorld) -> None:
    world = new_world({"CHAT_CONTEXT_TOKENS": "1000", "SYSTEM_PROMPT": "Be brief."})
    async with world.server.client() as client:
        answers = [
            await chat(client, {"id": "long", "message": f"window {number} " + "word " * 100}) for number in range(4)
        ]
        (body,) = await world.asked(f"window 3 {'word ' * 100}".strip()) or await world.asked(
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


async def test_the_figure_in_the_models_refusal_is_learnt(new_world: NewWorld) -> None:
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
        assert len(await world.asked("refused once")) == 2
        (body,) = await world.asked("ten words, please")
        assert [content for _, content in said(body)[2:]] == [
            "refused once",
            "You said: refused once",
            "ten words, please",
        ]
        assert (await stored(client, "learns"))["message_count"] == 8


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


async def test_a_message_too_long_alone_is_told_so(new_world: NewWorld) -> None:
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
