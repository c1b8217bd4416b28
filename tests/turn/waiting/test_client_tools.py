"""A client's own tool: the turn ends open, and goes on with the result as one message."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from mockbackend.messages import NOT_ANSWERED
from tests.harness.answers import Answer, chat
from tests.turn.waiting.conftest import FORM, Waiting


def result(call_id: str, value: Any, name: str = "ask_form") -> dict[str, Any]:
    """An assistant's message of AI SDK 4 with the result of a call."""
    invocation = {"state": "result", "toolCallId": call_id, "toolName": name, "args": {}, "result": value}
    return {"role": "assistant", "content": "", "parts": [{"type": "tool-invocation", "toolInvocation": invocation}]}


async def ask(waiting: Waiting, prompt: str, **body: Any) -> Answer:
    """A turn that ends open."""
    answer = await chat(waiting.client, {"message": prompt, "tools": [FORM], **body})
    assert answer.errors == []
    assert answer.values("d")[0]["finishReason"] == "tool-calls"
    return answer


async def go_on(waiting: Waiting, answer: Answer, *messages: dict[str, Any], **body: Any) -> Answer:
    """Go on with it, as a client that sends only what is new."""
    asked = {"role": "user", "content": "x"}
    return await chat(
        waiting.client, {"id": answer.conversation_id, "messages": [asked, *messages], "tools": [FORM], **body}
    )


async def test_a_turn_waits_for_its_client_and_goes_on_with_the_result(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form")
    assert answer.codes.replace("c", "") == "f00b9ed"
    assert answer.values("e")[0]["finishReason"] == "tool-calls"
    call_id = answer.values("9")[0]["toolCallId"]
    open_message = (await waiting.client.get(f"/conversations/{answer.conversation_id}")).json()["messages"][-1]
    (open_call,) = open_message["toolInvocations"]
    assert (open_call["state"], "result" in open_call) == ("call", False)
    assert "annotations" not in open_message
    ui = (await waiting.client.get(f"/conversations/{answer.conversation_id}?protocol=ui")).json()["messages"][-1]
    assert ui["parts"][-1]["state"] == "input-available"

    onward = await go_on(waiting, answer, result(call_id, {"name": "Ada"}))
    assert (onward.codes, onward.text) == ("f00ed", "All done.")
    assert onward.values("f") == answer.values("f")
    assert onward.values("d")[0]["finishReason"] == "stop"
    row = (await waiting.client.get(f"/conversations/{answer.conversation_id}")).json()
    assert (row["message_count"], row["title"]) == (2, "a form")
    message = row["messages"][-1]
    assert message["id"] == open_message["id"]
    assert [part["type"] for part in message["parts"]] == [
        *("step-start", "text", "tool-invocation", "step-start", "text"),
    ]
    assert message["toolInvocations"][0]["result"] == {"name": "Ada"}
    request = waiting.world.emulator.asked("a form")[-1]
    assert request["messages"][-1] == {"role": "tool", "tool_call_id": call_id, "content": '{"name":"Ada"}'}


async def test_a_result_may_come_as_a_tool_message_alone(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form")
    said = {"role": "tool", "tool_call_id": answer.values("9")[0]["toolCallId"], "content": "Ada"}
    onward = await chat(waiting.client, {"id": answer.conversation_id, "message": said, "tools": [FORM]})
    assert (onward.codes, onward.text) == ("f00ed", "All done.")
    assert (await stored(waiting, answer))[-1]["toolInvocations"][0]["result"] == "Ada"


async def test_of_two_open_calls_one_is_answered_and_the_turn_waits_on(waiting: Waiting) -> None:
    answer = await ask(waiting, "two forms")
    first, second = (called["toolCallId"] for called in answer.values("9"))
    onward = await go_on(waiting, answer, result(first, 1))
    assert (onward.codes, onward.values("d")[0]["finishReason"]) == ("d", "tool-calls")
    message = (await stored(waiting, answer))[-1]
    assert [one["state"] for one in message["toolInvocations"]] == ["result", "call"]
    again = await go_on(waiting, answer, result(first, 1))
    assert again.status == 422, again.body
    last = await go_on(waiting, answer, result(first, "another value, which is not read"), result(second, 2))
    assert (last.text, last.errors) == ("All done.", [])
    message = (await stored(waiting, answer))[-1]
    assert [one["result"] for one in message["toolInvocations"]] == [1, 2]


async def test_our_own_calls_of_the_step_run_before_the_turn_waits(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form and the time")
    (returned,) = answer.values("a")
    assert returned["result"]["timezone"] == "UTC"
    form = answer.values("9")[0]["toolCallId"]
    assert (await go_on(waiting, answer, result(form, "yes"))).text == "All done."


async def test_a_result_that_ended_well_is_refused_when_it_comes_again(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form")
    call_id = answer.values("9")[0]["toolCallId"]
    assert (await go_on(waiting, answer, result(call_id, 1))).errors == []
    again = await go_on(waiting, answer, result(call_id, 1))
    assert again.status == 422
    assert "open" in again.json()["error"]["message"]
    assert len(await stored(waiting, answer)) == 2


@pytest.mark.parametrize(
    "answers",
    {
        "of no call": [result("call_other", 1)],
        "nothing": [{"role": "assistant", "content": "I say so"}],
        "too long": [result("?", "x" * 300_000)],
    }.items(),
    ids=lambda one: one[0],
)
async def test_what_answers_no_open_call_is_refused_and_leaves_it_open(
    waiting: Waiting, answers: tuple[str, list[dict[str, Any]]]
) -> None:
    answer = await ask(waiting, "a form")
    call_id = answer.values("9")[0]["toolCallId"]
    sent = orjson.loads(orjson.dumps(answers[1]).replace(b'"?"', orjson.dumps(call_id)))
    assert (await go_on(waiting, answer, *sent)).status == 422
    assert (await stored(waiting, answer))[-1]["toolInvocations"][0]["state"] == "call"
    assert (await go_on(waiting, answer, result(call_id, 1))).text == "All done."


async def test_of_another_user_there_is_nothing_to_answer(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form")
    async with waiting.world.server.client("mallory") as mallory:
        body = {"id": answer.conversation_id, "messages": [result(answer.values("9")[0]["toolCallId"], 1)]}
        assert (await chat(mallory, body)).status == 404
    fresh = await chat(waiting.client, {"id": "never-begun", "messages": [result("call_1", 1)]})
    assert fresh.status == 422
    assert (await waiting.client.get("/conversations/never-begun")).status_code == 404


async def test_a_new_message_closes_what_is_open(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form")
    following = await chat(waiting.client, {"id": answer.conversation_id, "message": "a mail that never comes"})
    assert following.errors == []
    question, waited, new, _ = await stored(waiting, answer)
    assert (question["content"], new["content"]) == ("a form", "a mail that never comes")
    assert waited["toolInvocations"][0]["result"] == {"error": NOT_ANSWERED}
    assert (await go_on(waiting, answer, result(answer.values("9")[0]["toolCallId"], 1))).status == 422


async def test_a_new_message_whose_list_has_the_result_takes_it_first(waiting: Waiting) -> None:
    answer = await ask(waiting, "two forms")
    first = answer.values("9")[0]["toolCallId"]
    new = {"role": "user", "content": "And then?"}
    following = await go_on(waiting, answer, result(first, "mine"), new)
    assert following.errors == []
    _, waited, _, said = await stored(waiting, answer)
    assert [one["result"] for one in waited["toolInvocations"]] == ["mine", {"error": NOT_ANSWERED}]
    assert said["role"] == "assistant"


async def test_a_stop_closes_what_is_open(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form")
    assert (await waiting.client.post(f"/conversations/{answer.conversation_id}/stop")).status_code == 200
    message = (await stored(waiting, answer))[-1]
    assert message["toolInvocations"][0]["result"] == {"error": NOT_ANSWERED}
    assert (await go_on(waiting, answer, result(answer.values("9")[0]["toolCallId"], 1))).status == 422
    assert (await chat(waiting.client, {"id": answer.conversation_id, "message": "Hello"})).errors == []


async def test_to_regenerate_or_edit_removes_what_waits(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form")
    question = (await stored(waiting, answer))[0]
    edited = {"id": question["id"], "role": "user", "content": "Hello"}
    assert (await chat(waiting.client, {"id": answer.conversation_id, "messages": [edited]})).text == "You said: Hello"
    assert len(await stored(waiting, answer)) == 2


async def test_a_conversation_that_waits_is_deleted_with_its_open_calls(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form")
    assert (await waiting.client.delete(f"/conversations/{answer.conversation_id}")).status_code == 204
    late = await go_on(waiting, answer, result(answer.values("9")[0]["toolCallId"], 1))
    assert late.status == 422
    assert (await waiting.client.get(f"/conversations/{answer.conversation_id}")).status_code == 404


async def test_a_tool_of_ours_is_declared_as_the_clients(waiting: Waiting) -> None:
    answer = await ask(waiting, "a map")
    call_id = answer.values("9")[0]["toolCallId"]
    failed = {"role": "tool", "content": [_error_of(call_id, "show_map", "no map here")]}
    onward = await go_on(waiting, answer, {"role": "assistant", "content": []}, failed)
    assert onward.text == "All done."
    request = waiting.world.emulator.asked("a map")[-1]
    assert request["messages"][-1]["content"] == '{"error":"no map here"}'


async def test_a_turn_that_went_on_is_one_turn_of_the_day(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form")
    onward = await go_on(waiting, answer, result(answer.values("9")[0]["toolCallId"], 1))
    steps = [end["usage"] for end in (*answer.values("e"), *onward.values("e"))]
    whole = onward.values("d")[0]["usage"]
    assert len(steps) == 2
    assert whole == {name: sum(usage[name] for usage in steps) for name in whole}
    used = (await waiting.client.get("/usage")).json()
    counted = (whole["promptTokens"], whole["completionTokens"])
    assert (used["turns"], used["input_tokens"], used["output_tokens"]) == (1, *counted)


async def test_the_same_answer_from_two_tabs_goes_on_once(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form")
    call_id = answer.values("9")[0]["toolCallId"]
    both = await asyncio.gather(*(go_on(waiting, answer, result(call_id, 1)) for _ in range(2)))
    assert sorted(one.status for one in both) in ([200, 409], [200, 422])
    assert len(await stored(waiting, answer)) == 2


def _error_of(call_id: str, name: str, words: str) -> dict[str, Any]:
    output = {"type": "error-json", "value": {"error": words}}
    return {"type": "tool-result", "toolCallId": call_id, "toolName": name, "output": output}


async def stored(waiting: Waiting, answer: Answer) -> list[dict[str, Any]]:
    """The conversation's messages."""
    messages: list[dict[str, Any]] = (await waiting.client.get(f"/conversations/{answer.conversation_id}")).json()[
        "messages"
    ]
    return messages


# The service does not look that closely.
NO_TYPE = {"type": "object", "properties": {"of": {"type": []}}}


async def test_a_schema_that_the_engine_refuses_costs_that_tool_alone(waiting: Waiting) -> None:
    bad = {"name": "bad", "parameters": NO_TYPE}
    answer = await chat(waiting.client, {"message": "a form", "tools": [bad, FORM]})
    assert answer.errors == []
    assert answer.values("d")[0]["finishReason"] == "tool-calls"
    names = [[tool["function"]["name"] for tool in asked["tools"]] for asked in waiting.world.emulator.asked("a form")]
    assert "bad" in names[-2]
    assert names[-1] == [name for name in names[-2] if name != "bad"]
    # Nothing of it is learned: the next turn has its tools.
    await chat(waiting.client, {"message": "Hello", "tools": [FORM]})
    assert len(waiting.world.emulator.asked("Hello")[-1]["tools"]) == len(names[-1])


async def test_a_tool_with_the_name_of_the_services_own_is_left_out(waiting: Waiting) -> None:
    mine = {"get_current_time": {"description": "Mine.", "parameters": {"type": "object"}}}
    for _ in range(2):
        await chat(waiting.client, {"message": "my own clock", "tools": mine})
    assert waiting.world.server.log.count("a client sends a tool get_current_time") == 1
    tools = waiting.world.emulator.asked("my own clock")[-1]["tools"]
    (clock,) = (tool["function"] for tool in tools if tool["function"]["name"] == "get_current_time")
    assert clock["description"] != "Mine."


@pytest.mark.parametrize(
    ("tools", "status", "named"),
    [
        ("all", 400, "tools must be"),
        ([1], 400, "tools[0]"),
        ([{"name": "a b"}], 422, "tools[0]"),
        ([{"name": "a", "parameters": {"type": "string"}}], 422, "tools[0].parameters"),
        ({"a": {"parameters": {"properties": {"x": {"type": "text"}}}}}, 422, "tools.a.parameters.properties.x.type"),
        ({"a": {"inputSchema": {"properties": {"x": 1}}}}, 422, "tools.a.inputSchema.properties.x"),
        ([{"name": f"tool{number}"} for number in range(200)], 422, "at most 32"),
        ([{"name": "a"}, {"name": "a"}], 422, "one name"),
        ([{"name": "a", "description": "x" * 70_000}], 422, "64 kB"),
    ],
    ids=["text", "no object", "name", "no object's schema", "type", "property", "many", "twice", "long"],
)
async def test_a_bad_tool_is_refused_by_its_name(waiting: Waiting, tools: Any, status: int, named: str) -> None:
    answer = await chat(waiting.client, {"message": "Hello", "tools": tools})
    assert answer.status == status
    assert named in answer.json()["error"]["message"]


async def test_a_copy_of_a_large_result_of_the_services_own_is_no_problem(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form and the time")
    asked, told = (one["toolCallId"] for one in answer.values("9"))
    message = result(asked, "Ada")
    message["parts"] += result(told, "x" * 300_000, "get_current_time")["parts"]
    assert (await go_on(waiting, answer, message)).text == "All done."
    # A client has it in each list that it sends from then on.
    follow_up = await go_on(waiting, answer, message, {"role": "user", "content": "Thanks"})
    assert follow_up.errors == []
    assert follow_up.status == 200


async def test_openais_answers_of_calls_alone_have_no_content(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form")
    call_id = answer.values("9")[0]["toolCallId"]
    function = {"name": "ask_form", "arguments": "{}"}
    calls = [{"id": call_id, "type": "function", "function": function}]
    calling = {"role": "assistant", "content": None, "tool_calls": calls}
    onward = await go_on(waiting, answer, calling, {"role": "tool", "tool_call_id": call_id, "content": "Ada"})
    assert onward.text == "All done."
