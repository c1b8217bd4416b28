"""Data parts of a turn that waits: they stay, are replaced when it goes on, and are limited over all of it."""

from __future__ import annotations

from typing import Any

from mockbackend.messages import Message
from mockbackend.turn.chat import before_words
from tests.harness.answers import Answer
from tests.turn.waiting.conftest import Waiting
from tests.turn.waiting.test_approval import ask as asked_for
from tests.turn.waiting.test_approval import last, of_assistant, post, responded, types
from tests.turn.waiting.test_client_tools import ask, go_on, result, stored

CHART = {"type": "data-chart", "id": "a", "data": {"of": "a"}}


def form_of(answer: Answer) -> str:
    """The id of the form's call."""
    (found,) = (called["toolCallId"] for called in answer.values("9") if called["toolName"] == "ask_form")
    return str(found)


async def test_what_was_shown_stays_while_a_turn_waits_and_after_it(waiting: Waiting) -> None:
    answer = await ask(waiting, "a chart and a form")
    assert answer.values("8") == [[CHART]]
    assert (await stored(waiting, answer))[-1]["annotations"] == [CHART]
    onward = await go_on(waiting, answer, result(form_of(answer), "yes"))
    assert (onward.text, onward.values("8")) == ("All done.", [])
    assert (await stored(waiting, answer))[-1]["annotations"] == [CHART]


async def test_the_limits_count_on_over_the_waits_of_a_turn(waiting: Waiting) -> None:
    answer = await ask(waiting, "charts around a form")
    onward = await go_on(waiting, answer, result(form_of(answer), "yes"))
    assert (onward.text, onward.errors) == ("Done.", [])
    # Another would be one too many; the one that was shown before is replaced.
    assert onward.values("8") == [[CHART]]
    refused, replaced = [returned["result"] for returned in onward.values("a")][-2:]
    assert "MAX_DATA_PARTS_PER_TURN" in refused["error"]
    assert replaced == "shown"
    assert (await stored(waiting, answer))[-1]["annotations"] == [CHART]


async def test_a_tool_that_runs_after_a_yes_shows_data_before_the_next_step(waiting: Waiting) -> None:
    (asked,) = await asked_for(waiting, "ticket", "a ticket")
    chunks = await post(waiting, {"id": "ticket", "messages": [of_assistant(responded(asked, approved=True))]})
    assert types(chunks)[:5] == ["start", "data-status", "data-ticket", "tool-output-available", "start-step"]
    assert chunks[2] == {"type": "data-ticket", "id": "t", "data": {"for": "Oslo"}}
    parts = (await last(waiting, "ticket"))["parts"]
    assert [part["type"] for part in parts] == ["step-start", "tool-book", "data-ticket", "step-start", "text"]


def test_what_the_engine_wants_back_of_the_last_step_with_calls_is_sent_again() -> None:
    call: Any = {"type": "tool", "id": "1", "name": "f", "args": {}, "result": 1}
    kept: Any = [{"type": "step"}, call, {"type": "engine", "data": {"calls": {"1": {"signature": "s"}}}}]
    broken: Any = [{"type": "step"}, {"type": "text", "text": "It broke"}]
    answer: Message = {"id": "m", "role": "assistant", "turn": "t", "at": 1, "parts": [*kept, *broken]}
    assert before_words(answer)["parts"] == kept
    assert before_words({**answer, "parts": broken})["parts"] == []
