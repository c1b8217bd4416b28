"""Any history that the API can make: what clients send, and answers that ended in every way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from hypothesis import strategies as st

from mockbackend.messages import Message, Part
from mockbackend.storage import Image
from mockbackend.storage.exchanges import exchanges
from mockbackend.upstream.chat.splicing import expanded
from mockbackend.upstream.chat.window import kept, window_messages
from tests.harness.api import png

_words = st.sampled_from(["", " ", "\n", "Hi", "ü\u2028", "a" * 40])
_text = st.builds(lambda text: [{"type": "text", "text": text}], _words)
_asked: st.SearchStrategy[list[Part]] = st.lists(
    st.one_of(
        st.builds(lambda text: {"type": "text", "text": text}, _words),
        st.sampled_from([{"type": "picture", "token": "kept"}, {"type": "picture", "token": "gone"}]),
        st.just({"type": "attachment", "name": "n.txt", "media_type": "text/plain", "text": ""}),
    ),
    max_size=3,
)
_result: st.SearchStrategy[Any] = st.sampled_from(
    [{"time": "12:30"}, "", " ", None, [], "done", {"error": "It was interrupted."}]
)
_engine_data = st.sampled_from(
    [
        {},
        {"reasoning_field": "reasoning_content"},
        {"reasoning_field": "reasoning", "reasoning_details": [{"type": "reasoning.text", "text": "Hm"}]},
    ]
)
_answered = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, _words),
    st.just({"type": "reasoning", "text": "Hm."}),
    st.just({"type": "picture", "token": "made"}),
    st.builds(
        lambda result: {
            "type": "tool",
            "id": "",
            "name": "get_current_time",
            "args": {"timezone": "UTC"},
            "result": result,
        },
        _result,
    ),
)
_step = st.builds(lambda parts: [{"type": "step"}, *parts], st.lists(_answered, max_size=4))
_answer = st.builds(lambda steps: [part for step in steps for part in step], st.lists(_step, max_size=3))
_message = st.one_of(
    st.tuples(st.just("user"), _asked, st.booleans()),
    st.tuples(st.just("assistant"), _answer, st.just(False)),
    st.tuples(st.just("user"), _text, st.just(False)),
)


def _history(drawn: list[tuple[str, list[Any], bool]]) -> list[Message]:
    history: list[Any] = []
    for number, (role, parts, refused) in enumerate(drawn):
        # A turn has one user message and what answers it; a list that began a conversation is of one turn.
        turn = number if role == "user" or not history else history[-1]["turn"]
        parts = [
            {**part, "id": f"call_{number}_{at}"} if part["type"] == "tool" else part for at, part in enumerate(parts)
        ]
        message = {"id": str(number), "role": role, "turn": str(turn), "at": 0, "parts": parts}
        history.append({**message, "refused": True} if refused else message)
    return history


histories: st.SearchStrategy[list[Message]] = st.lists(_message, max_size=8).map(_history)


async def load_image(token: str) -> Image | None:
    """The store's image of that token."""
    return Image("image/png", png()) if token == "kept" else None


async def sent_of(
    history: list[Message], systems: Sequence[str] = (), *, keep: Collection[int] = ()
) -> list[dict[str, Any]]:
    """What a request has of this history; of the exchanges at these places it has what was kept, if anything was.

    The last is the turn's own, of which nothing is kept yet.
    """
    window = exchanges(history)
    window[:-1] = [kept(one, "chat") if one.position in keep else one for one in window[:-1]]
    return expanded(await window_messages(window, list(systems), load_image, "chat"))
