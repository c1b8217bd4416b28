"""What is written while a real engine answers, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import yaml

from mockbackend.mock.recording import tap as taps
from mockbackend.mock.recording.secrets import Secrets
from mockbackend.mock.recording.tap import Held, Tap
from mockbackend.mock.recording.turn_file import Call, TurnFile
from mockbackend.mock.recording.words import chat_words
from mockbackend.mock.script import load_scenarios
from mockbackend.mock.script.raw import Raw, read_raw
from tests.harness.api import error_of, say
from tests.harness.raw_model import DONE, STOP, STREAM, RawUpstream, refusal, words
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.mock.recording.conftest import Studio, files_of
from tests.storage.embedded.test_full_disk import disk, fill

__all__ = ["disk"]

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
SIGNED = "https://store.blob.core.windows.net/private/a.png?se=2026-01-01T00%3A00Z&sp=r&sig=abCD%2F12345%3D"
SECRETS = (
    *(
        "the-key-of-the-account",
        "sk-proj-abcdefghijklmnop1234",
        JWT,
        "abCD%2F12345",
        "hunter2-hunter2",
        "p4ssw0rd-of-it",
    ),
    *("0f1e2d3c-aaaa-bbbb-cccc-1234567890ab", "session=s3cr3t-cookie", "dXNlcjpwYXNzd29yZC1vZg=="),
)
TOLD = (
    f"Bearer {JWT} and api-key: hunter2-hunter2 at {SIGNED} or https://me:p4ssw0rd-of-it@example.com/x with "
    "sk-proj-abcdefghijklmnop1234, Cookie: session=s3cr3t-cookie; Authorization: Basic dXNlcjpwYXNzd29yZC1vZg== "
)
REPLIES = {
    "leak": (STREAM, words(TOLD), words("the-key-of-the-"), words("account"), STOP, DONE),
    "echo": (STREAM, words(TOLD + "the-key-of-the-account"), STOP, DONE),
    "refused": refusal(
        400,
        {"error": {"message": f"No. {TOLD} (request id: 0f1e2d3c-aaaa-bbbb-cccc-1234567890ab)", "code": "no"}},
    ),
}


async def test_nothing_secret_is_in_a_file(studio: Studio) -> None:
    with RawUpstream(REPLIES) as model:
        settings = {**model.settings, "OPENAI_API_KEY": "the-key-of-the-account"}
        server = studio.recording(settings, UPSTREAM_MAX_TRIES="1")
        async with server.client() as client:
            for question in REPLIES:
                await say(client, question)
            assert (await say(client, f"echo of {TOLD}")).text == "fine"
        server.stop()
        address = model.settings["OPENAI_BASE_URL"].partition("//")[2].partition("/")[0]
    found = files_of(studio.folder)
    assert len(found) >= 2 * len(REPLIES)
    for name, content in found.items():
        for secret in (*SECRETS, address, "authorization: bearer"):
            assert secret.encode() not in content, (name, secret)
    assert "02-echo.1.sse" in found
    # What a user has said is found all the same, whatever stood in place of what is hidden.
    (rule,) = load_scenarios(studio.folder / "04-echo-of-bearer-and-api-key-at-https-stor.yaml")["default"]["rules"]
    assert "regex" in rule["when"]


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        ("chat/completions", [words("sk-proj-abcdefghijklmnop1234"), words("the-key-of-"), words("the-account")]),
        ("chat/completions", [words("the-key/of"), b'data: {"choices":[{"delta":{"content":"the-key\\/of"}}]}\n\n']),
        (
            "responses",
            [
                b'data: {"type":"response.output_text.delta","delta":"the-key-of-"}\n\n',
                b'data: {"type":"response.output_text.delta","delta":"the-account"}\n\n',
                b'data: {"type":"response.output_text.done","text":"the-key-of-the-account"}\n\n',
            ],
        ),
        (
            "responses",
            [
                b'data: {"type":"response.function_call_arguments.delta","output_index":0,"delta":"the-key-of-"}\n\n',
                b'data: {"type":"response.function_call_arguments.delta","output_index":1,"delta":"another"}\n\n',
                b'data: {"type":"response.function_call_arguments.delta","output_index":0,"delta":"the-account"}\n\n',
                b'data: {"type":"response.function_call_arguments.done","arguments":"the-key-of-the-account"}\n\n',
            ],
        ),
    ],
    ids=["beside another", "escaped", "and again as a whole", "in calls side by side"],
)
def test_a_stream_that_has_a_secret_in_pieces_is_not_kept(wire: str, said: list[bytes], tmp_path: Path) -> None:
    secrets = Secrets(["the-key-of-the-account", "the-key/of"])
    pieces = tuple((1, one) for one in said)
    for kept, of_it in ((False, pieces), (True, pieces[:1])):
        call = Call("chat", "hi", 1, 1)
        raw = Raw(wire, 200, 0, {"content-type": "text/event-stream"}, of_it, 1, "end")
        assert bool(list(TurnFile(tmp_path, "01-hi", [call]).take(call, raw, secrets))) == kept


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_turns_that_run_at_once_have_a_file_each(studio: Studio, workers: str) -> None:
    with studio.emulator([]) as emulator:
        server = studio.recording(emulator.settings(), WEB_CONCURRENCY=workers)
        clients = [server.client(f"user-{number}") for number in range(8)]
        await asyncio.gather(*(say(client, f"question {number}") for number, client in enumerate(clients)))
        for client in clients:
            await client.aclose()
        server.stop()
    (document,) = load_scenarios(studio.folder).values()
    assert sorted(rule["when"]["equals"] for rule in document["rules"]) == sorted(f"question {n}" for n in range(8))
    assert len({rule["source"].partition("-")[0] for rule in document["rules"]}) == 8
    assert "Traceback" not in server.log


@pytest.mark.slow
async def test_recording_again_overwrites_and_names_what_nothing_wrote(studio: Studio) -> None:
    with studio.emulator([]) as emulator:
        server = studio.recording(emulator.settings())
        async with server.client() as client:
            await say(client, "Plan a trip")
            await say(client, "And another")
            await client.post("/chat", json={"message": "hi"}, headers={"x-mock-scenario": "old"})
        server.stop()
        assert "nothing has written" not in server.log
        first = files_of(studio.folder)
        server = studio.recording(emulator.settings())
        async with server.client() as client:
            await say(client, "Plan a trip")
        server.stop()
    assert set(files_of(studio.folder)) == set(first)
    assert files_of(studio.folder)["01-plan-a-trip.yaml"] == first["01-plan-a-trip.yaml"]
    assert files_of(studio.folder)["seed.yaml"] != first["seed.yaml"]
    (line,) = [line for line in server.log.splitlines() if "nothing has written" in line]
    stale = "02-and-another.1.sse, 02-and-another.yaml, old/01-hi.1.sse, old/01-hi.yaml, old/seed.yaml"
    assert line.endswith(f"nobody needs them: {stale}")


@pytest.mark.slow
async def test_the_header_names_the_folder_and_nothing_else(studio: Studio) -> None:
    with studio.emulator([]) as emulator:
        server = studio.recording(emulator.settings())
        async with server.client() as client:
            named = {"x-mock-scenario": "my-test"}
            await client.post("/chat", json={"message": "hi", "id": "trip"}, headers=named)
            assert [row["id"] for row in (await client.get("/conversations")).json()] == ["trip"]
            mocked = await client.post("/chat", json={"message": "hi"}, headers={**named, "x-mock": "cut=1"})
            assert error_of(mocked, 400)["code"] == "mock_only"
            assert (await client.get("/__mock__/scenarios")).status_code == 404
            outside = await client.post("/chat", json={"message": "hi"}, headers={"x-mock-scenario": "../up"})
            assert error_of(outside, 422)["code"] == "bad_name"
        server.stop()
        calls = emulator.requests()
    assert sorted(files_of(studio.folder)) == ["my-test/01-hi.1.sse", "my-test/01-hi.yaml", "my-test/seed.yaml"]
    assert len(calls) == 1
    async with studio.start(emulator.settings()).client() as client:
        refused = await client.post("/chat", json={"message": "hi"}, headers=named)
        assert error_of(refused, 400)["code"] == "mock_only", "where nothing is recorded"


@pytest.mark.slow
async def test_an_answer_that_its_user_stopped_stands_still_in_the_replay(studio: Studio) -> None:
    with studio.emulator([{"when": "slow", "text": "a b c d e f g h " * 50, "tokens_per_second": 20}]) as emulator:
        server = studio.recording(emulator.settings())
        async with server.client() as client:
            turn = asyncio.create_task(client.post("/chat", json={"message": "slow", "id": "trip"}))
            await until(lambda: _has_begun(emulator))
            await asyncio.sleep(0.2)
            await client.post("/conversations/trip/stop")
            await turn
        server.stop()
    raw = read_raw((studio.folder / "01-slow.1.sse").read_bytes())
    assert raw.ending == "left"
    assert yaml.safe_load((studio.folder / "01-slow.yaml").read_text())["rules"][0]["steps"][0]["text"]


async def _has_begun(emulator: object) -> bool:
    return bool((await emulator.journal())["open"])  # type: ignore[attr-defined]


def test_what_is_too_long_is_left_out_and_nothing_of_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taps, "MAX_ANSWER_BYTES", 100)
    held, done = Held(), list[Raw | None]()
    tap = Tap("chat/completions", held, done.append)
    tap.answered(200, [(b"Content-Type", b"text/event-stream")])
    for _ in range(3):
        tap.data(b"data: " + b"x" * 40 + b"\n\n")
    assert tap._pieces == []
    tap.ended("end")
    tap.ended("cut")
    assert (done, held.bytes) == ([None], 0)
    other = Tap("chat/completions", held, done.append)
    other.answered(200, [(b"Content-Type", b"text/event-stream"), (b"Set-Cookie", b"a=b")])
    other.data(b"data: 1\n\ndata: 2\r\n\r\ndata")
    other.ended("cut")
    raw = done[1]
    assert raw is not None
    assert [piece for _, piece in raw.pieces] == [b"data: 1\n\n", b"data: 2\r\n\r\n", b"data"]
    assert raw.headers == {"content-type": "text/event-stream"}
    # All that are on their way count together.
    monkeypatch.setattr(taps, "MAX_HELD_BYTES", 100)
    first, second = (Tap("chat/completions", held, done.append) for _ in range(2))
    for one in (first, second):
        one.data(b"x" * 60)
    for one in (second, first):
        one.ended("end")
    assert [raw and raw.body for raw in done[2:]] == [None, b"x" * 60]
    assert held.bytes == 0


ODD = (1, "x", [1], {"x": 1}, True)
TOOL_CALL = {"index": 0, "id": "1", "function": {"name": "f", "arguments": "{}"}}
# Of each wire, an event in which each value may be of another kind.
EVENTS: dict[str, dict[str, object]] = {
    "chat/completions": {"choices": [{"delta": {"content": "Hi", "tool_calls": [TOOL_CALL]}}]},
    "responses": {
        "type": "response.incomplete",
        "response": {"incomplete_details": {"reason": "max_output_tokens"}, "usage": {"input_tokens": 1}},
    },
}


def odd(value: object) -> Iterator[object]:
    """The same value, each time with something else in one of its places."""
    yield from ODD
    if isinstance(value, dict):
        yield from ({**value, key: other} for key, one in value.items() for other in odd(one))
    elif isinstance(value, list):
        yield from ([other] for other in odd(value[0]))


@pytest.mark.parametrize("wire", EVENTS)
def test_an_answer_of_any_shape_is_put_into_words(wire: str) -> None:
    for event in odd(EVENTS[wire]):
        pieces = ((1, b"data: " + orjson.dumps(event) + b"\n\n"), (2, b'data: {"error": {}}\n\n'))
        item = chat_words(Raw(wire, 200, 0, {"content-type": "text/event-stream"}, pieces, 3, "cut"))
        assert item["fault"]["kind"] == "cut", event


@pytest.mark.slow
async def test_a_folder_that_cannot_be_written_ends_the_start_in_words(tmp_path: Path, studio: Studio) -> None:
    (tmp_path / "file").write_text("")
    for folder, words_of_it in ((tmp_path / "file", "File exists"), (tmp_path / "file" / "in-it", "Not a directory")):
        with pytest.raises(RuntimeError, match=r"exited with 2") as raised:
            studio.start({"MOCK_RECORD": str(folder)})
        assert f"MOCK_RECORD: {folder} cannot be written ({words_of_it})" in str(raised.value)
    with pytest.raises(RuntimeError) as raised:
        studio.start({"MOCK_RECORD": str(tmp_path), "MOCK_SCRIPT": str(tmp_path)})
    assert "MOCK_RECORD: is what MOCK_SCRIPT replays; record into another folder" in str(raised.value)


@pytest.mark.slow
async def test_a_full_disk_stops_the_recording_and_no_answer(studio: Studio, disk: Path) -> None:
    studio.folder = disk / "recording"
    with studio.emulator([]) as emulator:
        server = studio.recording(emulator.settings())
        async with server.client() as client:
            await say(client, "before")
            ballast = fill(disk)
            assert (await say(client, "while it is full " * 50)).text.startswith("You said: while")
            await until(lambda: _is_in("cannot be written (No space left on device); this is not recorded", server))
            ballast.unlink()
            await say(client, "after")
        server.stop()
    assert [name for name in files_of(studio.folder) if name.endswith(".yaml")][0::2] == ["01-before.yaml", "seed.yaml"]
    assert not [name for name in files_of(studio.folder) if name.endswith(".part")]
    assert load_scenarios(studio.folder)["default"]["rules"][0]["when"]["equals"] == "before"
    assert "Traceback" not in server.log


async def _is_in(words_of_it: str, server: Server) -> bool:
    return words_of_it in server.log
