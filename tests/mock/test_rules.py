"""The language of rules, over the service: what fits, what is answered, and what is counted."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from tests.harness.answers import chat
from tests.harness.api import data_url, png
from tests.mock.conftest import MakeScenario

TOOL = {"tool_calls": [{"name": "get_current_time", "arguments": {"timezone": "UTC"}}]}


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ({"text": "weather"}, True),
        ({"text": {"equals": "The weather?"}}, True),
        ({"text": {"regex": "^The"}}, True),
        ({"regex": "weather.$"}, True),
        ({"mode": "chat"}, True),
        ({"mode": "image"}, False),
        ({"userid": "ada"}, True),
        ({"userid": "bob"}, False),
        ({"turn": 1}, True),
        ({"turn": 2}, False),
        ({"header": {"X-Lang": "de"}}, True),
        ({"header": {"x-lang": "en"}}, False),
        ({"deployment": "mock-gpt"}, True),
        ({"deployment": "gpt-4o"}, False),
        ({"tool_result": "Oslo"}, False),
        ({"text": "weather", "userid": "ada", "turn": 1, "header": {"x-lang": "de"}}, True),
        ({"text": "weather", "userid": "bob"}, False),
    ],
)
async def test_all_conditions_must_fit(scenario: MakeScenario, when: dict[str, Any], fits: bool) -> None:
    made = await scenario({"rules": [{"when": when, "text": "fits"}, {"text": "other"}]}, "conditions")
    made.client.headers["x-lang"] = "de"
    assert (await made.say("The weather?")).text == ("fits" if fits else "other")


async def test_turns_are_counted_by_the_users_messages(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"when": {"turn": 2}, "text": "second"}, {"text": "other"}]})
    assert [(await made.say("hi", "trip")).text for _ in range(3)] == ["other", "second", "other"]


async def test_a_tools_result_fits_only_while_it_is_the_last_message(scenario: MakeScenario) -> None:
    rules = [
        {"when": {"tool_result": "UTC"}, "text": "It is {{tool.result}}."},
        {"when": "time", **TOOL},
        {"text": "other"},
    ]
    made = await scenario({"rules": rules})
    answer = await made.say("What time is it?", "trip")
    assert answer.text.startswith('It is {"timezone":"UTC"')
    assert (await made.say("Thanks", "trip")).text == "other"


async def test_respond_counts_servings_and_the_last_one_repeats(scenario: MakeScenario) -> None:
    respond = [{"text": "one"}, {"fault": {"kind": "status", "status": 400}}, {"text": "three"}]
    made = await scenario({"rules": [{"when": "hi", "respond": respond}]})
    answers = [await made.say("hi") for _ in range(4)]
    assert [answer.text for answer in answers] == ["one", "", "three", "three"]
    assert [bool(answer.errors) for answer in answers] == [False, True, False, False]


async def test_the_services_own_retry_is_a_serving_of_its_own(scenario: MakeScenario) -> None:
    busy = {"fault": {"kind": "status", "status": 429, "retry_after_ms": 10}}
    made = await scenario({"rules": [{"when": "hi", "respond": [busy, busy, {"text": "Hello!"}]}]})
    assert (await made.say("hi")).text == "Hello!"
    assert [entry["status"] for entry in await made.journal(side="model")] == [429, 429, 200]
    assert (await made.state())["rules"] == [{"index": 0, "served": 3}]


async def test_an_item_may_have_steps(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"respond": [{"steps": [TOOL, {"text": "done"}]}]}]})
    assert (await made.say("hi")).text == "done"


async def test_once_is_times_1(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"once": True, "text": "once"}, {"text": "rest"}]})
    assert [(await made.say("hi")).text for _ in range(3)] == ["once", "rest", "rest"]


async def test_templates_are_filled_in(scenario: MakeScenario) -> None:
    made = await scenario(
        {
            "rules": [
                {
                    "when": {"regex": r"in (\w+)( tomorrow)?"},
                    "text": "{{match.1}}|{{match.2}}|{{ match.9 }}|{{match.0}}",
                },
                {"when": "list", "text": ["{{userid}} ", "said {{text}} ", "{{unknown}}"]},
                {
                    "when": "call",
                    "steps": [{"tool_calls": [{"name": "f", "arguments": {"x": "{{text}}"}}]}, {"text": "x"}],
                },
            ]
        }
    )
    assert (await made.say("Weather in Oslo")).text == "Oslo|||in Oslo"
    assert (await made.say("list {{userid}}")).text == "ada said list {{userid}} {{unknown}}"
    called = await made.say("call me")
    assert [value["args"] for value in called.values("9")] == [{"x": "call me"}]


async def test_data_is_said_as_json(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"when": "null", "data": None}, {"data": {"name": "{{userid}}", "n": [1]}}]})
    assert (await made.say("hi")).text == '{"name":"ada","n":[1]}'
    assert (await made.say("null")).text == "null"


async def test_a_rule_gives_an_image(scenario: MakeScenario) -> None:
    content = png(3, 3)
    made = await scenario({"rules": [{"kind": "image", "when": "fox", "image": data_url(content, "image/png")}]})
    answer = await chat(made.client, {"message": "a fox", "mode": "image"})
    (path,) = set(re.findall(rb"/images/[\w-]{32}", answer.body))
    assert (await made.client.get(path.decode())).content == content


async def test_a_path_over_http_is_a_422(scenario: MakeScenario) -> None:
    made = await scenario()
    response = await made.control.put(made.path, json={"rules": [{"kind": "image", "image": "./fox.png"}]})
    assert response.status_code == 422
    assert "data: URL" in response.json()["problems"][0]["message"]


async def test_strict_refuses_what_no_rule_fits_and_names_the_nearest(scenario: MakeScenario) -> None:
    rules = [{"when": "a trip to Oslo", "text": "x"}, {"when": "weather", "text": "y"}]
    made = await scenario({"strict": True, "rules": rules})
    answer = await made.say("a trip to Olso")
    assert "rule 0 (a trip to Oslo)" in answer.errors[0]
    assert answer.errors[0].index("rule 0") < answer.errors[0].index("rule 1")
    image = await chat(made.client, {"message": "a fox", "mode": "image"})
    assert "There are no rules for such calls." in image.errors[0]
    assert [entry["status"] for entry in await made.journal(side="model")] == [404, 404]
    assert (await made.state())["unmatched"] == [2, 4]
    uploaded = await made.client.post("/files", files={"file": ("a.txt", b"A fox sleeps.")})
    assert uploaded.status_code == 202
    assert [entry["status"] for entry in await made.journal(on="embedding", wait=1)] == [200]


async def test_a_regenerated_turn_has_its_number_on_the_wire_as_well(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"when": {"turn": 1}, "wire": {"repeat": 1}, "text": "first"}, {"text": "other"}]})
    chat_of = {"id": "trip", "trigger": "submit-message"}
    message = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}
    for trigger in ("submit-message", "regenerate-message"):
        body = {**chat_of, "trigger": trigger, "messages": [message]}
        response = await made.client.post("/chat", json=body)
        assert "first" in response.text, response.text
    assert [entry["rule"] for entry in await made.journal(side="front")] == [0, 0]


async def test_a_rule_of_the_wire_is_one_serving_for_the_whole_turn(scenario: MakeScenario) -> None:
    rule = {"when": "time", "times": 1, "steps": [TOOL, {"text": "It is late"}], "wire": {"repeat": 1}}
    made = await scenario({"rules": [rule, {"text": "other"}]})
    answer = await made.say("What time is it?", "trip")
    assert (answer.text, answer.codes[:2]) == ("It is late", "ff")
    assert (await made.state())["rules"] == [{"index": 0, "served": 1}, {"index": 1, "served": 0}]
    assert {entry["rule"] for entry in await made.journal()} == {0}
    assert (await made.say("What time is it?", "trip")).text == "other"


async def test_the_nth_call_of_a_kind_meets_a_fault(scenario: MakeScenario) -> None:
    rules = [
        {"on": "conversations", "nth": 2, "wire": {"status": 503, "retry_after": 1}},
        {"on": "chat", "nth": 2, "wire": {"status": 429}},
    ]
    made = await scenario({"rules": rules})
    listed = [(await made.client.get("/conversations")).status_code for _ in range(3)]
    assert listed == [200, 503, 200]
    asked = [(await chat(made.client, {"message": "hi"})).status for _ in range(3)]
    assert asked == [200, 429, 200]
    assert len((await made.client.get("/conversations")).json()) == 2


async def test_each_answer_of_a_rule_has_its_own_wire(scenario: MakeScenario) -> None:
    respond = [{"wire": {"status": 500}}, {"text": "two words"}, {"text": "cut here", "corner": "proxy_buffers"}]
    made = await scenario({"rules": [{"when": "hi", "respond": respond}]})
    answers = [await chat(made.client, {"message": "hi"}) for _ in range(3)]
    assert [(one.status, one.text) for one in answers] == [(500, ""), (200, "two words"), (200, "cut here")]


async def test_a_queued_rule_of_the_wire_serves_its_turn(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"text": "other"}]})
    await made.next({"steps": [TOOL, {"text": "from the queue"}], "wire": {"repeat": 1}})
    answer = await made.say("hi")
    assert (answer.text, answer.codes[:2]) == ("from the queue", "ff")
    assert (await made.say("hi")).text == "other"


async def test_what_a_request_asks_itself_goes_before_its_rule(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"text": "x", "wire": {"status": 500}}]})
    response = await made.client.post("/chat", json={"message": "hi"}, headers={"x-mock": "status=418"})
    assert response.status_code == 418


async def test_a_corner_is_the_fault_that_it_stands_for(scenario: MakeScenario) -> None:
    made = await scenario(
        {"rules": [{"when": "no", "corner": "prompt_refused"}, {"respond": [{"corner": "jailbreak"}]}]}
    )
    for text in ("no", "yes"):
        assert (await made.say(text)).errors
    assert [entry["status"] for entry in await made.journal(side="model")] == [400, 400]


@pytest.mark.parametrize(
    ("rule", "key", "words"),
    [
        ({"once": True, "times": 2}, "times", "give either 'once' or 'times'"),
        ({"deployment": "a", "when": {"deployment": "b"}}, "deployment", "stands in 'when' or beside it"),
        ({"text": "x", "respond": [{"text": "y"}]}, "text", "move it into an item of it"),
        ({"respond": []}, "respond", "must not be empty"),
        ({"on": "join"}, "on", "is about the front end's call: give 'wire' too"),
        ({"nth": 2}, "nth", "is about the front end's call: give 'wire' too"),
        ({"on": "jion", "wire": {"cut": 1}}, "on", "unknown value 'jion'; did you mean 'join'?"),
        ({"text": "x", "data": 1}, "data", "give either 'text' or 'data'"),
        ({"corner": "prompt_refusd"}, "corner", "did you mean 'prompt_refused'?"),
        ({"corner": "jailbreak", "fault": {"kind": "html"}}, "corner", "is a fault of its own"),
        ({"when": {"txt": "a"}}, "when.txt", "did you mean 'text'"),
        ({"when": {"header": {"x": 1}}}, "when.header", "must be"),
        ({"when": {"turn": 0}}, "when.turn", "must be at least 1"),
        ({"wire": {"cut": -1}}, "wire.cut", "must be at least 0"),
        ({"respond": [{"txt": "x"}]}, "respond[0].txt", "did you mean 'text'"),
    ],
)
async def test_what_cannot_be_is_said(scenario: MakeScenario, rule: dict[str, Any], key: str, words: str) -> None:
    made = await scenario(None, "cannot-be")
    response = await made.control.put(made.path, json={"rules": [rule]})
    assert response.status_code == 422, response.text
    (problem,) = response.json()["problems"]
    assert (problem["rule"], problem["key"]) == (0, key)
    assert words in problem["message"]


@pytest.mark.slow
@pytest.mark.parametrize("more", [{"text": "b"}, {"wire": {"delay": 0.1}}])
async def test_a_regex_that_would_try_for_minutes_is_given_up_in_words(
    scenario: MakeScenario, more: dict[str, Any]
) -> None:
    # Each is quick enough, but there are many.
    many = [{"when": {"regex": f"^(a+)+{number}$"}, **more} for number in range(300)]
    made = await scenario({"strict": True, "rules": [{"when": "hi", "text": "fine"}, *many]})
    for text in ("a" * 40, "a" * 16):
        async with asyncio.timeout(20):
            answer, other = await asyncio.gather(chat(made.client, {"message": text}), made.say("hi"))
        assert other.text == "fine"
        words = answer.body.decode() if answer.status != 200 else answer.errors[0]
        assert "'^(a+)+" in words
        assert "given up" in words


async def test_each_of_two_calls_at_once_is_a_serving(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"respond": [{"text": str(number)} for number in range(40)]}]})
    answers = await asyncio.gather(*(made.say("hi") for _ in range(8)))
    # A call that is repeated for some reason is a serving too.
    assert len({answer.text for answer in answers}) == 8
