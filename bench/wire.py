"""The bytes of an OpenAI-compatible answer as Azure sends them, encoded in advance."""

import re
from dataclasses import dataclass
from itertools import count

import orjson

MODEL = "gpt-bench-2026-01-01"
SAFE = {"filtered": False, "severity": "safe"}
FILTERS = {"hate": SAFE, "self_harm": SAFE, "sexual": SAFE, "violence": SAFE}
PROMPT_FILTERS = {**FILTERS, "jailbreak": {"filtered": False, "detected": False}}
DIRECTIVE = re.compile(rb"tokens=(\d+)(?: rate=(\d+))?(?: size=(\d+))?")
STREAMED = re.compile(rb'"stream": ?true')
LAST_CHUNK = b"0\r\n\r\n"
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\nx-request-id: bench\r\n\r\n"
)

_serial = count(1)


@dataclass(frozen=True)
class Directive:
    """What a prompt asks for: the number of tokens, tokens a second (0: no pace), and bytes per token."""

    tokens: int = 20
    rate: int = 0
    size: int = 5


def read_directive(body: bytes) -> Directive:
    """Find the last `tokens=N rate=N size=N` in a request; rate and size are optional, their order is fixed."""
    found = DIRECTIVE.search(body, max(body.rfind(b"tokens="), 0))
    if found is None:
        return Directive()
    tokens, rate, size = found.groups()
    return Directive(int(tokens), int(rate or 0), int(size or 5))


def http_chunk(data: bytes) -> bytes:
    """Frame bytes as one chunk of a chunked HTTP body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass(frozen=True)
class Answer:
    """A streamed answer: its head, the event of one token, its tail."""

    head: bytes
    token: bytes
    tail: bytes

    def burst(self, tokens: int) -> bytes:
        """All tokens at once, each event in its own chunk, as from a server that writes event by event."""
        return http_chunk(self.token) * tokens


def streamed(directive: Directive) -> Answer:
    """Encode an answer, with an id of its own, since clients distinguish messages by it."""
    identity = f"chatcmpl-bench{next(_serial):08d}"

    def event(choices: list[object], **more: object) -> bytes:
        chunk = {
            "choices": choices,
            "created": 1_790_000_000,
            "id": identity,
            "model": MODEL,
            "object": "chat.completion.chunk",
            "system_fingerprint": "fp_bench",
            **more,
        }
        return b"data: " + orjson.dumps(chunk) + b"\n\n"

    def choice(delta: object, finish: str | None, filters: object) -> list[object]:
        return [
            {
                "content_filter_results": filters,
                "delta": delta,
                "finish_reason": finish,
                "index": 0,
                "logprobs": None,
            }
        ]

    prompt = {
        "choices": [],
        "created": 0,
        "id": "",
        "model": "",
        "object": "",
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": PROMPT_FILTERS}],
    }
    opening = event(choice({"content": "", "refusal": None, "role": "assistant"}, None, {}))
    ending = event(choice({}, "stop", {})) + event([], usage=usage(directive)) + b"data: [DONE]\n\n"
    return Answer(
        head=http_chunk(b"data: " + orjson.dumps(prompt) + b"\n\n") + http_chunk(opening),
        token=event(choice({"content": word(directive.size)}, None, FILTERS)),
        tail=http_chunk(ending) + LAST_CHUNK,
    )


def unstreamed(directive: Directive) -> bytes:
    """The response to a request that did not ask for a stream."""
    message = {"content": word(directive.size) * directive.tokens, "refusal": None, "role": "assistant"}
    body = orjson.dumps(
        {
            "choices": [{"finish_reason": "stop", "index": 0, "logprobs": None, "message": message}],
            "created": 1_790_000_000,
            "id": f"chatcmpl-bench{next(_serial):08d}",
            "model": MODEL,
            "object": "chat.completion",
            "usage": usage(directive),
        }
    )
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def word(size: int) -> str:
    """A token of `size` bytes, with the leading space that real tokens have."""
    return " " + "w" * (size - 1)


def usage(directive: Directive) -> dict[str, object]:
    """The token counts of an answer."""
    return {
        "completion_tokens": directive.tokens,
        "completion_tokens_details": {"reasoning_tokens": 0},
        "prompt_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 0},
        "total_tokens": directive.tokens + 10,
    }
