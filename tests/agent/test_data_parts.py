"""What tools show beside the answer's words: streamed, replaced, kept within limits, and never sent to the model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from mockbackend.agent.data_parts import CallParts, DataParts
from mockbackend.events import DataShown
from tests.harness.answers import Answer, chat
from tests.harness.api import stored
from tests.harness.emulator import Rule
from tests.harness.waiting import until
from tests.harness.world import World, start_world

FIRST = {"name": "chart", "data": {"points": [1]}, "id": "c1"}
PASSING = {"name": "status", "data": "half way", "id": "s", "transient": True}
NOTE = {"name": "note", "data": ["Grüße", None, 2.5], "id": "n"}
LAST = {"name": "chart", "data": {"points": [1, 2]}, "id": "c1"}
PARTS: list[dict[str, Any]] = [FIRST, PASSING, NOTE, LAST]
BAD = {
    "object": "it is not JSON (Type is not JSON serializable: object)",
    "large number": "it is not JSON (",
    "half a character": "it is not JSON (",
    "deep": "it is nested too deeply",
    "no id": "an id is a text of 1 to 128 characters",
    "long id": "an id is a text of 1 to 128 characters",
    "number": "an id is a text of 1 to 128 characters",
}
NAMES = ("", "a b", "1st", "x" * 65, "ü", "a:b")
RESERVED = ("retry", "incomplete", "picture", "context")
MAX_PARTS, MAX_BYTES = 3, 2000


def turn(prompt: str, tool: str, *calls: dict[str, Any]) -> Rule:
    """A turn that calls the tool with each of these arguments, and then says a word."""
    made = [{"name": tool, "arguments": arguments} for arguments in calls]
    return {"when": {"equals": prompt}, "steps": [{"text": "Look. ", "tool_calls": made}, {"text": "Done."}]}


def shown(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts as front ends get them."""
    return [{"type": f"data-{one['name']}", "id": one["id"], "data": one["data"]} for one in parts]


MANY: list[dict[str, Any]] = [{"name": "chart", "data": number, "id": f"c{number}"} for number in range(MAX_PARTS)]
RULES: list[Rule] = [
    turn("show", "show", {"parts": PARTS}),
    turn("show in a thread", "show_in_a_thread", {"parts": PARTS}),
    turn("show side by side", "show", {"parts": [FIRST]}, {"parts": [LAST]}),
    turn("show without ids", "show", {"parts": [{"name": "chart", "data": 1}, {"name": "chart", "data": 2}]}),
    *[turn(f"badly: {what}", "show_badly", {"what": what}) for what in (*BAD, "caught")],
    *[turn(f"named {name}", "show", {"parts": [{"name": name, "data": 1}]}) for name in (*NAMES, *RESERVED)],
    turn("many", "show", {"parts": [*MANY, {**MANY[0], "data": "again"}, {**MANY[0], "id": "more"}]}),
    turn("many in passing", "show", {"parts": [{**PASSING, "id": f"s{number}"} for number in range(MAX_PARTS + 2)]}),
    turn("large", "show", {"parts": [{**FIRST, "data": "x" * 900, "transient": True}] * 3}),
    turn("late", "show_late", {"fails": False}),
    turn("late, and fails", "show_late", {"fails": True}),
    turn("README", "plot", {"month": "May"}),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("data-parts")
    env = {"MAX_DATA_PARTS_PER_TURN": str(MAX_PARTS), "MAX_DATA_BYTES_PER_TURN": str(MAX_BYTES)}
    with start_world(folder, RULES, env, app="tests.agent.toolbox_app:app") as both:
        yield both


@pytest.fixture
async def client(running: World) -> Any:
    async with running.server.client() as logged_in:
        yield logged_in


async def said(client: httpx2.AsyncClient, prompt: str, **body: Any) -> Answer:
    answer = await chat(client, {"message": prompt, **body})
    assert (answer.text, answer.errors) == ("Look. Done.", [])
    return answer


async def kept(client: httpx2.AsyncClient, answer: Answer) -> list[dict[str, Any]]:
    """The data parts of the stored answer, the same in both shapes."""
    *_, old = await stored(client, answer.conversation_id)
    response = await client.get(f"/conversations/{answer.conversation_id}?protocol=ui")
    *_, new = response.json()["messages"]
    parts = [part for part in new["parts"] if part["type"].startswith("data-")]
    assert old.get("annotations", []) == parts
    return parts


@pytest.mark.parametrize("prompt", ["show", "show in a thread"])
async def test_what_a_tool_shows_is_streamed_before_its_result(client: httpx2.AsyncClient, prompt: str) -> None:
    answer = await said(client, prompt)
    within = answer.codes[answer.codes.index("9") : answer.codes.index("a") + 1]
    assert within == "98288a"
    assert [part for value in answer.values("8") for part in value] == shown(FIRST, NOTE, LAST)
    assert [part for value in answer.values("2") for part in value] == shown(PASSING)


@pytest.mark.parametrize("prompt", ["show", "show in a thread"])
async def test_the_last_of_an_id_is_stored_and_nothing_that_is_transient(
    client: httpx2.AsyncClient, prompt: str
) -> None:
    answer = await said(client, prompt)
    assert await kept(client, answer) == shown(LAST, NOTE)


async def test_the_newer_framing_has_them_as_parts(client: httpx2.AsyncClient) -> None:
    response = await client.post("/chat?protocol=ui", json={"message": "show"})
    lines = [line.removeprefix(b"data: ") for line in response.content.split(b"\n\n") if line.startswith(b"data: {")]
    read = [chunk for line in lines if (chunk := orjson.loads(line))["type"].startswith("data-")]
    first, passing, note, last = shown(*PARTS)
    assert read == [first, {**passing, "transient": True}, note, last]


async def test_the_tool_of_the_readme_works(client: httpx2.AsyncClient) -> None:
    answer = await said(client, "README")
    chart = {"type": "data-chart", "id": "sales", "data": {"month": "May", "points": [3, 5, 4]}}
    assert answer.values("8") == [[chart]]
    ((status,),) = answer.values("2")
    assert (status["type"], status["data"]) == ("data-status", {"text": "Reading the sales …"})
    assert [returned["result"] for returned in answer.values("a")] == ["The chart is shown."]
    assert await kept(client, answer) == [chart]


async def test_calls_side_by_side_share_their_ids(client: httpx2.AsyncClient) -> None:
    answer = await said(client, "show side by side")
    assert len(answer.values("8")) == 2
    (one,) = await kept(client, answer)
    assert one in shown(FIRST, LAST)


async def test_without_an_id_each_is_a_part_of_its_own(client: httpx2.AsyncClient) -> None:
    answer = await said(client, "show without ids")
    parts = await kept(client, answer)
    assert [part["data"] for part in parts] == [1, 2]
    (call,) = answer.values("9")
    assert [part["id"] for part in parts] == [f"{call['toolCallId']}-1", f"{call['toolCallId']}-2"]


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_the_model_never_reads_it(tmp_path: Path, api: str) -> None:
    env = {"AZURE_OPENAI_API": api, "AZURE_OPENAI_API_VERSION": "v1"}
    with start_world(tmp_path, RULES, env, app="tests.agent.toolbox_app:app") as world:
        async with world.server.client() as client:
            answer = await said(client, "show")
            again = await chat(client, {"id": answer.conversation_id, "message": "And then?"})
        assert again.text == "You said: And then?"
        for asked in ("show", "And then?"):
            sent = orjson.dumps(world.emulator.asked(asked)[-1])
            # Only in the arguments of the model's own call.
            assert [sent.count(words) for words in (b"half way", b"points")] == [1, 2]
            assert b"data-chart" not in sent


@pytest.mark.sampled(3)
@pytest.mark.parametrize("what", BAD)
async def test_what_cannot_be_shown_is_an_error_that_says_why(client: httpx2.AsyncClient, what: str) -> None:
    answer = await said(client, f"badly: {what}")
    (returned,) = answer.values("a")
    assert returned["result"]["error"].startswith("'chart' is not shown: ")
    assert BAD[what] in returned["result"]["error"]
    assert await kept(client, answer) == []


async def test_a_tool_may_go_on_after_the_error(client: httpx2.AsyncClient) -> None:
    answer = await said(client, "badly: caught")
    assert answer.values("a")[0]["result"]["caught"].startswith("'chart' is not shown: it is not JSON")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", NAMES)
async def test_a_bad_name_is_refused(client: httpx2.AsyncClient, name: str) -> None:
    answer = await said(client, f"named {name}")
    assert answer.values("a")[0]["result"]["error"] == (
        f"{name!r} is not shown: a name begins with a letter and has at most 64 letters, digits, - and _."
    )


@pytest.mark.parametrize("name", RESERVED)
async def test_the_names_of_the_services_own_reports_are_refused(client: httpx2.AsyncClient, name: str) -> None:
    answer = await said(client, f"named {name}")
    assert answer.values("a")[0]["result"]["error"] == (
        f"{name!r} is not shown: the names context, incomplete, picture, retry are the service's own."
    )


async def test_an_answer_keeps_no_more_parts_than_the_setting_says(client: httpx2.AsyncClient) -> None:
    answer = await said(client, "many")
    assert "may add 3 data parts to its answer (MAX_DATA_PARTS_PER_TURN)" in answer.values("a")[0]["result"]["error"]
    assert await kept(client, answer) == shown({**MANY[0], "data": "again"}, *MANY[1:])


async def test_what_is_transient_takes_no_place_among_those_that_are_kept(client: httpx2.AsyncClient) -> None:
    answer = await said(client, "many in passing")
    assert [returned["result"] for returned in answer.values("a")] == ["shown"]
    assert len(answer.values("2")) == MAX_PARTS + 2


async def test_a_turn_shows_no_more_bytes_than_the_setting_says(client: httpx2.AsyncClient) -> None:
    answer = await said(client, "large")
    assert (
        "would show more than 2000 bytes of data (MAX_DATA_BYTES_PER_TURN)" in answer.values("a")[0]["result"]["error"]
    )
    assert len(answer.values("2")) == 1


@pytest.mark.sampled(2)
@pytest.mark.parametrize("prompt", ["late", "late, and fails"])
async def test_a_call_that_has_ended_shows_nothing_more(client: httpx2.AsyncClient, prompt: str) -> None:
    words = "'chart' is not shown: the call has ended."

    async def is_heard() -> bool:
        answer = await said(client, prompt)
        assert answer.values("8") == []
        (returned,) = answer.values("a")
        return returned["result"] in (words, {"error": words})

    await until(is_heard)


async def test_what_a_thread_shows_as_its_call_ends_is_not_shown() -> None:
    emitted: list[DataShown] = []
    call = CallParts(DataParts(emitted.append, MAX_PARTS, MAX_BYTES, []), "call-1")
    for is_late in (False, True):
        thread = threading.Thread(target=call.show, args=("chart", is_late))
        thread.start()
        thread.join()
        if is_late:
            # Its thread has shown it, and the loop has not seen it yet.
            call.end()
        await asyncio.sleep(0)
    assert emitted == [DataShown("chart", "call-1-1", False)]


async def test_what_was_shown_goes_with_its_message(client: httpx2.AsyncClient) -> None:
    answer = await said(client, "show")
    question, _ = await stored(client, answer.conversation_id)
    edited = {"id": question["id"], "role": "user", "content": "Something else"}
    again = await chat(client, {"id": answer.conversation_id, "messages": [edited]})
    assert again.text == "You said: Something else"
    assert await kept(client, again) == []
