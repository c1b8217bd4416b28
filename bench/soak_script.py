"""The emulator's script for a soak: one rule per fault, chosen by a word in the prompt."""

import json
from dataclasses import dataclass
from typing import get_args

from mockbackend.mock.script.faults import KINDS, ErrorFault, StreamFault, UrlFault

WORDS = tuple(f"w{number} " for number in range(40))
SLOW = "".join(WORDS)
IMAGE_FAULTS = ("image_refused", "image_gone", "image_not_image", "image_huge", "image_redirect", "image_slow")
PARAMETERS: dict[str, list[dict[str, object]]] = {
    "status": [
        {"status": 429, "retry_after_ms": 50},
        {"status": 429, "retry_after": 86400},
        {"status": 500},
        {"status": 503, "body": "html"},
        {"status": 401},
        {"status": 404},
        {"status": 400, "body": "empty"},
    ],
    "refuse": [{"parameter": "temperature"}],
    "prompt_filter": [{"variant": "innererror"}, {"variant": "inner_error"}, {"variant": "none"}],
    "cut": [{"after": 0}, {"after": 2}],
    "end": [{"after": 0}, {"after": 2}],
    "malformed": [{"after": 0}, {"after": 2}],
    "error_event": [{"after": 0}, {"after": 2}],
    "stall": [{"after": 0, "seconds": 600}, {"after": 2, "seconds": 600}],
    "answer_filter": [{"after": 2}],
    "async_filter": [{"block": False}, {"block": True}],
    "image_redirect": [{"to": "http://127.0.0.1:9/"}],
    "image_slow": [{"seconds": 1}],
}


@dataclass(frozen=True, slots=True)
class Case:
    """A fault of the emulator; `word` in a prompt triggers it."""

    word: str
    kind: str
    parameters: dict[str, object]

    @property
    def mode(self) -> str:
        """The mode of the turn that meets the fault."""
        return "image" if self.kind in IMAGE_FAULTS else "chat"

    @property
    def known(self) -> bool:
        """Whether the answer is the usual one, or a beginning of it marked incomplete."""
        return self.kind != "answer_filter"


CASES = tuple(
    Case(f"{kind}-{number}", kind, parameters)
    for kind, fault in KINDS.items()
    # Only faults of chat and images; a turn does not meet those of indexing.
    if fault in get_args(ErrorFault | StreamFault | UrlFault)
    for number, parameters in enumerate(PARAMETERS.get(kind, [{}]))
)


def script() -> str:
    """The script, as JSON, which is YAML."""
    rules: list[dict[str, object]] = [
        {
            "when": f"{case.word} ",
            **({"kind": "image"} if case.mode == "image" else {}),
            "fault": {"kind": case.kind, **case.parameters},
        }
        for case in CASES
    ]
    time = {"name": "get_current_time", "arguments": {"timezone": "Europe/Oslo"}}
    paint = {"name": "generate_image", "arguments": {"prompt": "a fox"}}
    slow = {"text": list(WORDS), "tokens_per_second": 80}
    rules += [
        {"when": "slow ", **slow},
        {"when": "tool ", "steps": [{"tool_calls": [time]}, slow]},
        {"when": "paint ", "steps": [{"tool_calls": [paint, time]}, slow]},
        # A fault after a tool has answered.
        {
            "when": "late ",
            "steps": [{"tool_calls": [time]}, {"text": list(WORDS), "fault": {"kind": "cut", "after": 3}}],
        },
        # A fault in the middle of a call's arguments.
        {"when": "half ", "tool_calls": [paint], "fragment": 3, "fault": {"kind": "cut", "after": 3}},
        {"when": "nonsense ", "tool_calls": [{"name": "no_such_tool", "arguments": "{"}]},
    ]
    return json.dumps({"rules": rules})


def whole_answer(question: str) -> str | None:
    """The full answer to a prompt of the soak; None if it is not predictable."""
    word = question.split(" ")[0]
    case = next((case for case in CASES if case.word == word), None)
    if word in ("slow", "tool", "late"):
        return SLOW
    if word in ("paint", "half", "nonsense", "picture") or (case and (case.mode == "image" or not case.known)):
        return None
    return f"You said: {question}"
