"""What a client sends twice, holds for ever, or should not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from .calls import Call

Found = Iterator[tuple[list[int], str]]
DOUBLE_MS = 2000
# What a browser says of a call of its own site, which a proxy there may have passed on with a login.
OWN_SITE = ("same-origin", "none")


def double_send(calls: Sequence[Call], everything: Sequence[Call]) -> Found:
    """The same text, which began a new turn twice."""
    begun = [call for call in calls if call.begins_a_turn and call.user_texts]
    for index, first in enumerate(begun):
        for second in begun[index + 1 :]:
            if second.at - first.at > DOUBLE_MS:
                break
            if (second.owner, second.user_texts[-1]) != (first.owner, first.user_texts[-1]):
                continue
            if not second.replaces(first) and not _was_interrupted(first, second, calls):
                yield [first.n, second.n], f"Call {second.n} sends the text of call {first.n} once more."
            break


def _was_interrupted(first: Call, second: Call, calls: Sequence[Call]) -> bool:
    """Whether something had gone wrong, or was stopped, before the second call."""
    if first.ended_badly and first.ended_at is not None and first.ended_at <= second.at:
        return True
    between = (call for call in calls if first.n < call.n < second.n and call.owner == first.owner)
    return any(call.on == "stop" or call.ended_badly for call in between)


def login_in_the_browser(calls: Sequence[Call], everything: Sequence[Call]) -> Found:
    """Logins that came from a page of another site. One finding has them all."""
    found = [call for call in calls if _is_of_a_browser(call)]
    if found:
        origin = found[0].headers["origin"]
        yield [call.n for call in found], f"The login came from a page of {origin}."


def _is_of_a_browser(call: Call) -> bool:
    origin = call.headers.get("origin", "null")
    if "authorization" not in call.headers or origin == "null":
        return False
    own = urlsplit(origin).netloc == call.headers.get("host")
    return not own and call.headers.get("sec-fetch-site") not in OWN_SITE


def never_released(calls: Sequence[Call]) -> Found:
    """Streams that stood still until their time was over. Both sides of a turn may show the same hold."""
    found = [call for call in calls if call.hold_ran_out]
    turns = {call.turn for call in found if call.side == "front" and call.turn}
    for call in found:
        if call.side == "front" or call.turn not in turns:
            yield [call.n], f"Nobody released call {call.name}."
