"""An answer that is not streamed: one JSON document."""

from ..gateway import content_filter
from .answer import Answer, CallArguments, CallStart, Text
from .chunks import FINGERPRINT, citation_document, logprobs_document, usage_document


def completion(answer: Answer, *, blocked: bool = False, filter_down: bool = False) -> dict[str, object]:
    """The document. `blocked`: the content filter withholds the answer; `filter_down`: there was no filter."""
    choice: dict[str, object] = {
        "content_filter_results": content_filter.ANSWER_BLOCKED if blocked else content_filter.ANSWER_SAFE
    }
    if filter_down:
        choice = {"content_filter_result": content_filter.FILTER_DOWN}
    choice |= {
        "finish_reason": "content_filter" if blocked else answer.finish,
        "index": 0,
        "logprobs": logprobs_document(
            (delta.text for delta in answer.deltas if isinstance(delta, Text)), answer.logprobs
        ),
        "message": _message(answer, blocked),
    }
    return {
        "choices": [{**choice, "index": index} for index in range(answer.choices)],
        "created": answer.created,
        "id": answer.id,
        "model": answer.model,
        "object": "chat.completion",
        "prompt_filter_results": content_filter.PROMPT_RESULTS,
        "system_fingerprint": FINGERPRINT,
        "usage": usage_document(answer),
    }


def _message(answer: Answer, blocked: bool) -> dict[str, object]:
    calls = [delta for delta in answer.deltas if isinstance(delta, CallStart)]
    # A tool call has no text beside it unless the model spoke, and a blocked answer keeps nothing.
    content = None if blocked or (calls and not answer.text) else answer.text
    message: dict[str, object] = {"content": content}
    if answer.citations and not blocked:
        message["annotations"] = [citation_document(one) for one in answer.citations]
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    message |= {"refusal": None, "role": "assistant"}
    if calls and not blocked:
        message["tool_calls"] = [_tool_call(answer, call) for call in calls]
    return message


def _tool_call(answer: Answer, call: CallStart) -> dict[str, object]:
    fragments = (
        delta.fragment for delta in answer.deltas if isinstance(delta, CallArguments) and delta.index == call.index
    )
    said = "".join(fragments)
    if call.custom:
        return {"custom": {"input": said, "name": call.name}, "id": call.id, "type": "custom"}
    return {"function": {"arguments": said, "name": call.name}, "id": call.id, "type": "function"}
