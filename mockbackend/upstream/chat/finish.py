"""Why an answer ended, in any engine's spelling."""

from __future__ import annotations

from typing import Any, Literal

from ...events import FinishReason

# OpenAI's words, then Anthropic's, Google's, Mistral's, Bedrock's and others' by which gateways pass them on.
REASONS: dict[str, FinishReason] = {
    **dict.fromkeys(("stop", "end_turn", "stop_sequence", "finish_reason_stop", "eos_token", "complete"), "stop"),
    **dict.fromkeys(("completed", "end", "finished", "done"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "model_length", "max_output_tokens", "token_limit"), "length"),
    **dict.fromkeys(("model_context_window_exceeded", "context_length_exceeded", "context_limit"), "length"),
    **dict.fromkeys(("content_filter", "contentfilter", "content_filtered", "safety", "recitation"), "content-filter"),
    **dict.fromkeys(("blocklist", "prohibited_content", "spii", "refusal", "sensitive"), "content-filter"),
    **dict.fromkeys(("guardrail_intervened", "image_safety", "language"), "content-filter"),
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call", "tooluse", "toolcalls"), "tool-calls"),
    **dict.fromkeys(("error", "network_error", "insufficient_system_resource", "abort", "aborted"), "error"),
    **dict.fromkeys(("malformed_function_call", "unexpected_tool_call", "cancelled", "canceled"), "error"),
}


def finish_reason(said: Any) -> FinishReason | Literal["other"]:
    """The reason in our words: `other` for one that nobody knows."""
    if isinstance(said, dict):
        said = said.get("type")
    if not isinstance(said, str):
        return "other"
    word = said.strip().lower().replace("-", "_").replace(" ", "_")
    # Google puts the reason after what it was about: `function_call_filter: MALFORMED_FUNCTION_CALL`.
    return REASONS.get(word) or REASONS.get(word.rpartition(":_")[2], "other")
