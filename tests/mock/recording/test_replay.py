"""What was recorded of the emulator is replayed byte for byte, on the front end's side and on the model's."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mockbackend.mock.pytest_plugin import MockError, Scenario
from mockbackend.mock.script.corners import CORNERS
from mockbackend.mock.script.raw import Raw, end_text, head_text, piece_text, read_raw
from mockbackend.mock.script.wire import Wire
from tests.harness.api import say
from tests.harness.emulator import Emulator, read_deltas
from tests.harness.service import Server
from tests.mock.recording.conftest import Studio, files_of
from tests.routes.files.listing import ready

MODEL_CORNERS = {name: corner for name, corner in CORNERS.items() if not isinstance(corner.value, Wire)}
TIME = {"tool_calls": [{"name": "get_current_time", "arguments": {"timezone": "Europe/Oslo"}}]}
DRAWN = {"tool_calls": [{"name": "generate_image", "arguments": {"prompt": "a fox"}}]}
FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "status": 429, "retry_after_ms": 20},
    {"kind": "status", "status": 502, "body": "html", "retry_after_ms": 20},
    {"kind": "status", "status": 503, "body": "empty", "retry_after_ms": 20},
    {"kind": "html"},
    {"kind": "error_200"},
    {"kind": "cut", "after": 2},
    {"kind": "end", "after": 2},
    {"kind": "no_done"},
    {"kind": "malformed", "after": 2},
    {"kind": "error_event", "after": 2},
    {"kind": "stall", "after": 2, "seconds": 0.05},
    {"kind": "filter_down"},
]
RULES: list[dict[str, Any]] = [
    {
        "when": "what time",
        "steps": [TIME, TIME, DRAWN, {"reasoning": "Well.", "text": ["It is ", "late: 😀 ", "näin."]}],
    },
    {"when": "equal", "respond": [{"text": "the first"}, {"text": "the second"}]},
    *({"when": f"corner {name}", "corner": name} for name, one in MODEL_CORNERS.items() if one.calls != "image"),
    *(
        {"kind": "image", "when": f"corner {name}", "corner": name}
        for name, one in MODEL_CORNERS.items()
        if one.calls != "chat"
    ),
    *({"when": f"fault {number}.", "times": 1, "fault": fault} for number, fault in enumerate(FAULTS)),
    {"kind": "image", "when": "forbidden", "fault": {"kind": "image_refused"}},
    {"kind": "image", "when": "gone", "fault": {"kind": "image_gone"}},
]
QUESTIONS: list[dict[str, Any]] = [
    {"message": "hello there"},
    # A loop of four steps, and a second turn of its conversation.
    {"message": "what time is it?", "id": "trip"},
    {"message": "thank you", "id": "trip"},
    {"message": "a red fox", "mode": "image", "id": "fox"},
]
IN_BOTH = QUESTIONS[:1]
TWICE: list[dict[str, Any]] = [{"message": "equal"}, {"message": "equal"}]
IMAGES: list[dict[str, Any]] = [
    {"message": "something forbidden", "mode": "image"},
    {"message": "gone", "mode": "image"},
    *({"message": f"corner {name}", "mode": "image"} for name, one in MODEL_CORNERS.items() if one.calls != "chat"),
]
ANSWERS: list[dict[str, Any]] = [
    *({"message": f"corner {name}"} for name, one in MODEL_CORNERS.items() if one.calls != "image"),
    *({"message": f"fault {number}."} for number in range(len(FAULTS))),
]
LOOP_AGAIN = {"message": "and what time is it now?", "id": "trip"}
# Beside the questions: one of each kind, and then all others.
FEW = [*TWICE, IMAGES[0], ANSWERS[0], ANSWERS[-len(FAULTS)]]
OTHERS = [LOOP_AGAIN, *(one for one in (*IMAGES, *ANSWERS) if one not in FEW)]
# What does not say when to ask again is not asked again.
FEW_TRIES = {"UPSTREAM_MAX_TRIES": "2", "UPSTREAM_MAX_WAIT_SECONDS": "0.1"}


async def all_asked(server: Server, headers: dict[str, str], questions: list[dict[str, Any]]) -> list[bytes]:
    """What a front end reads of all these, and what is stored."""
    async with server.client("ada") as client:
        client.headers.update(headers)
        read = [
            (await client.post("/chat", params={"protocol": protocol}, json=question)).content
            for question in questions
            for protocol in (("data", "ui") if question in IN_BOTH else ("data",))
        ]
        read.append((await client.get("/conversations/trip")).content)
        image = (await client.get("/conversations/fox")).json()["messages"][-1]["content"].split("(")[1].split(")")[0]
        read.append((await client.get(httpx2.URL(image).path)).content)
    return [without_host(one, server) for one in read]


def without_host(body: bytes, server: Server) -> bytes:
    """A body without the address that it came from."""
    return body.replace(server.url.removeprefix("http://").encode(), b"host")


def answers_of(folder: Path) -> dict[str, Raw]:
    """What the model has sent, by file."""
    return {name: read_raw(text) for name, text in files_of(folder).items() if name.endswith(".sse")}


def seen(raw: Raw, length: int | None) -> tuple[Any, ...]:
    """All of an answer but its times."""
    return raw.wire, raw.status, raw.headers, raw.body[:length], raw.ending if length is None else None


@pytest.mark.slow
@pytest.mark.parametrize("more", [pytest.param(FEW, id="few"), pytest.param(OTHERS, id="others")])
@pytest.mark.parametrize(
    ("api", "image", "scenario"),
    [
        ("chat", "dall-e-3", "default"),
        # What is played over this wire is compared in test_played.
        ("responses", "gpt-image-1", "a-name"),
    ],
)
async def test_a_replay_is_equal_on_both_sides(
    studio: Studio, api: str, image: str, scenario: str, more: list[dict[str, Any]]
) -> None:
    questions = [*QUESTIONS, *more]
    wire = {"AZURE_OPENAI_API": api, **FEW_TRIES}
    headers = {} if scenario == "default" else {"x-mock-scenario": scenario}
    with studio.emulator(RULES) as emulator:
        settings = emulator.settings("v1" if api == "responses" else "2024-10-21", image=image)
        recorded = await all_asked(server := studio.recording(settings, **wire), headers, questions)
        server.stop()
    within = studio.folder if scenario == "default" else studio.folder / scenario
    assert within.joinpath("seed.yaml").exists()
    again = studio.folder.with_name("again")
    replayed = await all_asked(server := studio.replaying(None, MOCK_RECORD=str(again), **wire), headers, questions)
    for question, (before, after) in zip(questions, zip(recorded, replayed, strict=True), strict=False):
        assert after == before, question
    assert replayed == recorded
    server.stop()
    first, second = answers_of(studio.folder), answers_of(again)
    assert set(first) == set(second)
    assert len(first) > len(questions)
    for name, raw in first.items():
        # How much has come of what nobody reads any more is chance.
        is_left = "left" in (raw.ending, second[name].ending)
        length = min(len(raw.body), len(second[name].body)) if is_left else None
        assert seen(second[name], length) == seen(raw, length), name


@pytest.mark.slow
async def test_a_recording_is_edited_by_hand(studio: Studio) -> None:
    with studio.emulator(RULES) as emulator:
        server = studio.recording(emulator.settings(), **FEW_TRIES)
        async with server.client() as client:
            before = await say(client, "what time is it?")
            await say(client, "hello there")
        server.stop()
    path = studio.folder / "01-what-time-is-it.yaml"
    text = path.read_text()
    assert text.count("raw: 01-what-time-is-it.") == 4
    lines = [line for line in text.splitlines() if "raw:" not in line]
    path.write_text("\n".join(lines).replace("late", "early").replace("Europe/Oslo", "Europe/Paris") + "\n")
    for file in studio.folder.glob("01-*.sse"):
        file.unlink()
    # One that a person wrote, between the others.
    studio.write("02-by-hand.yaml", b"rules:\n- {when: {equals: bye}, text: See you.}\n")
    async with studio.replaying().client() as client:
        answer = await say(client, "what time is it?")
        # The words come as the emulator says them.
        assert re.sub("0+", "0", answer.codes) == re.sub("0+", "0", before.codes)
        assert answer.text == "It is early: 😀 näin."
        assert {value["args"]["timezone"] for value in answer.values("9")[:2]} == {"Europe/Paris"}
        assert (await say(client, "bye")).text == "See you."
        assert (await say(client, "hello there")).text == "You said: hello there"


async def test_an_unknown_call_is_told_the_nearest_recorded_ones_and_what_differs(studio: Studio) -> None:
    studio.write(
        "01-plan-a-trip.yaml",
        {"recording": 1, "rules": [{"when": {"equals": "Plan a trip", "turn": 1}, "text": "To Oslo."}]},
    )
    studio.write("02-a-fox.yaml", {"recording": 1, "rules": [{"kind": "image", "when": {"equals": "a fox"}}]})
    studio.write("other/01-hi.yaml", {"rules": [{"when": {"equals": "hi", "turn": 1}, "once": True, "text": "Hello."}]})
    async with studio.replaying().client() as client:
        assert (await say(client, "Plan a trip", "trip")).text == "To Oslo."
        (error,) = (await say(client, "Plan a trap")).errors
        assert "01-plan-a-trip.yaml, rule 0 (Plan a trip): its text is 'Plan a trip', not 'Plan a trap'" in error
        (error,) = (await say(client, "Plan a trip", "trip")).errors
        assert "its turn is 1, not 2" in error
        (error,) = (await say(client, "a red fox", mode="image")).errors
        assert "02-a-fox.yaml, rule 1 (a fox): its text is 'a fox', not 'a red fox'" in error
        other = {"x-mock-scenario": "other"}
        for _ in range(2):
            answer = await client.post("/chat", json={"message": "hi"}, headers=other)
        assert "01-hi.yaml, rule 0 (hi): it has served as often as it may" in answer.text
        report = (await client.get("/__mock__/scenarios/default/report")).json()
        assert [finding["code"] for finding in report["findings"]] == ["rule_never_served", *["unmatched_call"] * 3]
        assert not report["ok"]


@pytest.mark.slow
async def test_documents_are_found_by_the_vectors_that_were_recorded(studio: Studio) -> None:
    """The embeddings of a document belong to the scenario that it was sent to."""
    headers = {"x-mock-scenario": "papers"}
    with studio.emulator(
        [
            {
                "when": "fox",
                "steps": [
                    {"tool_calls": [{"name": "search_documents", "arguments": {"query": "red fox"}}]},
                    {"text": "It sleeps."},
                ],
            }
        ]
    ) as emulator:
        server = studio.recording(emulator.settings(embedding="text-embedding-3-small"))
        before = await searched(server, headers)
        server.stop()
    server = studio.replaying()
    after = await searched(server, headers)
    assert after == before
    async with server.client() as client:
        calls = (await client.get("/__mock__/scenarios/papers/journal", params={"on": "embedding"})).json()
        assert [call["status"] for call in calls] == [200, 200]
        await client.post("/files", files={"file": ("b.txt", b"An owl wakes.")}, headers=headers)
        query: dict[str, str | int] = {"on": "embedding", "wait": 3}
        calls = (await client.get("/__mock__/scenarios/papers/journal", params=query)).json()
        assert calls[2]["status"] == 404


async def searched(server: Server, headers: dict[str, str]) -> bytes:
    """The answer about a document that was uploaded."""
    async with server.client() as client:
        client.headers.update(headers)
        uploaded = await client.post("/files", files={"file": ("a.txt", b"The red fox sleeps in the snow.")})
        await ready(client, uploaded.json()[0]["id"])
        answer = (await client.post("/chat", json={"message": "Where is the fox?"})).content
    return without_host(answer, server)


@pytest.mark.slow
async def test_other_programs_and_pytest_replay_a_folder(studio: Studio) -> None:
    event = b'data: {"choices":[{"index":0,"delta":{"content":"As it came."},"finish_reason":"stop"}]}\n\n'
    raw = head_text("chat/completions", 200, 1, {"content-type": "text/event-stream"})
    studio.write("trip/01-hi.1.sse", raw + piece_text(1, event) + end_text(2, "end"))
    studio.write("trip/01-hi.yaml", {"rules": [{"when": "hi", "text": "Words.", "raw": "01-hi.1.sse"}]})
    studio.write("01-hi.yaml", {"rules": [{"when": "hi", "text": "Of default."}]})
    with Emulator(studio.folder) as emulator:
        async with emulator.v1() as client:
            client.api_key = "trip"
            asked: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
            whole = await client.chat.completions.create(**asked)
            stream = await client.chat.completions.create(**asked, stream=True)
            assert [text async for text in read_deltas(stream)] == ["As it came."]
        # What was recorded of a stream is words to who wants none.
        assert whole.choices[0].message.content == "Words."
        assert (await emulator.stream("hi")).texts == ["Of", " default."]
        assert (await emulator.chat("bye")).status_code == 404
    server = studio.start({})
    made = Scenario({"url": server.url, "login": "u:p"}, "my-test")
    await asyncio.to_thread(made.rules, studio.folder / "trip")
    async with server.client() as client_of_it:
        named = {"x-mock-scenario": "my-test"}
        answer = await client_of_it.post("/chat", json={"message": "hi"}, headers=named)
        assert '0:"As it came."' in answer.text
    studio.write("trip/02-bad.yaml", b"rules: [{txt: hi}]")
    with pytest.raises(MockError, match=r"02-bad\.yaml: rule 1: txt: unknown key"):
        await asyncio.to_thread(made.rules, studio.folder / "trip")
