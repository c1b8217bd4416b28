"""Regenerating and editing: by id, by position, by trigger; what the model is sent, and what is stored after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.harness.answers import Answer, chat, posting
from tests.harness.emulator import said
from tests.harness.world import World
from tests.turn.test_stop import stop, stored

Sent = dict[str, Any]


@dataclass(frozen=True)
class Talk:
    """A conversation of three turns, `one`, `two` and `three`, marked by its test's name."""

    world: World
    user: httpx2.AsyncClient
    id: str

    def says(self, word: str) -> str:
        """A user's message of this test."""
        return f"{word} of {self.id}"

    async def read(self) -> Any:
        """The stored conversation, checked."""
        return await stored(self.user, self.id)

    async def contents(self) -> list[str]:
        """What its messages say."""
        return [message["content"] for message in (await self.read())["messages"]]

    async def ids(self) -> list[str]:
        """The ids of its messages."""
        return [message["id"] for message in (await self.read())["messages"]]

    async def post(self, **body: Any) -> Answer:
        """Another turn of it, as a front end asks for it."""
        answer = await chat(self.user, {"id": self.id, **body})
        assert answer.status == 200, answer.body
        return answer

    async def post_ui(self, **body: Any) -> None:
        """The same as AI SDK 5 asks for it, which is answered by its own protocol."""
        await post_ui(self.user, {"id": self.id, **body})

    def history(self, *words: str) -> list[tuple[str, str]]:
        """What the model is sent for the last of these words."""
        sent: list[tuple[str, str]] = []
        for word in words:
            sent += [("user", self.says(word)), ("assistant", f"You said: {self.says(word)}")]
        return sent[:-1]

    async def check(self, *words: str) -> None:
        """What was sent last, and all that is stored, are of these words; search and count follow."""
        bodies = self.world.emulator.asked(self.says(words[-1]))
        assert said(bodies[-1]) == self.history(*words)
        read = await self.read()
        expected = [content for _, content in self.history(*words)] + [f"You said: {self.says(words[-1])}"]
        assert [message["content"] for message in read["messages"]] == expected
        assert read["message_count"] == 2 * len(words)
        (row,) = [row for row in (await self.user.get("/conversations")).json() if row["id"] == self.id]
        assert row["message_count"] == 2 * len(words)
        for word in ("one", "two", "three", "edited"):
            found = (await self.user.get("/conversations", params={"q": f"said: {self.says(word)}"})).json()
            assert bool(found) == (word in words), word


async def post_ui(client: httpx2.AsyncClient, body: Sent) -> None:
    """A turn as AI SDK 5 asks for it, read to its end."""
    response = await client.post("/chat", json=body)
    assert response.status_code == 200, response.text
    assert response.text.endswith("data: [DONE]\n\n")


@pytest.fixture
async def talk(world: World, user: httpx2.AsyncClient, request: pytest.FixtureRequest) -> Talk:
    """A talk whose user messages have ids of the client's: u1, u2, u3."""
    talk = Talk(world, user, f"talk-{abs(hash(request.node.name))}")
    for number, word in enumerate(("one", "two", "three"), 1):
        await talk.post(message={"id": f"u{number}", "role": "user", "content": talk.says(word)})
    return talk


def v4(talk: Talk, words: Sequence[str]) -> list[Sent]:
    """The list that AI SDK 4 sends when the last of these words is the newest: no ids."""
    sent: list[Sent] = []
    for role, content in talk.history(*words):
        sent.append({"role": role, "content": content, "parts": [{"type": "text", "text": content}]})
        if role == "assistant":
            sent[-1]["parts"].insert(0, {"type": "step-start"})
    return sent


def aui(talk: Talk, words: Sequence[str]) -> dict[str, Any]:
    """The body that assistant-ui sends."""
    messages = [
        {"role": role, "content": [{"type": "text", "text": content}]} for role, content in talk.history(*words)
    ]
    return {
        "system": "",
        "messages": messages,
        "tools": {},
        "unstable_assistantMessageId": "generated-by-the-client",
        "parentId": None,
        "runConfig": {},
    }


def v5(talk: Talk, words: Sequence[str], ids: Sequence[str]) -> list[Sent]:
    """The list that AI SDK 5 to 7 send: ids and parts, no content."""
    return [
        {"id": message_id, "role": role, "parts": [{"type": "text", "text": content}]}
        for message_id, (role, content) in zip(ids, talk.history(*words), strict=False)
    ]


REGENERATED = [("one",), ("one", "two"), ("one", "two", "three")]
EDITED = [("edited",), ("one", "edited"), ("one", "two", "edited")]


@pytest.mark.sampled(5)
@pytest.mark.parametrize("words", REGENERATED + EDITED, ids=" ".join)
async def test_a_message_with_a_known_id_is_answered_again_in_its_place(talk: Talk, words: tuple[str, ...]) -> None:
    place = f"u{len(words)}"
    await talk.post(message={"id": place, "role": "user", "content": talk.says(words[-1])})
    await talk.check(*words)
    assert (await talk.ids())[-2] == place


@pytest.mark.sampled(5)
@pytest.mark.parametrize("words", REGENERATED + EDITED, ids=" ".join)
async def test_ai_sdk_4_is_understood_by_position(talk: Talk, words: tuple[str, ...]) -> None:
    await talk.post(messages=v4(talk, words))
    await talk.check(*words)
    assert (await talk.ids())[-2] == f"u{len(words)}"


@pytest.mark.sampled(5)
@pytest.mark.parametrize("words", REGENERATED + EDITED, ids=" ".join)
async def test_assistant_ui_is_understood_by_position(talk: Talk, words: tuple[str, ...]) -> None:
    await talk.post(**aui(talk, words))
    await talk.check(*words)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("words", REGENERATED, ids=" ".join)
@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
async def test_ai_sdk_5_regenerates_by_its_trigger(talk: Talk, words: tuple[str, ...], named: bool) -> None:
    ids = await talk.ids()
    place = 2 * len(words) - 1
    body: dict[str, Any] = {"trigger": "regenerate-message", "messages": v5(talk, words, ids)}
    if named:
        body["messageId"] = ids[place]
    if named or len(words) == 3:
        await talk.post_ui(**body)
        await talk.check(*words)
        assert (await talk.ids())[place] != ids[place]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("words", EDITED, ids=" ".join)
async def test_ai_sdk_5_edits_by_the_messages_id(talk: Talk, words: tuple[str, ...]) -> None:
    ids = await talk.ids()
    edited = ids[2 * len(words) - 2]
    await talk.post_ui(trigger="submit-message", messageId=edited, messages=v5(talk, words, ids))
    await talk.check(*words)
    assert (await talk.ids())[-2] == edited


async def test_ai_sdk_5s_next_message_is_a_new_turn(talk: Talk) -> None:
    ids = [*await talk.ids(), "u4"]
    words = ("one", "two", "three", "edited")
    await talk.post_ui(trigger="submit-message", messages=v5(talk, words, ids))
    await talk.check(*words)
    assert (await talk.ids())[:7] == ids


async def test_ai_sdk_4s_next_message_is_a_new_turn(talk: Talk) -> None:
    await talk.post(messages=v4(talk, ("one", "two", "three", "edited")))
    await talk.check("one", "two", "three", "edited")


async def test_a_front_end_that_sends_its_last_few_messages_begins_a_new_turn(talk: Talk) -> None:
    await talk.post(messages=v4(talk, ("two", "three", "edited")))
    await talk.check("one", "two", "three", "edited")


async def test_the_same_words_from_curl_are_a_new_turn(talk: Talk) -> None:
    await talk.post(message=talk.says("three"))
    await talk.check("one", "two", "three", "three")


async def test_an_unknown_id_is_a_new_turn(talk: Talk) -> None:
    await talk.post(message={"id": "never-seen", "role": "user", "content": talk.says("edited")})
    await talk.check("one", "two", "three", "edited")


@pytest.mark.slow
async def test_regenerating_again_and_again_keeps_one_answer(talk: Talk) -> None:
    answers = set()
    for _ in range(5):
        await talk.post(messages=v4(talk, ("one", "two")))
        answers.add((await talk.ids())[3])
    await talk.check("one", "two")
    assert len(answers) == 5
    assert talk.world.emulator.asked(talk.says("two")) != []


async def test_an_edited_first_message_gives_the_title_unless_it_was_renamed(talk: Talk) -> None:
    assert (await talk.read())["title"] == talk.says("one")
    await talk.post(messages=v4(talk, ("edited",)))
    assert (await talk.read())["title"] == talk.says("edited")
    await talk.user.patch(f"/conversations/{talk.id}", json={"title": "my own"})
    await talk.post(messages=v4(talk, ("one",)))
    assert (await talk.read())["title"] == "my own"


async def test_a_stopped_answer_is_replaced_by_a_whole_one(talk: Talk) -> None:
    async with posting(talk.user, "speak slowly: cut short", id=talk.id) as stream:
        await stream.until("0")
        await stop(talk.user, talk.id)
    await talk.post(messages=v4(talk, ("one", "two", "three", "edited")))
    await talk.check("one", "two", "three", "edited")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("how", ["id", "position", "trigger"])
async def test_an_image_is_made_again(world: World, user: httpx2.AsyncClient, how: str) -> None:
    conversation_id = f"pictures by {how}".replace(" ", "-")
    for number in (1, 2):
        await chat(
            user,
            {
                "id": conversation_id,
                "mode": "image",
                "message": {"id": f"p{number}", "role": "user", "content": f"picture {number} by {how}"},
            },
        )
    before = await stored(user, conversation_id)
    text = {"type": "text", "text": f"picture 1 by {how}, but blue"}
    bodies: dict[str, dict[str, Any]] = {
        "id": {"message": {"id": "p1", "role": "user", "content": text["text"]}},
        "position": {"messages": [{"role": "user", "content": text["text"], "parts": [text]}]},
        "trigger": {
            "trigger": "submit-message",
            "messageId": "p1",
            "messages": [{"id": "p1", "role": "user", "parts": [text]}],
        },
    }
    body = {"id": conversation_id, "mode": "image", **bodies[how]}
    await (post_ui(user, body) if how == "trigger" else chat(user, body))
    read = await stored(user, conversation_id)
    assert read["messages"][0]["id"] == "p1"
    assert read["message_count"] == 2
    assert read["messages"][0]["content"] == text["text"]
    assert "![Generated Image](" in read["messages"][1]["content"]
    assert read["messages"][1]["content"] != before["messages"][1]["content"]
    assert world.emulator.newest["prompt"] == text["text"]
