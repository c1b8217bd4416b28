"""What a call for chat asks, whichever wire it came by: read loosely, since an engine may take what Azure refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OUTPUTS = ("function_call_output", "custom_tool_call_output")


@dataclass(frozen=True, slots=True)
class History:
    """The last question, its number, and the number of this call of the model since then, both from 1."""

    text: str
    turn: int
    step: int
    tool_result: str | None


def read_history(body: Mapping[str, Any]) -> History:
    """What the body of a call asks."""
    given = body["input"] if "input" in body else body.get("messages")
    said = [_said(item) for item in (given if isinstance(given, list) else [{"role": "user", "content": given}])]
    users = [at for at, (role, _) in enumerate(said) if role == "user"]
    last = users[-1] if users else -1
    answers = [role for role, _ in said[last + 1 :]]
    # Several items may be of one answer of the model.
    steps = sum(
        role == "assistant" and (at == 0 or answers[at - 1] != "assistant" or "messages" in body)
        for at, role in enumerate(answers)
    )
    result = said[-1][1] if said and said[-1][0] == "tool" else None
    return History(said[last][1] if users else "", len(users), steps + 1, result)


def _said(item: object) -> tuple[str, str]:
    """Who has said what."""
    if not isinstance(item, dict):
        return "", ""
    kind = item.get("type", "message")
    if kind in OUTPUTS:
        return "tool", _text(item.get("output"))
    if kind != "message" and "role" not in item:
        return "assistant", ""
    return str(item.get("role")), _text(item.get("content"))


def _text(content: object) -> str:
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return content if isinstance(content, str) else "".join(text for text in texts if isinstance(text, str))
