"""Each corner, met by real clients of each framing by a line at the start of a message; what is stored is whole."""

from __future__ import annotations

from typing import Any

import pytest

from mockbackend.mock.script.corners import CORNERS
from tests.clients.client import Client, OpenPage, until
from tests.clients.conftest import Stored
from tests.clients.faulty import CUT, FAULTED, Outcome, answer_in

PLAIN = "Words, Grüße and a\u2028line — all of them."
EMOJI = "Look: 😀😀😀 👋🏽"
# Their own silence would last as long as it does at those places.
SHORT = " silence.seconds 0.3"
FILTER = "The content filter refused the request"
# The question, and what becomes of it.
MET = {
    "empty_choices_first": ("plain", Outcome(PLAIN)),
    "async_filter": ("plain", Outcome(PLAIN)),
    "filter_mid_answer": ("plain", Outcome("Words, Grüße and")),
    "prompt_refused": ("plain", Outcome("", FILTER)),
    "jailbreak": ("plain", Outcome("", FILTER)),
    "retry_after_a_day": ("plain", Outcome("", "used up for the next 24 hours")),
    "deployment_not_found": ("plain", Outcome("", "deployment was not found")),
    "reasoning_model_refuses_temperature": ("plain", Outcome(PLAIN)),
    "gpt_image_refuses_response_format": ("a fox", Outcome("![Generated Image](")),
    "dalle_retired": ("a fox", Outcome("", "refused the request")),
    "context_length": ("plain", Outcome("", "longer than this model can read")),
    "tokens_per_minute_exceeded": ("plain", Outcome("", "try again in 60 seconds")),
    "account_blocked": ("plain", Outcome("", "blocked this account")),
    "app_service_idle_230_s": ("plain", Outcome("Words,", CUT)),
    "load_balancer_idle_60_s": ("plain", Outcome("Words,", CUT)),
    "proxy_buffers": ("plain", Outcome(PLAIN)),
    "cut_in_an_emoji": ("an emoji", Outcome(EMOJI)),
}


@pytest.fixture(params=FAULTED, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    """Both framings, and both kinds of client."""
    chosen: Client = request.param
    return chosen


def test_every_corner_is_met() -> None:
    assert set(MET) == set(CORNERS)


@pytest.mark.parametrize("corner", CORNERS)
def test_a_client_meets_the_corner(client: Client, open_page: OpenPage, stored: Stored, corner: str) -> None:
    question, outcome = MET[corner]
    typed = f"/mock corner {corner}{SHORT if 'idle' in corner else ''}\n{question}"
    page = open_page()
    page.act("send", text=typed, body={"mode": "image"} if question == "a fox" else {})
    held = page.wait(status=outcome.status)
    assert answer_in(held).startswith(outcome.words)
    assert (outcome.error or "") in (held.get("error") or "")
    asked, answered = until(stored, lambda messages: len(messages) == 2)
    assert words(asked) == typed
    # What broke between the service and the client is whole where it is stored.
    kept = PLAIN if outcome.error == CUT else outcome.words
    assert words(answered).startswith(kept)
    if corner == "filter_mid_answer":
        assert "content-filter" in str(held["finished"])
    if outcome.error not in (None, CUT):
        assert outcome.error in str(answered)


def words(message: dict[str, Any]) -> str:
    """The words of a stored message."""
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")
