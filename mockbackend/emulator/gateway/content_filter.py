"""Verdicts of the content filter, on prompts and on answers, as Azure documents them."""

SAFE: dict[str, object] = {"filtered": False, "severity": "safe"}
BLOCKED: dict[str, object] = {"filtered": True, "severity": "medium"}
NOT_DETECTED: dict[str, object] = {"filtered": False, "detected": False}

ANSWER_SAFE: dict[str, object] = {"hate": SAFE, "self_harm": SAFE, "sexual": SAFE, "violence": SAFE}
ANSWER_BLOCKED: dict[str, object] = {"hate": SAFE, "self_harm": SAFE, "sexual": SAFE, "violence": BLOCKED}
PROMPT_SAFE: dict[str, object] = {
    "hate": SAFE,
    "jailbreak": NOT_DETECTED,
    "self_harm": SAFE,
    "sexual": SAFE,
    "violence": SAFE,
}
DETECTED: dict[str, object] = {"filtered": True, "detected": True}

# Azure sends the keys of an entry in this order, not sorted.
PROMPT_RESULTS: list[dict[str, object]] = [{"prompt_index": 0, "content_filter_results": PROMPT_SAFE}]

FILTER_DOWN: dict[str, object] = {
    "error": {"code": "content_filter_error", "message": "The contents are not filtered"},
}


def prompt_blocked(category: str) -> dict[str, object]:
    """The verdict on a prompt that was refused for this category."""
    return PROMPT_SAFE | {category: DETECTED if category == "jailbreak" else BLOCKED}
