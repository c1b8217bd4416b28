"""What a client sends of the conversation so far, and what it reads of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .calls import Call, Message
from .waiting import answers_of, results_in

Found = Iterator[tuple[list[int], str]]
# States of a tool call that has its result, in AI SDK 4 and in later ones.
WITH_RESULT = ("result", "output-available", "output-error", "output-denied")
IMAGES = ("image", "image_url", "input_image")


def id_lost(calls: Sequence[Call], everything: Sequence[Call]) -> Found:
    """Lists whose answer was given in one conversation, and which came to a new one."""
    earlier: list[Call] = []
    for call in calls:
        if not call.begins_a_turn:
            continue
        known = {other.conversation for other in earlier if other.owner == call.owner}
        if call.asked_in is None or call.asked_in not in known:
            # Where the journal does not know the conversation of an answer, the id may be that.
            sources = (other for other in reversed(earlier) if other.conversation or not call.asked_in)
            source = next((other for other in sources if _continues(call, other)), None)
            if source:
                yield (
                    [source.n, call.n],
                    f"Call {call.n} holds the answer of call {source.n}, and begins another conversation.",
                )
        earlier.append(call)


def _continues(call: Call, other: Call) -> bool:
    """Whether the list goes on after the messages of the other call and an answer to them."""
    if other.owner != call.owner or not other.user_texts:
        return False
    count = len(other.user_texts)
    if call.user_texts[:count] != other.user_texts or len(call.user_texts) == count:
        return False
    return _answer_after(call.messages, count) is not None


def _answer_after(messages: Sequence[Message], count: int) -> Message | None:
    """What stands between that many messages of the user and the next one, if it is an answer."""
    seen = 0
    for message in messages:
        if message.role == "user":
            seen += 1
            if seen > count:
                return None
        elif message.role == "assistant" and seen == count:
            return message
    return None


def cut_taken_as_whole(calls: Sequence[Call], everything: Sequence[Call]) -> Found:
    """Lists that hold what was received of a cut answer, with nothing that says so."""
    for index, cut in enumerate(calls):
        if cut.state != "cut" or cut.on not in ("chat", "join") or cut.conversation is None:
            continue
        for call in calls[index + 1 :]:
            if call.owner != cut.owner or call.conversation != cut.conversation:
                continue
            if call.on in ("join", "conversations") and call.is_answered:
                # It has read the whole answer.
                break
            if call.on != "chat":
                continue
            answer = _last_answer(call)
            if answer is not None and not call.replaces(cut) and not _says_incomplete(answer):
                yield [cut.n, call.n], f"Call {call.n} holds the answer of call {cut.n}, which was cut, as a whole one."
            break


def _last_answer(call: Call) -> Message | None:
    *before, last = call.messages or [Message("user", "", None, {})]
    if last.role != "user" or not before or before[-1].role != "assistant":
        return None
    return before[-1]


def _says_incomplete(answer: Message) -> bool:
    """Whether the message is marked: by the AI SDK's state of its last text, or by what the page notes on it."""
    texts = [part for part in _parts(answer) if part.get("type") == "text"]
    if texts and texts[-1].get("state") == "streaming":
        return True
    status, metadata = answer.value.get("status"), answer.value.get("metadata")
    noted = status if isinstance(status, dict) else {}
    marks = (noted.get("type"), *(metadata.values() if isinstance(metadata, dict) else ()))
    return any(mark in ("incomplete", "error", "aborted", "cut") for mark in marks if isinstance(mark, str)) or (
        isinstance(metadata, dict) and bool(metadata.get("incomplete"))
    )


def never_rejoined(calls: Sequence[Call], everything: Sequence[Call]) -> Found:
    """Resumable turns that were left, and whose history was read while they ran on."""
    for left in calls:
        if left.on != "chat" or left.state != "client_gone" or left.ended_at is None or left.turn is None:
            continue
        if not isinstance(left.body, dict) or not left.body.get("resumable"):
            continue
        ends = [call.ended_at for call in everything if call.side == "model" and call.turn == left.turn]
        if not ends or None in ends:
            # It runs on, and may be joined yet.
            continue
        end = max(end for end in ends if end is not None)
        meanwhile = [
            call
            for call in calls
            if left.ended_at <= call.at < end and (call.owner, call.conversation) == (left.owner, left.conversation)
        ]
        reads = [call for call in meanwhile if call.on == "conversations" and call.method == "GET"]
        if reads and not any(call.on == "join" for call in meanwhile):
            words = (
                f"Call {left.n} was left, and call {reads[0].n} read its conversation, but nobody joined the answer."
            )
            yield [left.n, reads[0].n], words


def poisoned_history(calls: Sequence[Call], everything: Sequence[Call]) -> Found:
    """Lists that a model API refuses for ever. A call that the service has stored as open may have no result."""
    opened: dict[tuple[str, str | None], set[str]] = {}
    for call in calls:
        if call.on != "chat":
            continue
        may_wait = opened.setdefault((call.owner, call.conversation), set())
        results = {one for message in call.messages if message.role == "tool" for one in results_in(message)}
        answered = {*results, *may_wait, *answers_of(call)}
        for message in call.messages:
            if message.role != "assistant":
                continue
            if any(_has_no_result(part, answered) for part in _calls_of(message)):
                yield [call.n], f"Call {call.n} holds a tool call without a result."
                break
            if any(_is_image(part) for part in _parts(message)):
                yield [call.n], f"Call {call.n} holds an image as a part of an assistant's message."
                break
        may_wait.update(call.open_calls)


def _parts(message: Message) -> list[Mapping[str, Any]]:
    listed = [message.value.get(key) for key in ("parts", "content")]
    return [part for parts in listed if isinstance(parts, list) for part in parts if isinstance(part, dict)]


def _calls_of(message: Message) -> list[Mapping[str, Any]]:
    """Tool calls as OpenAI, AI SDK 4 and later ones, and assistant-ui write them."""
    listed = [message.value.get(key) for key in ("tool_calls", "toolInvocations")]
    found: list[Mapping[str, Any]] = []
    found += [call for calls in listed if isinstance(calls, list) for call in calls if isinstance(call, dict)]
    for part in _parts(message):
        kind = str(part.get("type") or "")
        if kind == "tool-invocation":
            found.append(part.get("toolInvocation") or {})
        elif kind.startswith("tool-") or kind == "dynamic-tool":
            found.append(part)
    return found


def _has_no_result(call: Mapping[str, Any], answered: set[str]) -> bool:
    if str(call.get("id" if "function" in call else "toolCallId")) in answered:
        return False
    if "function" in call:
        return True
    state = call.get("state")
    if state is not None:
        return state not in WITH_RESULT
    return call.get("result") is None and call.get("output") is None


def _is_image(part: Mapping[str, Any]) -> bool:
    kind = part.get("type")
    media = str(part.get("mediaType") or part.get("mimeType") or "")
    return kind in IMAGES or (kind == "file" and media.startswith("image/"))
