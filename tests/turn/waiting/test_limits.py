"""The limits of a turn and of a day, over all its waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.harness.answers import chat
from tests.harness.emulator import KEY, Emulator, Rule, emulating
from tests.harness.service import Server
from tests.harness.world import World
from tests.turn.waiting.conftest import APP, FORM, Waiting, call, turn
from tests.turn.waiting.test_client_tools import ask, go_on, result, stored

USAGE = {"prompt_tokens": 600, "completion_tokens": 5}
CUT = {"text": "Half", "fault": {"kind": "cut", "after": 1}}
RULES: list[Rule] = [
    {"when": {"equals": "for ever"}, "tool_calls": [call("ask_form", q="1")], "usage": USAGE},
    turn("once", call("ask_form", q="1")),
    {
        "when": {"equals": "draw and ask"},
        "steps": [
            {"tool_calls": [call("generate_image", prompt="a fox"), call("ask_form", q="1")]},
            {"tool_calls": [call("generate_image", prompt="a bear")]},
            {"text": "Done."},
        ],
    },
    {
        "when": {"equals": "cut"},
        "steps": [{"tool_calls": [call("ask_form", q="1")]}, *[CUT] * 3],
    },
]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for all of these tests."""
    with emulating(tmp_path_factory.mktemp("emulator"), RULES, KEY) as emulator:
        yield emulator


Limited = Callable[[dict[str, str]], AbstractAsyncContextManager[Waiting]]


@pytest.fixture
def limited(emulator: Emulator, tmp_path: Path) -> Limited:
    """`limited({...})`: a service with these limits."""

    @asynccontextmanager
    async def start(env: dict[str, str]) -> AsyncIterator[Waiting]:
        settings = {**emulator.settings(image="gpt-image-1"), "RAN_FILE": str(tmp_path / "ran"), **env}
        with Server(tmp_path, settings, app=APP) as server:
            async with server.client() as client:
                yield Waiting(World(emulator, server), client, tmp_path / "ran")

    return start


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("env", "words"),
    [({"AGENT_MAX_STEPS": "2"}, "AGENT_MAX_STEPS"), ({"MAX_TOOL_CALLS_PER_TURN": "1"}, "MAX_TOOL_CALLS_PER_TURN")],
    ids=["steps", "tool calls"],
)
async def test_what_a_turn_may_do_counts_on_over_its_waits(limited: Limited, env: dict[str, str], words: str) -> None:
    async with limited({"AGENT_MAX_STEPS": "3", **env}) as waiting:
        answer = await ask(waiting, "for ever")
        onward = await go_on(waiting, answer, result(answer.values("9")[0]["toolCallId"], 1))
        assert onward.values("d")[0]["finishReason"] != "tool-calls"
        assert words in onward.values("a")[0]["result"]["error"]


@pytest.mark.slow
async def test_what_is_tried_again_is_a_turn_of_its_own(limited: Limited) -> None:
    """What a client has sent is gone on with again where that was cut: not as often as it likes."""
    async with limited({"MAX_TURNS_PER_USER_PER_DAY": "3"}) as waiting:
        answer = await ask(waiting, "cut")
        sent = result(answer.values("9")[0]["toolCallId"], 1)
        tries = [await go_on(waiting, answer, sent) for _ in range(4)]
        assert [one.status for one in tries] == [200, 200, 200, 429]
        assert tries[-1].json()["error"]["code"] == "daily_limit"
        assert (await waiting.client.get("/usage")).json()["turns"] == 3
        assert len(waiting.world.emulator.asked("cut")) == 4


@pytest.mark.slow
async def test_images_count_on_over_its_waits(limited: Limited) -> None:
    async with limited({"MAX_IMAGES_PER_TURN": "1"}) as waiting:
        answer = await ask(waiting, "draw and ask")
        form = next(called["toolCallId"] for called in answer.values("9") if called["toolName"] == "ask_form")
        onward = await go_on(waiting, answer, result(form, 1))
        assert "MAX_IMAGES_PER_TURN" in onward.values("a")[0]["result"]["error"]
        assert (await stored(waiting, answer))[-1]["content"].count("![Generated Image]") == 1


async def test_a_turn_goes_on_on_a_day_whose_turns_are_used_up_but_not_its_tokens(limited: Limited) -> None:
    async with limited({"MAX_TURNS_PER_USER_PER_DAY": "2", "MAX_TOKENS_PER_USER_PER_DAY": "1000"}) as waiting:
        answer, second = await ask(waiting, "once"), await ask(waiting, "for ever")
        assert (await chat(waiting.client, {"message": "Hello", "tools": [FORM]})).status == 429
        onward = await go_on(waiting, answer, result(answer.values("9")[0]["toolCallId"], 1))
        assert onward.errors == []
        following = await go_on(waiting, second, result(second.values("9")[0]["toolCallId"], 1))
        assert following.values("d")[0]["finishReason"] == "tool-calls"
        # By now the tokens are used up: the call stays as it is.
        again = following.values("9")[0]["toolCallId"]
        refused = await go_on(waiting, second, result(again, 1))
        assert (refused.status, refused.json()["error"]["code"]) == (429, "daily_limit")
        assert (await stored(waiting, second))[-1]["toolInvocations"][-1]["state"] == "call"
