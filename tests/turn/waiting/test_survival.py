"""A turn that goes on is cut, killed, joined, or another process's: nothing is lost, and no tool runs twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mockbackend.messages import INTERRUPTED
from tests.harness.answers import chat, joining, lines, next_of
from tests.harness.emulator import Rule, emulating
from tests.harness.postgres import postgres
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.harness.world import World
from tests.turn.waiting.conftest import APP, FORM, Waiting, call, turn
from tests.turn.waiting.test_approval import ask as ask_ui
from tests.turn.waiting.test_approval import last, of_assistant, post, responded
from tests.turn.waiting.test_client_tools import ask, go_on, result, stored

SPEECH = [f"word{number} " for number in range(40)]
RULES: list[Rule] = [
    turn("a form", call("ask_form", q="Your name?"), text=["One ", "moment."]),
    turn("a slow mail", call("send_mail", to="slow", seconds=20)),
    turn("two slow mails", call("send_mail", to="slow", seconds=20), call("send_mail", to="bob")),
    {
        "when": {"equals": "a form and a speech"},
        "steps": [{"tool_calls": [call("ask_form", q="1")]}, {"text": SPEECH, "tokens_per_second": 20}],
    },
    {
        "when": {"equals": "a form and a cut"},
        "steps": [{"tool_calls": [call("ask_form", q="1")]}, {"text": SPEECH, "fault": {"kind": "cut", "after": 3}}],
    },
    {
        "when": {"equals": "a mail and a cut"},
        "steps": [
            {"tool_calls": [call("send_mail", to="ada")]},
            {"text": SPEECH, "fault": {"kind": "cut", "after": 3}},
        ],
    },
]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def env(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of a service on each engine."""
    found = {"RAN_FILE": str(tmp_path_factory.mktemp("ran") / "ran")}
    if request.param == "postgres":
        found["DATABASE_URL"] = postgres().url(postgres().new_schema())
    return found


@pytest.fixture(scope="module")
def lasting(env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("lasting")
    with emulating(folder, RULES) as emulator:
        server = Server(folder, {**emulator.settings(), **env}, app=APP)
        try:
            yield World(emulator, server.start())
        finally:
            server.close()


@pytest.fixture
def world(lasting: World) -> Iterator[World]:
    """One service for all of these tests, each of which may kill it and start it again."""
    yield lasting
    if not lasting.server.is_running:
        lasting.server.start()


@pytest.fixture
async def waiting(world: World, env: dict[str, str]) -> AsyncIterator[Waiting]:
    ran_file = Path(env["RAN_FILE"])
    ran_file.unlink(missing_ok=True)
    async with world.server.client() as client:
        yield Waiting(world, client, ran_file)


async def test_a_wait_outlives_its_process(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form")
    waiting.world.server.kill()
    waiting.world.server.start()
    onward = await go_on(waiting, answer, result(answer.values("9")[0]["toolCallId"], 1))
    assert (onward.text, onward.errors) == ("All done.", [])


@pytest.mark.slow
async def test_another_process_goes_on_with_it(waiting: Waiting, env: dict[str, str], tmp_path: Path) -> None:
    answer = await ask(waiting, "a form")
    folder = tmp_path / "second"
    folder.mkdir()
    settings = {**waiting.world.emulator.settings(), **env}
    with Server(folder, settings, app=APP, data_dir=waiting.world.server.data_dir) as second:
        async with second.client() as client:
            other = Waiting(World(waiting.world.emulator, second), client, waiting.ran_file)
            onward = await go_on(other, answer, result(answer.values("9")[0]["toolCallId"], 1))
            assert onward.text == "All done."
    assert (await stored(waiting, answer))[-1]["content"] == "One moment.All done."


@pytest.mark.slow
async def test_a_killed_tool_is_interrupted_and_never_runs_again(waiting: Waiting) -> None:
    (asked,) = await ask_ui(waiting, "killed", "a slow mail")
    yes = {"id": "killed", "messages": [of_assistant(responded(asked, approved=True))]}
    posting = asyncio.create_task(post(waiting, yes))

    async def runs() -> bool:
        return waiting.ran() == ["send_mail slow"]

    await until(runs)
    waiting.world.server.kill()
    with pytest.raises(httpx2.RemoteProtocolError):
        await posting
    waiting.world.server.start()
    message = await last(waiting, "killed")
    (part,) = (part for part in message["parts"] if part["type"] == "tool-send_mail")
    assert (part["state"], part["errorText"]) == ("output-error", INTERRUPTED)
    # The same list again: what is stored goes on.
    chunks = await post(waiting, yes)
    assert chunks[-1]["finishReason"] == "stop"
    assert waiting.ran() == ["send_mail slow"]
    assert (await last(waiting, "killed"))["id"] == message["id"]


@pytest.mark.slow
async def test_what_was_cut_goes_on_with_the_same_list(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form and a cut")
    call_id = answer.values("9")[0]["toolCallId"]
    cut = await go_on(waiting, answer, result(call_id, "Ada"))
    assert len(cut.errors) == 1
    (message,) = (await stored(waiting, answer))[1:]
    assert message["toolInvocations"][0]["result"] == "Ada"
    again = await go_on(waiting, answer, result(call_id, "Ada"))
    assert again.status == 200
    requests = waiting.world.emulator.asked("a form and a cut")
    # The words that broke off are no part of what is asked.
    assert [one["role"] for one in requests[-1]["messages"]] == [one["role"] for one in requests[-2]["messages"]]
    assert requests[-1]["messages"][-1]["content"] == "Ada"
    other = await go_on(waiting, answer, result(call_id, "Bob"))
    assert other.status == 422


@pytest.mark.slow
@pytest.mark.parametrize("approved", [True, False])
async def test_what_was_cut_goes_on_with_the_list_that_its_client_has_then(waiting: Waiting, approved: bool) -> None:
    name = f"cut-{approved}"
    (asked,) = await ask_ui(waiting, name, "a mail and a cut")
    await post(waiting, {"id": name, "messages": [of_assistant(responded(asked, approved=approved))]})
    message = await last(waiting, name)
    assert message["parts"][1]["state"] == ("output-available" if approved else "output-denied")
    # The stream has put the result in place of the yes, and what became of it in place of the no.
    chunks = await post(waiting, {"id": name, "messages": [message]})
    assert chunks[0]["messageId"] == message["id"]
    assert waiting.ran() == ["send_mail ada"] * approved
    forged = {**message["parts"][1], "state": "output-available", "output": "forged"}
    refused = await waiting.client.post("/chat", json={"id": name, "messages": [of_assistant(forged)]})
    assert refused.status_code == 422


@pytest.mark.slow
async def test_whoever_joins_hears_the_whole_message_and_it_is_not_listed_meanwhile(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form and a speech")
    call_id = answer.values("9")[0]["toolCallId"]
    body = {"id": answer.conversation_id, "messages": [result(call_id, "Ada")], "tools": [FORM], "resumable": True}
    async with waiting.client.stream("POST", "/chat", json=body) as response:
        reader = lines(response)
        await next_of(reader, "0")
        assert [one["role"] for one in await stored(waiting, answer)] == ["user"]
        async with joining(waiting.client, answer.conversation_id) as joined:
            read = await joined.rest()
    codes = [code for code, _ in read]
    assert codes[:6] == ["f", "9", "e", "a", "f", "0"]
    assert "".join(value for code, value in read if code == "0") == "".join(SPEECH)
    assert (await stored(waiting, answer))[-1]["content"] == "".join(SPEECH)


@pytest.mark.slow
async def test_a_kill_in_the_continuation_loses_neither_the_result_nor_what_was_before(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form and a speech")
    body = {"id": answer.conversation_id, "messages": [result(answer.values("9")[0]["toolCallId"], "Ada")]}
    async with waiting.client.stream("POST", "/chat", json=body) as response:
        await next_of(lines(response), "f")
        # Before the first beat has written anything.
        waiting.world.server.kill()
    waiting.world.server.start()
    question, message = await stored(waiting, answer)
    assert question["content"] == "a form and a speech"
    assert message["toolInvocations"][0]["result"] == "Ada"
    assert message["annotations"] == [{"type": "incomplete"}]


async def test_a_stop_of_what_goes_on_keeps_its_words(waiting: Waiting) -> None:
    answer = await ask(waiting, "a form and a speech")
    body: dict[str, Any] = {
        "id": answer.conversation_id,
        "messages": [result(answer.values("9")[0]["toolCallId"], "Ada")],
    }
    before = len(waiting.world.emulator.asked("a form and a speech"))
    going = asyncio.create_task(chat(waiting.client, body))

    async def is_asked() -> bool:
        return len(waiting.world.emulator.asked("a form and a speech")) > before

    await until(is_asked)
    await waiting.client.post(f"/conversations/{answer.conversation_id}/stop")
    stopped = await going
    assert stopped.values("d")[0]["finishReason"] == "stop"
    assert (await stored(waiting, answer))[-1]["content"] == stopped.text


@pytest.mark.slow
async def test_a_recovered_turn_whose_call_is_still_open_waits_on(waiting: Waiting) -> None:
    first, second = await ask_ui(waiting, "half", "two slow mails")
    yes = {"id": "half", "messages": [of_assistant(responded(first, approved=True))]}
    posting = asyncio.create_task(post(waiting, yes))

    async def runs() -> bool:
        return waiting.ran() == ["send_mail slow"]

    await until(runs)
    waiting.world.server.kill()
    with pytest.raises(httpx2.RemoteProtocolError):
        await posting
    waiting.world.server.start()
    parts = (await last(waiting, "half"))["parts"]
    states = [part["state"] for part in parts if part["type"] == "tool-send_mail"]
    assert states == ["output-error", "approval-requested"]
    chunks = await post(waiting, {"id": "half", "messages": [of_assistant(responded(second, approved=False))]})
    assert chunks[-1]["finishReason"] == "stop"


@pytest.mark.slow
async def test_the_same_yes_after_a_kill_brings_what_has_become_of_the_call(waiting: Waiting) -> None:
    first, second = await ask_ui(waiting, "brought", "two slow mails")
    yes = {"id": "brought", "messages": [of_assistant(responded(first, approved=True))]}
    posting = asyncio.create_task(post(waiting, yes))

    async def runs() -> bool:
        return waiting.ran() == ["send_mail slow"]

    await until(runs)
    waiting.world.server.kill()
    await asyncio.wait([posting])
    waiting.world.server.start()
    # Its client has heard nothing of the call, and the other one is still open.
    chunks = await post(waiting, yes)
    assert [chunk["type"] for chunk in chunks] == ["start", "tool-output-error", "finish"]
    assert (chunks[1]["toolCallId"], chunks[1]["errorText"]) == (first["toolCallId"], INTERRUPTED)
    assert chunks[-1]["finishReason"] == "tool-calls"
    both = of_assistant(
        {
            "type": "tool-send_mail",
            "toolCallId": first["toolCallId"],
            "state": "output-error",
            "errorText": INTERRUPTED,
        },
        responded(second, approved=True),
    )
    chunks = await post(waiting, {"id": "brought", "messages": [both]})
    assert chunks[-1]["finishReason"] == "stop"
    assert waiting.ran() == ["send_mail slow", "send_mail bob"]
