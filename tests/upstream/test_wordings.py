"""Other engines' words for what the tables of refusals and of lengths have: read without a server."""

from __future__ import annotations

from typing import Any

import pytest

from mockbackend.errors import ContextExceeded, RequestRefused
from mockbackend.upstream.learned import Learned
from tests.upstream.refusals import Row, error, failure_of

REQUEST: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]},
    ],
    "tools": [{}],
    "reasoning_effort": "low",
    "max_completion_tokens": 8000,
}
# What is learned of each: a parameter or a form.
REFUSED = [
    ("Model grok-4 does not support parameter reasoningEffort.", "reasoning_effort"),
    ("Model has no tool support", "tools"),
    ("This model does not accept image inputs", "images"),
    ("invalid request: image inputs are not supported for this model", "images"),
    ("Image inputs are not allowed for model x", "images"),
    ("invalid params, role system is not allowed", "system message"),
    ("user or tool message(s) should alternate with assistant message(s)", "tool calls"),
    # What is wrong with one image says nothing of the model.
    ("Could not process image", None),
    ("Your image is not allowed.", None),
]
# How much the model can read; None where no number says that.
TOO_LONG = [
    ("the prompt is longer than the context window: 7000 > 4096", 4096),
    ("Request of 7000 tokens is larger than the context of this model (4096 tokens)", 4096),
    ("prompt tokens too long", None),
    ("Your input token exceeds the limit of 4096", 4096),
    ("Prompt and completion tokens exceed limit: 7000 > 4096", 4096),
    ("Exceeded max input length of 4096 tokens. Your prompt has 7000 tokens", 4096),
    ("Requested tokens 7000 exceed the model's limit of 4096", 4096),
    ("max_tokens must be at least 1, got -2904.", None),
]
ANSWER_TOO_LONG = [
    ("max_tokens (8000) exceeds the model limit of 4096 output tokens", 4096),
    ("it has a maxOutputTokens value of 8000 but the supported range is from 1 (inclusive) to 4097 (exclusive)", 4096),
]


def _failure(said: str) -> Exception:
    return failure_of(Row(said, 400, error(said), lambda _: True))


@pytest.mark.parametrize(("said", "learned"), REFUSED)
def test_what_is_refused_is_learned(said: str, learned: str | None) -> None:
    failure = _failure(said)
    assert isinstance(failure, RequestRefused)
    assert Learned().add(failure, REQUEST) == learned


@pytest.mark.parametrize(("said", "limit"), TOO_LONG)
def test_a_length_is_read(said: str, limit: int | None) -> None:
    failure = _failure(said)
    assert isinstance(failure, ContextExceeded)
    assert (failure.limit, failure.answer_too_long) == (limit, False)


@pytest.mark.parametrize(("said", "most"), ANSWER_TOO_LONG)
def test_the_length_of_an_answer_is_read(said: str, most: int) -> None:
    failure = _failure(said)
    assert isinstance(failure, ContextExceeded)
    assert (failure.most_answered, failure.answer_too_long) == (most, True)
