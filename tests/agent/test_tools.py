"""The loop of model and tools: concurrent, failing and slow calls, and the last step. A tool is added by listing it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import orjson
import pytest

from tests.harness.answers import Answer, chat
from tests.harness.api import stored
from tests.harness.emulator import Rule
from tests.harness.service import log_of
from tests.harness.world import World, start_world

MAX_STEPS = 3


def _call(name: str, arguments: Any, call_id: str | None = None) -> dict[str, Any]:
    return {"name": name, "arguments": arguments, **({"id": call_id} if call_id else {})}


def _turn(prompt: str, *calls: dict[str, Any], usage: tuple[int, int] = (10, 5), **keys: Any) -> Rule:
    """A turn of two steps: the calls, then a word."""
    counted = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    steps = [{"tool_calls": list(calls), "usage": counted, **keys}, {"text": "Done.", "usage": counted}]
    return {"when": {"equals": prompt}, "steps": steps}


TIME = _call("get_current_time", {"timezone": "Europe/Oslo"})
FAULTS = {
    "an unknown tool": (_call("fly", {}), "There is no tool named 'fly'. The tools are: "),
    "arguments that are no JSON": (_call("get_current_time", '{"timezone": "UT'), "not valid JSON"),
    "arguments that are a list": (_call("get_current_time", '["UTC"]'), "not a JSON object"),
    "arguments of a wrong type": (_call("rest", {"seconds": "long"}), "are invalid: seconds:"),
    "an argument that is missing": (_call("rest", {}), "are invalid: seconds:"),
    "no such time zone": (_call("get_current_time", {"timezone": "../../etc"}), "There is no time zone named"),
    "a tool that raises": (_call("fail", {"how": "raise"}), "The tool failed: RuntimeError."),
    "a tool whose own time is out": (_call("fail", {"how": "timeout"}), "The tool failed: TimeoutError."),
    "a tool that exits": (_call("crash", {"how": "exit"}), "The tool failed: SystemExit."),
    "a tool that cancels itself": (_call("fail", {"how": "cancel"}), "it was cancelled"),
    "a tool that returns what is no JSON": (_call("fail", {"how": "no json"}), "The tool failed: "),
    "a tool that returns half a character": (_call("fail", {"how": "half a character"}), "The tool failed: "),
    "a tool whose error is no Unicode": (_call("fail", {"how": "a file's name"}), "There is no file report-?.txt."),
    "a tool that returns a deep thing": (_call("fail", {"how": "deep"}), "nested too deeply"),
    "a tool that raises in its thread": (_call("crash", {"how": "raise"}), "The tool failed: "),
    "a tool that hangs": (_call("rest", {"seconds": 60}), "no result within 1 second"),
    "a tool that hangs in its thread": (_call("doze", {"seconds": 60}), "no result within 1 second"),
}
RULES: list[Rule] = [
    *[_turn(prompt, call) for prompt, (call, _) in FAULTS.items()],
    _turn("a tool that is not offered", _call("fly", {})),
    _turn("fragments", TIME, fragment=1),
    _turn("side by side", _call("rest", {"seconds": 0.4}), _call("rest", {"seconds": 0.4})),
    _turn("side by side in threads", _call("doze", {"seconds": 0.4}), _call("doze", {"seconds": 0.4})),
    _turn("one of two fails", _call("fail", {"how": "raise"}, "call_bad"), _call("fail", {"how": "well"}, "call_good")),
    _turn("as it is", _call("fail", {"how": "object"})),
    _turn("an id", _call("get_current_time", {}, "call_mine")),
    _turn("the same id twice", _call("get_current_time", {}, "call_two"), _call("get_current_time", {}, "call_two")),
    _turn("no arguments", _call("get_current_time", "")),
    _turn("call and stop", TIME, finish="stop"),
    _turn("cut off at the limit", TIME, finish="length"),
    {"when": {"equals": "for ever"}, "tool_calls": [_call("get_current_time", {}, "call_again")]},
    {
        "when": {"equals": "words and a call"},
        "steps": [
            {"reasoning": "Let me see.", "text": ["One ", "moment. "], "tool_calls": [TIME]},
            {"text": ["It ", "is ", "late."]},
        ],
    },
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    env = {"TOOL_TIMEOUT_SECONDS": "1", "AGENT_MAX_STEPS": str(MAX_STEPS)}
    folder = tmp_path_factory.mktemp("tools")
    with start_world(folder, RULES, env, app="tests.agent.toolbox_app:app") as both:
        yield both


@pytest.fixture
async def client(running: World) -> Any:
    async with running.server.client() as logged_in:
        yield logged_in


async def _say(client: httpx2.AsyncClient, prompt: str, **body: Any) -> Answer:
    """A turn that must not fail, and another after it that shows the history to be valid."""
    answer = await chat(client, {"message": prompt, **body})
    assert answer.errors == []
    again = await chat(client, {"id": answer.conversation_id, "message": "And then?"})
    assert (again.text, again.errors) == ("You said: And then?", [])
    return answer


@pytest.mark.slow
async def test_arguments_in_single_characters_are_one_call(client: httpx2.AsyncClient) -> None:
    answer = await _say(client, "fragments")
    (begun,) = answer.values("b")
    fragments = answer.values("c")
    assert len(fragments) == len('{"timezone":"Europe/Oslo"}')
    assert {fragment["toolCallId"] for fragment in fragments} == {begun["toolCallId"]}
    whole = "".join(fragment["argsTextDelta"] for fragment in fragments)
    (called,) = answer.values("9")
    assert orjson.loads(whole) == called["args"] == {"timezone": "Europe/Oslo"}
    (returned,) = answer.values("a")
    assert returned["result"]["timezone"] == "Europe/Oslo"


async def test_text_and_reasoning_are_lines_of_their_own_in_both_steps(client: httpx2.AsyncClient) -> None:
    answer = await _say(client, "words and a call")
    steps = answer.codes.split("e")
    assert steps[0].replace("c", "") == "f" + "g" * len(answer.values("g")) + "00b9a"
    assert steps[1:] == ["f000", "d"]
    assert "".join(answer.values("g")) == "Let me see."
    assert answer.values("0")[-3:] == ["It ", "is ", "late."]
    first, second = answer.values("f")
    assert first == second
    assert [end["finishReason"] for end in answer.values("e")] == ["tool-calls", "stop"]
    _, said, *_ = await stored(client, answer.conversation_id)
    kinds = [part["type"] for part in said["parts"]]
    assert kinds == ["step-start", "reasoning", "text", "tool-invocation", "step-start", "text"]


async def test_usage_is_summed_over_the_steps(client: httpx2.AsyncClient) -> None:
    answer = await _say(client, "fragments")
    assert [end["usage"]["promptTokens"] for end in answer.values("e")] == [10, 10]
    (ended,) = answer.values("d")
    assert (ended["usage"]["promptTokens"], ended["usage"]["completionTokens"]) == (20, 10)
    assert ended["finishReason"] == "stop"


@pytest.mark.parametrize("prompt", ["side by side", "side by side in threads"])
async def test_calls_of_one_step_run_at_the_same_time(client: httpx2.AsyncClient, prompt: str) -> None:
    answer = await _say(client, prompt)
    first, second = (returned["result"] for returned in answer.values("a"))
    assert max(first["began"], second["began"]) < min(first["ended"], second["ended"])


@pytest.mark.sampled(4)
@pytest.mark.parametrize("prompt", FAULTS)
async def test_the_error_of_a_call_is_a_result_that_the_model_reads(
    running: World, client: httpx2.AsyncClient, prompt: str
) -> None:
    answer = await _say(client, prompt)
    assert answer.text == "Done."
    (returned,) = answer.values("a")
    assert FAULTS[prompt][1] in returned["result"]["error"]
    assert b"secret words" not in answer.body
    assert b"Traceback" not in answer.body
    # The second call of the model had the error as the tool's message.
    _, second = running.emulator.asked(prompt)
    sent = second["messages"][-1]
    assert sent["role"] == "tool"
    assert orjson.loads(sent["content"]) == returned["result"]
    _, said, *_ = await stored(client, answer.conversation_id)
    (kept,) = said["toolInvocations"]
    assert (kept["state"], kept["result"]) == ("result", returned["result"])
    # A name that the model invented is not logged.
    name = "unknown" if prompt == "an unknown tool" else FAULTS[prompt][0]["name"]
    assert f"tool {name} " in log_of(running.server, answer.headers["x-request-id"])


async def test_the_error_of_an_unknown_tool_names_those_that_were_offered(
    running: World, client: httpx2.AsyncClient
) -> None:
    answer = await _say(client, "a tool that is not offered")
    named = answer.values("a")[0]["result"]["error"].partition("The tools are: ")[2].removesuffix(".").split(", ")
    offered = running.emulator.asked("a tool that is not offered")[0]["tools"]
    assert sorted(named) == sorted(tool["function"]["name"] for tool in offered)


async def test_a_call_that_fails_does_not_affect_another(client: httpx2.AsyncClient) -> None:
    answer = await _say(client, "one of two fails")
    results = {returned["toolCallId"]: returned["result"] for returned in answer.values("a")}
    assert results == {"call_bad": {"error": "The tool failed: RuntimeError."}, "call_good": "well"}


async def test_what_a_tool_returns_is_converted_to_json(client: httpx2.AsyncClient) -> None:
    answer = await _say(client, "as it is")
    assert answer.values("a")[0]["result"] == {"type": "<class 'object'>", "1": "one"}


async def test_no_arguments_at_all_are_an_empty_object(client: httpx2.AsyncClient) -> None:
    answer = await _say(client, "no arguments")
    assert answer.values("9")[0]["args"] == {}
    assert answer.values("a")[0]["result"]["timezone"] == "UTC"


async def test_an_upstream_id_is_kept_until_the_conversation_holds_it(client: httpx2.AsyncClient) -> None:
    first = await chat(client, {"message": "an id"})
    assert first.values("9")[0]["toolCallId"] == "call_mine"
    second = await chat(client, {"id": first.conversation_id, "message": "an id"})
    again = second.values("9")[0]["toolCallId"]
    assert again != "call_mine"
    assert (second.text, second.errors) == ("Done.", [])
    messages = await stored(client, first.conversation_id)
    ids = [call["toolCallId"] for message in messages for call in message.get("toolInvocations", [])]
    assert ids == ["call_mine", again]


async def test_an_id_that_repeats_within_one_answer_is_made_unique(client: httpx2.AsyncClient) -> None:
    # The emulator gives both calls an index, so that only their ids are the same.
    answer = await _say(client, "the same id twice")
    ids = [call["toolCallId"] for call in answer.values("9")]
    assert ids[0] == "call_two"
    assert len(set(ids)) == 2
    assert [returned["toolCallId"] for returned in answer.values("a")] == ids


async def test_calls_are_run_even_if_the_model_says_stop(client: httpx2.AsyncClient) -> None:
    answer = await _say(client, "call and stop")
    assert answer.text == "Done."


async def test_calls_that_were_cut_off_at_the_token_limit_are_not_run(client: httpx2.AsyncClient) -> None:
    answer = await _say(client, "cut off at the limit")
    assert answer.values("a")[0]["result"] == {
        "error": "The answer reached its token limit, so this call was not made."
    }
    assert answer.values("d")[0]["finishReason"] == "length"


async def test_the_last_step_offers_no_choice_of_tools_and_ends_the_turn(
    running: World, client: httpx2.AsyncClient
) -> None:
    answer = await _say(client, "for ever")
    assert len(answer.values("f")) == MAX_STEPS
    assert answer.values("d")[0]["finishReason"] == "length"
    assert answer.values("a")[-1]["result"] == {"error": "No more calls are allowed in this turn (AGENT_MAX_STEPS)."}
    choices = [body.get("tool_choice") for body in running.emulator.asked("for ever")]
    assert choices == [None] * (MAX_STEPS - 1) + ["none"]
    # The model repeats its ids in every step.
    assert len({call["toolCallId"] for call in answer.values("9")}) == MAX_STEPS


async def test_a_listed_tool_is_offered_with_its_docstring_and_types(
    running: World, client: httpx2.AsyncClient
) -> None:
    await _say(client, "fragments")
    tools = {tool["function"]["name"]: tool["function"] for tool in running.emulator.asked("fragments")[0]["tools"]}
    assert tools["rest"]["description"] == "Rest for some seconds, and return when that began and ended."
    assert tools["rest"]["parameters"]["properties"] == {"seconds": {"type": "number"}}
    assert tools["rest"]["parameters"]["required"] == ["seconds"]
    assert "generate_image" not in tools
