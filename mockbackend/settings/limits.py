"""The limits among the settings, and the page about them: `python -m mockbackend.settings.limits > docs/limits.md`."""

from __future__ import annotations

import dataclasses
from typing import Any

from .fields import Settings

INTRODUCTION = """# Limits

Each limit is a setting, and each refusal names it in its words. `env.sample` has all settings; this page is made from
them.

What a user's chats and images spend in a day is counted in all processes, and stays counted when a conversation is
deleted. A turn belongs to the day (UTC) in which it began. It counts by what the model API reports, else by an
estimate; stopped, cut and killed turns count as well. An image counts as one, whatever tokens it took. Once a limit of
the day is reached, it refuses what would add to it, so a day exceeds its limit by at most the calls that were under
way. `GET /usage` shows the caller's day.

A limit of the cost needs the prices of what is used: `PRICE_PER_MILLION_INPUT_TOKENS`,
`PRICE_PER_MILLION_OUTPUT_TOKENS` and, where there are images, `PRICE_PER_IMAGE`, in one currency.

The tokens of embedding calls, for documents and for searches in them, are counted apart and are part of the cost, at
`PRICE_PER_MILLION_EMBEDDING_TOKENS`, or the price of input tokens where that is unset. They are no part of
`MAX_TOKENS_PER_USER_PER_DAY`. Once the cost is reached, searches look for words alone, and a document fails with a row
that names the limit. What a change of the model embeds once more is counted, and not refused.

What is not counted, and has no limit of its own:

- The text of conversations, and the text and vectors that the index keeps of documents, are not part of
  `MAX_USER_BYTES`: documents and images as they were sent are. `MAX_CONVERSATIONS_PER_USER`,
  `MAX_CONVERSATION_MESSAGES` and `MAX_MESSAGE_CHARACTERS` bound the one, `MAX_FILES_PER_USER` and
  `MAX_DOCUMENT_CHARACTERS` the other.
- Nor has one conversation a limit of bytes. It is read and sent a piece at a time, and a request to the model has the
  newest part of it, at most about 7,500,000 tokens.
- A message that the model refuses, as too long for example, is stored, and counts as a turn with the tokens that the
  model API reports for it, which may be none.

The last line of a stopped answer may say 0 tokens, since the model API reported none; the day counts an estimate. While
a file arrives, it is counted with what is stored and what its own process receives; its end decides.

Of a JSON body the first 64 kB are free of `MAX_INCOMING_BYTES_PER_USER` and `MAX_INCOMING_BYTES`, and one body of
`MAX_BODY_BYTES` always fits. From its second minute on, at least 128 kB of a body or upload must arrive in each minute
of waiting for it, else it is a 408.
"""

FAILED_ROW = "the file is refused: a failed row"
# By heading: what happens beyond each limit.
LIMITS: dict[str, dict[str, str]] = {
    "Of one turn": {
        "max_tool_calls_per_turn": "an error as the call's result; the turn goes on",
        "max_images_per_turn": "an error as the call's result; the turn goes on",
        "max_data_parts_per_turn": "an error in the tool, and unless it catches that as the call's result",
        "max_data_bytes_per_turn": "an error in the tool, and unless it catches that as the call's result",
        "agent_max_steps": "the last model call may not call tools",
        "tool_timeout_seconds": "an error as the call's result; the turn goes on",
        "max_turn_seconds": "the turn ends with a `3:` line",
        "max_image_bytes": "an error as the call's result, a `3:` line, or a 422 for attachments",
    },
    "Of what a user keeps": {
        "max_user_bytes": "a failed row; 422 `quota` for an attachment; an error result or a `3:` line for an image",
        "max_files_per_user": FAILED_ROW,
        "max_conversations_per_user": "422; nothing is deleted",
        "max_conversation_messages": "422",
    },
    "Of a user's day (UTC)": {
        "max_turns_per_user_per_day": "429 `daily_limit`",
        "max_tokens_per_user_per_day": "429 `daily_limit` before a turn, a `3:` line within one",
        "max_images_per_user_per_day": "429 `daily_limit` before a turn, a `3:` line within one",
        "max_cost_per_user_per_day": "429 `daily_limit` before a turn, a `3:` line within one",
    },
    "Of what runs at once": {
        "max_running_turns_per_user": "429 `too_many_turns`",
        "max_running_turns": "429 `too_many_turns`",
        "max_joins_per_user": "429 `too_many_joins`",
        "max_incoming_bytes_per_user": "429 `too_many_bytes`",
        "max_incoming_bytes": "429 `too_many_bytes`",
    },
    "Of one request": {
        "max_body_bytes": "413",
        "max_message_characters": "422",
    },
    "Of one upload and one document": {
        "max_files_per_upload": FAILED_ROW,
        "max_file_bytes": FAILED_ROW,
        "max_document_pages": "the document fails",
        "max_document_characters": "what is beyond is left out, and the `notice` of its row says so",
        "extraction_seconds": "the document fails",
        "extraction_memory_bytes": "the document fails",
    },
}


def page() -> str:
    """The page, in Markdown."""
    fields = {field.name: field for field in dataclasses.fields(Settings)}
    parts = [INTRODUCTION]
    for heading, limits in LIMITS.items():
        rows = [
            f"| `{name.upper()}` | {_default(fields[name].default)} | {fields[name].metadata['meaning']} | {beyond} |\n"
            for name, beyond in limits.items()
        ]
        parts.append(f"\n## {heading}\n\n| setting | default | what it limits | beyond it |\n|---|---|---|---|\n")
        parts += rows
    return "".join(parts)


def _default(value: Any) -> str:
    return "none" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:g}"


if __name__ == "__main__":
    print(page(), end="")
