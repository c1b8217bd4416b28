"""When a client asks again: too soon, in vain, too often, or while it is being answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .calls import Call

Found = Iterator[tuple[list[int], str]]
REFUSALS = (400, 401, 403, 404, 422)
BUSY = (409, 429, 503)
STORM_CALLS, STORM_MS = 10, 10_000
# A timer may run a little ahead of our clock.
EARLY_MS = 20


def retry_after_ignored(calls: Sequence[Call], everything: Sequence[Call]) -> Found:
    """Calls that came sooner than the answer before had said."""
    for index, busy in enumerate(calls):
        if busy.retry_after is None or busy.is_answered:
            continue
        answered = busy.ended_at or busy.at
        for again in calls[index + 1 :]:
            if not _asks_again(busy, again):
                continue
            waited = (again.at - answered) / 1000
            if waited + EARLY_MS / 1000 < busy.retry_after:
                said = f"call {busy.n}, which said to wait {busy.retry_after:g} s."
                yield [busy.n, again.n], f"Call {again.n} came {waited:.1f} s after {said}"
            break


def _asks_again(busy: Call, again: Call) -> bool:
    if (busy.owner, busy.method, busy.path) != (again.owner, again.method, again.path):
        return False
    same_conversation = busy.conversation is not None and busy.conversation == again.conversation
    return same_conversation or busy.user_texts[-1:] == again.user_texts[-1:]


def retried_refusal(calls: Sequence[Call], everything: Sequence[Call]) -> Found:
    """Refused calls that came again unchanged."""
    for index, refused in enumerate(calls):
        if refused.status not in REFUSALS or (refused.method == "POST" and refused.body is None):
            continue
        for again in calls[index + 1 :]:
            if again.owner != refused.owner:
                continue
            if _is_the_same(refused, again):
                # The journal hides the login: where it is taken now, it was another.
                if refused.status != 401 or again.status == 401:
                    yield (
                        [refused.n, again.n],
                        f"Call {again.n} repeats call {refused.n}, which was a {refused.status}.",
                    )
                break
            # Something else has been changed, and that may have been what was missing.
            if again.method != "GET" and again.is_answered:
                break


def _is_the_same(one: Call, other: Call) -> bool:
    login = "authorization" in one.headers, "api-key" in one.headers
    same_login = login == ("authorization" in other.headers, "api-key" in other.headers)
    return same_login and (one.method, one.path, one.body) == (other.method, other.path, other.body)


def sent_while_running(calls: Sequence[Call], everything: Sequence[Call]) -> Found:
    """Messages to a conversation whose answer was running."""
    for call in calls:
        if call.status == 409:
            yield [call.n], f"Call {call.n} was sent while an answer was running in its conversation."


def busy_storm(calls: Sequence[Call], everything: Sequence[Call]) -> Found:
    """More calls to a busy service than anyone needs, once for each user."""
    by_owner: dict[str, list[Call]] = {}
    for call in calls:
        if call.status in BUSY:
            by_owner.setdefault(call.owner, []).append(call)
    for busy in by_owner.values():
        for first, last in zip(busy, busy[STORM_CALLS:], strict=False):
            if last.at - first.at <= STORM_MS:
                storm = [call.n for call in busy if first.at <= call.at <= first.at + STORM_MS]
                seconds = STORM_MS // 1000
                yield storm, f"{len(storm)} calls within {seconds} s were answered {', '.join(map(str, BUSY))}."
                break
