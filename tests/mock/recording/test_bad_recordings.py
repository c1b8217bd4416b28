"""Recordings that cannot be used, each told in words; and one that is edited while it is replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mockbackend.mock.script import ScriptError, load_scenarios
from mockbackend.mock.script.raw import Raw, RawError, end_text, head_text, piece_text, read_raw
from tests.harness.api import say
from tests.harness.waiting import until
from tests.mock.recording.conftest import Studio

HEAD = b": chat/completions 200 @12\n: content-type: text/event-stream\n"
RULE = b"recording: 1\nrules:\n- {when: {equals: hi}, steps: [{text: Hello., raw: 01-hi.1.sse}]}\n"
WHOLE = HEAD + b": @14\ndata: {}\n\n\n: @15 end\n"
WITHOUT = "record it again, or delete this 'raw': then the words beside it are the answer"
BAD: dict[str, tuple[dict[str, bytes | None], str]] = {
    "nothing": ({}, "there is no script or recording in it"),
    "other files": ({"a.sse": WHOLE, "readme.txt": b""}, "there is no script or recording in it"),
    "a folder for a file": ({"01-hi.yaml": RULE}, "rule 1: steps[0].raw: 01-hi.1.sse cannot be read: No such file"),
    "half written": (
        {"01-hi.yaml": RULE, "01-hi.1.sse": WHOLE[:-10]},
        f"it was not written to its end: its last line must be as ': @1234 end'; {WITHOUT}",
    ),
    "empty": ({"01-hi.yaml": RULE, "01-hi.1.sse": b""}, "line 1 must be as ': chat/completions 200 @213'"),
    "damaged mark": (
        {"01-hi.yaml": RULE, "01-hi.1.sse": WHOLE.replace(b"@14", b"@1x4")},
        "01-hi.1.sse: line 3 is damaged",
    ),
    "damaged head": (
        {"01-hi.yaml": RULE, "01-hi.1.sse": WHOLE.replace(b": content-type:", b"content")},
        "01-hi.1.sse: line 2 is damaged",
    ),
    "out of order": (
        {"01-hi.yaml": RULE, "01-hi.1.sse": HEAD + b": @14\na\n: @3\nb\n: @15 end\n"},
        "line 5 is damaged: its time is before",
    ),
    "after the end": ({"01-hi.yaml": RULE, "01-hi.1.sse": WHOLE + b"data: more\n"}, "something follows the end"),
    "newer": (
        {"01-hi.yaml": b"recording: 2\nspirit: new\nrules: []\n"},
        "was recorded by a newer version of Mock Backend (form 2; this one reads 1)",
    ),
    "half a script": ({"01-hi.yaml": RULE[:-20]}, "01-hi.yaml: cannot be read: line"),
    "not YAML": ({"01-hi.yaml": b"\xff\xfe"}, "01-hi.yaml: cannot be read: it is not UTF-8"),
    "unknown key": ({"01-hi.yaml": b"rules: [{txt: hi}]"}, "unknown key; did you mean 'text'?"),
    "outside": ({"01-hi.yaml": b"rules: [{raw: ../a.sse}]"}, "../a.sse is outside the script's folder"),
    "two seeds": (
        {"a.yaml": b"{seed: 7, rules: [{text: a}]}", "b.yaml": b"{seed: 8, rules: []}"},
        "b.yaml: seed is 8 here, but 7 in a.yaml; a scenario has one",
    ),
    "a name": ({"my test/a.yaml": b"rules: [{text: a}]"}, "my test: this cannot be a scenario's name."),
    "default": ({"default/a.yaml": b"rules: [{text: a}]"}, "the files of default stand beside the folders"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_recording_that_cannot_be_used_is_told_in_words(tmp_path: Path, name: str) -> None:
    files, words = BAD[name]
    for file, content in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(content or b"")
    with pytest.raises(ScriptError) as raised:
        load_scenarios(tmp_path)
    assert words in str(raised.value)
    assert str(tmp_path) in str(raised.value)


def test_all_problems_of_a_folder_are_told_at_once(tmp_path: Path, studio: Studio) -> None:
    studio.write("a.yaml", b"rules: [{txt: a}]")
    studio.write("one/b.yaml", b"rules: [")
    with pytest.raises(RuntimeError, match="exited with 2") as raised:
        studio.replaying()
    told = [line for line in str(raised.value).splitlines() if line.startswith("MOCK_SCRIPT: ")]
    assert [Path(line.split(": ")[1]).name for line in told] == ["a.yaml", "b.yaml"]


@pytest.mark.parametrize(
    "content", [b"", b"data: 1\n\n", b": @5 end\n", b":: @5\n", b"a\r\n: @5\r\n", b"\xff\x00", b"x" * 9]
)
def test_a_piece_comes_back_as_it_was(content: bytes) -> None:
    head = head_text("responses", 200, 3, {"content-type": "text/event-stream"})
    text = head + piece_text(4, content) + piece_text(4, b"data: 2\n\n") + end_text(6, "cut")
    raw = read_raw(text)
    # Two may come within a millisecond.
    expected = ((4, content), (4, b"data: 2\n\n"))
    assert raw == Raw("responses", 200, 3, {"content-type": "text/event-stream"}, expected, 6, "cut")
    for cut in range(len(text) - 1):
        with pytest.raises(RawError):
            read_raw(text[:cut])


@pytest.mark.slow
async def test_a_folder_is_watched_and_a_broken_edit_keeps_the_old(studio: Studio) -> None:
    studio.write("01-hi.yaml", b"rules: [{when: hi, text: one}]")
    studio.write("trip/01-hi.yaml", b"rules: [{when: hi, text: one}]")
    server = studio.replaying()
    async with server.client() as client:
        assert (await say(client, "hi")).text == "one"
        studio.write("trip/02-bye.yaml", b"rules: [{when: bye, text: two}]")
        await until(lambda: _has(client, "trip", 2))
        studio.write("01-hi.yaml", b"rules: [{when: hi, txt: one}]")
        await until(lambda: _has(client, "default", 1, problems=1))
        assert (await say(client, "hi")).text == "one"
        assert "01-hi.yaml: rule 1: txt: unknown key" in server.log


async def _has(client: Any, name: str, rules: int, problems: int = 0) -> bool:
    state = (await client.get(f"/__mock__/scenarios/{name}")).json()
    return len(state["rules"]) == rules and len(state["problems"]) == problems


@pytest.mark.slow
async def test_over_http_a_recording_has_its_answers_in_it_and_names_no_files(studio: Studio) -> None:
    studio.write("01-hi.yaml", RULE)
    studio.write("01-hi.1.sse", WHOLE)
    document = load_scenarios(studio.folder)["default"]
    server = studio.start({})
    async with server.client() as client:
        path = "/__mock__/scenarios/mine"
        assert (await client.put(path, json=document)).status_code == 200
        answer = await client.post("/chat", json={"message": "hi"}, headers={"x-mock-scenario": "mine"})
        assert "stopped early" in answer.text or "3:" in answer.text
        refused = await client.put(
            path, json={"rules": [{"raw": "01-hi.1.sse"}, {"raw": "data:text/event-stream;base64,AAAA"}]}
        )
        assert refused.status_code == 422
        first, second = refused.json()["problems"]
        assert "only a file's script names files" in first["message"]
        assert "line 1 must be as" in second["message"]
