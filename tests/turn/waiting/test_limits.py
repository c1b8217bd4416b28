"""The limits of a turn and of a day, over all its waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.answers import chat
from tests.harness.emulator import Rule
from tests.harness.world import start_world
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


@pytest.mark.parametrize(
    ("env", "words"),
    [({"AGENT_MAX_STEPS": "2"}, "AGENT_MAX_STEPS"), ({"MAX_TOOL_CALLS_PER_TURN": "1"}, "MAX_TOOL_CALLS_PER_TURN")],
    ids=["steps", "tool calls"],
)
async def test_what_a_turn_may_do_counts_on_over_its_waits(tmp_path: Path, env: dict[str, str], words: str) -> None:
    env = {"RAN_FILE": str(tmp_path / "ran"), "AGENT_MAX_STEPS": "3", **env}
    with start_world(tmp_path, RULES, env, APP) as world:
        async with world.server.client() as client:
            waiting = Waiting(world, client, tmp_path / "ran")
            answer = await ask(waiting, "for ever")
            onward = await go_on(waiting, answer, result(answer.values("9")[0]["toolCallId"], 1))
            assert onward.values("d")[0]["finishReason"] != "tool-calls"
            assert words in onward.values("a")[0]["result"]["error"]


async def test_what_is_tried_again_is_a_turn_of_its_own(tmp_path: Path) -> None:
    """What a client has sent is gone on with again where that was cut: not as often as it likes."""
    env = {"RAN_FILE": str(tmp_path / "ran"), "MAX_TURNS_PER_USER_PER_DAY": "3"}
    with start_world(tmp_path, RULES, env, APP) as world:
        async with world.server.client() as client:
            waiting = Waiting(world, client, tmp_path / "ran")
            answer = await ask(waiting, "cut")
            sent = result(answer.values("9")[0]["toolCallId"], 1)
            tries = [await go_on(waiting, answer, sent) for _ in range(4)]
            assert [one.status for one in tries] == [200, 200, 200, 429]
            assert tries[-1].json()["error"]["code"] == "daily_limit"
            assert (await client.get("/usage")).json()["turns"] == 3
            assert len(world.emulator.asked("cut")) == 4


async def test_images_count_on_over_its_waits(tmp_path: Path) -> None:
    env = {"RAN_FILE": str(tmp_path / "ran"), "MAX_IMAGES_PER_TURN": "1"}
    with start_world(tmp_path, RULES, env, APP, image="gpt-image-1") as world:
        async with world.server.client() as client:
            waiting = Waiting(world, client, tmp_path / "ran")
            answer = await ask(waiting, "draw and ask")
            form = next(called["toolCallId"] for called in answer.values("9") if called["toolName"] == "ask_form")
            onward = await go_on(waiting, answer, result(form, 1))
            assert "MAX_IMAGES_PER_TURN" in onward.values("a")[0]["result"]["error"]
            assert (await stored(waiting, answer))[-1]["content"].count("![Generated Image]") == 1


async def test_a_turn_goes_on_on_a_day_whose_turns_are_used_up_but_not_its_tokens(tmp_path: Path) -> None:
    env = {"RAN_FILE": str(tmp_path / "ran"), "MAX_TURNS_PER_USER_PER_DAY": "2", "MAX_TOKENS_PER_USER_PER_DAY": "1000"}
    with start_world(tmp_path, RULES, env, APP) as world:
        async with world.server.client() as client:
            waiting = Waiting(world, client, tmp_path / "ran")
            answer, second = await ask(waiting, "once"), await ask(waiting, "for ever")
            assert (await chat(client, {"message": "Hello", "tools": [FORM]})).status == 429
            onward = await go_on(waiting, answer, result(answer.values("9")[0]["toolCallId"], 1))
            assert onward.errors == []
            following = await go_on(waiting, second, result(second.values("9")[0]["toolCallId"], 1))
            assert following.values("d")[0]["finishReason"] == "tool-calls"
            # By now the tokens are used up: the call stays as it is.
            again = following.values("9")[0]["toolCallId"]
            refused = await go_on(waiting, second, result(again, 1))
            assert (refused.status, refused.json()["error"]["code"]) == (429, "daily_limit")
            assert (await stored(waiting, second))[-1]["toolInvocations"][-1]["state"] == "call"
