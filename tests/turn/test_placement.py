"""Where a new message stands in the history: by id, by position, or at the end. A table, in-process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pytest

from mockbackend.messages import Message
from mockbackend.turn.placement import Outline, needs_history, place
from mockbackend.turn.request import ChatRequest, SentMessage


def stored(role: Literal["user", "assistant"], message_id: str, text: str) -> Message:
    return {"id": message_id, "role": role, "turn": "t", "at": 1, "parts": [{"type": "text", "text": text}]}


HISTORY = [
    stored("user", "u1", "one"),
    stored("assistant", "a1", "first"),
    stored("user", "u2", "two"),
    stored("assistant", "a2", "second"),
    stored("user", "u3", "three"),
    stored("assistant", "a3", "third"),
]


def user(text: str, message_id: str | None = None) -> SentMessage:
    return SentMessage("user", text, message_id)


def said(text: str) -> SentMessage:
    return SentMessage("assistant", text)


def whole(*messages: SentMessage) -> ChatRequest:
    """As a client sends it that sends its whole list."""
    return ChatRequest("c", messages, "chat", positional=True)


def plain(*messages: SentMessage) -> ChatRequest:
    """As curl sends it: one message, and no sign of a list."""
    return ChatRequest("c", messages, "chat")


def placed_in(request: ChatRequest, history: Sequence[Message]) -> int:
    """The place in a history that is read in two pieces."""
    outline = Outline.of(request, history[:3])
    outline.add(history[3:])
    return place(request, outline)


@dataclass(frozen=True)
class Case:
    """A request, and how many of the stored messages stay before its last one."""

    request: ChatRequest
    base_length: int
    history: tuple[Message, ...] = tuple(HISTORY)


A1, A2 = said("first"), said("second")
CASES = {
    # By id.
    "a new id is a new turn": Case(whole(user("one", "u1"), A1, user("four", "u4")), 6),
    "a user's id is an edit there": Case(whole(user("one", "u1"), A1, user("new", "u2")), 2),
    "the first user's id is an edit of all": Case(whole(user("new", "u1")), 0),
    "a user's id with the same words is regenerated": Case(whole(user("one", "u1"), A1, user("two", "u2")), 2),
    "an id alone, with no list, is an edit too": Case(plain(user("new", "u3")), 4),
    "an assistant's id answers its user's message again": Case(
        replace(whole(user("one", "u1"), A1, user("two", "u2")), at_message="a2"), 2
    ),
    "a user's messageId is an edit there": Case(replace(plain(user("new")), at_message="u1"), 0),
    "messageId is before the message's own id": Case(replace(whole(user("two", "u3")), at_message="u2"), 2),
    "an unknown messageId leaves it to the message's id": Case(replace(whole(user("new", "u2")), at_message="x"), 2),
    "an unknown messageId and a new id are a new turn": Case(replace(whole(user("new", "x")), at_message="y"), 6),
    "an id is never looked for by position": Case(whole(user("one", "u1"), A1, user("two", "x")), 6),
    # By position.
    "the whole list and one more is a new turn": Case(
        whole(user("one"), A1, user("two"), A2, user("three"), said("third"), user("four")), 6
    ),
    "the whole list without the last answer is regenerated": Case(
        whole(user("one"), A1, user("two"), A2, user("three")), 4
    ),
    "a list cut after its second message is an edit there": Case(whole(user("one"), A1, user("new")), 2),
    "a list of its first message is an edit of all": Case(whole(user("new")), 0),
    "answers are not compared": Case(whole(user("one"), said("something else"), user("new")), 2),
    "answers may be missing": Case(whole(user("one"), user("two"), user("new")), 4),
    "an answer may stand in several messages": Case(whole(user("one"), A1, A1, user("new")), 2),
    "only the last few are a new turn": Case(whole(user("three"), said("third"), user("four")), 6),
    "other words before it are a new turn": Case(whole(user("One"), A1, user("two")), 6),
    "more than there is, and other words, is a new turn": Case(
        whole(*(user(text) for text in ("one", "two", "x", "four"))), 6
    ),
    "more than there is is a new turn": Case(whole(*(user(text) for text in ("one", "two", "three", "x", "y"))), 6),
    # No list.
    "one plain message is a new turn": Case(plain(user("one")), 6),
    "the same plain message twice is a new turn": Case(plain(user("three")), 6),
    # A new conversation.
    "a list of a new conversation keeps nothing": Case(whole(user("one"), A1, user("two")), 0, ()),
    "an id in a new conversation keeps nothing": Case(plain(user("one", "u1")), 0, ()),
    "a messageId in a new conversation keeps nothing": Case(replace(plain(user("one")), at_message="x"), 0, ()),
}


@pytest.mark.parametrize("name", CASES)
def test_a_message_stands_where_its_client_means(name: str) -> None:
    case = CASES[name]
    assert placed_in(case.request, case.history) == case.base_length


@pytest.mark.parametrize("name", CASES)
def test_the_history_is_read_wherever_it_decides(name: str) -> None:
    case = CASES[name]
    assert needs_history(case.request) or case.base_length == len(case.history)


def test_one_plain_message_needs_no_history() -> None:
    assert not needs_history(plain(user("one")))


def test_an_answer_without_its_question_is_answered_from_the_beginning() -> None:
    """A list that came with a new conversation may begin with the assistant's greeting."""
    history = [stored("assistant", "a0", "Welcome"), *HISTORY[:2]]
    assert placed_in(whole(user("new")), history) == 1
    assert placed_in(replace(whole(user("one")), at_message="a0"), history) == 0
    assert placed_in(whole(user("new", "u1")), history) == 1
