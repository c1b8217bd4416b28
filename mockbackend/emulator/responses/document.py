"""The response object, and the items of its output, key by key as Azure sends them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from ...mock import drawn
from ...mock.script.rules import Citation
from ..chat.answer import Answer, CallArguments, CallStart, Delta, Reasoning, Text
from ..chat.chunks import logprobs_document
from ..gateway import content_filter
from .request import ResponseRequest

Document = dict[str, object]
# How the content filter looks at an answer: as a whole, in pieces while it flows, or not at all.
Judged = Literal["whole", "late", "not"]

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
# What a request may set, and what stands in the response if it does not.
ECHOED: Mapping[str, object] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


class OutputItem:
    """An item of the output, as it grows."""

    def __init__(self, first: Delta, request: ResponseRequest) -> None:
        self._request = request
        self.kind = type(first)
        self.start = first if isinstance(first, CallStart) else None
        self.words: list[str] = []
        self.annotations: list[Document] = []
        prefix = "rs" if self.kind is Reasoning else "msg" if self.kind is Text else "fc"
        if self.start is not None and self.start.custom:
            prefix = "ctc"
        self.id = f"{prefix}_{drawn.token_hex(24)}"

    @property
    def text(self) -> str:
        return "".join(self.words)

    def add(self, deltas: Iterable[Delta]) -> None:
        """Take the words of these deltas."""
        for delta in deltas:
            if isinstance(delta, Citation):
                where = {"start_index": 0, "end_index": 0, "url": delta.url, "title": delta.title}
                self.annotations.append({"type": "url_citation", **where})
            elif not isinstance(delta, CallStart):
                self.words.append(delta.fragment if isinstance(delta, CallArguments) else delta.text)

    def takes(self, delta: Delta) -> bool:
        """Whether a delta belongs to this item."""
        if self.start is not None:
            return isinstance(delta, CallArguments)
        return type(delta) is self.kind or (self.kind is Text and isinstance(delta, Citation))

    def part(self) -> Document:
        """The one part of a message, or of a reasoning's summary."""
        if self.kind is Reasoning:
            return {"type": "summary_text", "text": self.text}
        logprobs = self.logprobs(self.words)
        return {"type": "output_text", "annotations": [*self.annotations], "logprobs": logprobs, "text": self.text}

    def logprobs(self, words: list[str]) -> object:
        """The log probabilities of these words; an empty list if nobody asked."""
        document = logprobs_document(words, self._request.chat.logprobs)
        return document["content"] if document else []

    def document(self, status: str) -> Document:
        """The item. One that is in progress has nothing in it yet."""
        begun = status == "in_progress"
        if self.start is not None:
            said = "" if begun else self.text
            call: Document = {"call_id": self.start.id, "name": self.start.name, "status": status}
            if self.start.custom:
                return {"id": self.id, "type": "custom_tool_call", "input": said, **call}
            return {"id": self.id, "type": "function_call", "arguments": said, **call}
        parts = [] if begun else [self.part()]
        if self.kind is Text:
            return {"id": self.id, "type": "message", "status": status, "content": parts, "role": "assistant"}
        reasoning: Document = {"id": self.id, "type": "reasoning", "summary": parts if self._request.summary else []}
        if self._request.encrypted:
            reasoning["encrypted_content"] = "" if begun else f"gAAAA{self.id.removeprefix('rs_')}"
        return reasoning


def output_items(request: ResponseRequest, answer: Answer) -> Iterator[tuple[OutputItem, tuple[Delta, ...]]]:
    """The items of an answer, each with its deltas."""
    deltas = list(answer.deltas)
    if request.chat.call.deployment.is_reasoning and not answer.reasoning:
        # It has thought, and says nothing of it.
        yield OutputItem(Reasoning(""), request), ()
    while deltas:
        item = OutputItem(deltas[0], request)
        count = 1
        while count < len(deltas) and item.takes(deltas[count]):
            count += 1
        yield item, tuple(deltas[:count])
        del deltas[:count]


def whole_output(request: ResponseRequest, answer: Answer) -> list[Document]:
    """The output of a response that is not streamed."""
    output: list[Document] = []
    items = list(output_items(request, answer))
    for item, deltas in items:
        item.add(deltas)
        output.append(item.document(status_of(answer) if len(output) == len(items) - 1 else "completed"))
    return output


def status_of(answer: Answer) -> str:
    """How the response, and the last of its items, ends."""
    return "incomplete" if answer.finish in INCOMPLETE else "completed"


def response_document(request: ResponseRequest, answer: Answer) -> Document:
    """The response as it begins: in progress, without output."""
    body = request.body
    echoed = {key: default if body.get(key) is None else body[key] for key, default in ECHOED.items()}
    if request.chat.call.deployment.is_reasoning:
        echoed |= {"temperature": None, "top_p": None}
    reasoning = body.get("reasoning")
    text = body.get("text")
    return {
        "id": f"resp_{answer.id.removeprefix('chatcmpl-')}",
        "object": "response",
        "created_at": answer.created,
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "content_filters": None,
        "error": None,
        "incomplete_details": None,
        # Azure answers with the deployment's name, not with the model's.
        "model": request.chat.call.deployment.name,
        "output": [],
        "reasoning": {"effort": None, "summary": None, **(reasoning if isinstance(reasoning, dict) else {})},
        "service_tier": "auto",
        "store": request.store,
        "text": {"format": {"type": "text"}, "verbosity": "medium", **(text if isinstance(text, dict) else {})},
        "usage": None,
        **echoed,
    }


def ended(begun: Document, answer: Answer, output: list[Document], judged: Judged = "whole") -> Document:
    """The response as it ends: completed, or incomplete."""
    reason = INCOMPLETE.get(answer.finish)
    return begun | {
        "status": status_of(answer),
        "completed_at": int(drawn.time()),
        "content_filters": _verdicts(answer, judged),
        "incomplete_details": {"reason": reason} if reason else None,
        "output": output,
        "service_tier": "default",
        "usage": {
            "input_tokens": answer.usage.prompt,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": answer.usage.completion,
            "output_tokens_details": {"reasoning_tokens": answer.usage.reasoning},
            "total_tokens": answer.usage.prompt + answer.usage.completion,
        },
    }


def failed(begun: Document, message: str) -> Document:
    """The response as it ends where the model fails."""
    return begun | {"status": "failed", "error": {"code": "server_error", "message": message}}


def _verdicts(answer: Answer, judged: Judged) -> list[Document]:
    """What the content filter says of the prompt, and of the answer or its two halves. Counts characters."""
    length = len(answer.text)
    starts = [0, length // 2] if judged == "late" else [0]
    prompt = {"blocked": False, "source_type": "prompt", "content_filter_results": content_filter.PROMPT_SAFE}
    verdicts: list[Document] = [prompt]
    for start, end in zip(starts, [*starts[1:], length], strict=True):
        blocked = answer.finish == "content_filter" and end == length
        results = content_filter.ANSWER_BLOCKED if blocked else content_filter.ANSWER_SAFE
        verdicts.append(
            {
                "blocked": blocked,
                "source_type": "completion",
                "content_filter_results": content_filter.FILTER_DOWN if judged == "not" else results,
                "content_filter_offsets": {"start_offset": start, "end_offset": end, "check_offset": start},
            }
        )
    return verdicts
