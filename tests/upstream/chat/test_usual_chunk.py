"""upstream/chat/usual_chunk.py beside a parser that reads each chunk whole."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockbackend.upstream.chat.usual_chunk import TRIES, UsualChunk

SAFE = {"hate": {"filtered": False, "severity": "safe"}}


def chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What Azure sends for a word."""
    choice = {"content_filter_results": SAFE, "delta": delta, "finish_reason": None, "index": 0, "logprobs": None}
    return {"choices": [{**choice, **more}], "created": 1, "id": "c", "model": "m", "usage": None}


def taught(*chunks: dict[str, Any]) -> UsualChunk:
    usual = UsualChunk()
    for one in chunks:
        usual.learn(orjson.dumps(one), one)
    return usual


@given(st.text(), st.text())
@example("", 'a "quoted" \\ word')
def test_the_word_of_a_usual_chunk_is_found(first: str, then: str) -> None:
    usual = taught(chunk({"content": first}))
    assert usual.word(orjson.dumps(chunk({"content": then}))) == then


@given(st.one_of(st.binary(max_size=20), st.text(max_size=20).map(str.encode)))
@example(b'"a","refusal":"b"')
@example(b'"a"},"delta":{"content":"b"')
@example(b"null")
@example(b'"\\ud800"')
@example(b' "a"\t')
@example(b"")
def test_whatever_stands_in_the_place_of_the_word_is_read_as_the_whole_is(place: bytes) -> None:
    usual = taught(chunk({"content": "a"}))
    before, after = orjson.dumps(chunk({"content": "@"})).split(b'"@"')
    word = usual.word(before + place + after)
    if word is not None:
        assert orjson.loads(before + place + after) == chunk({"content": word})


@pytest.mark.parametrize("key", [b'"cont\\u0065nt":', b'"content" :'])
def test_a_word_in_another_place_is_not_taken_for_the_delta_s(key: bytes) -> None:
    usual = UsualChunk()
    data = b'{"choices": [{"delta": {%b"a"}}], "meta": {"content": "a"}}' % key
    usual.learn(data, orjson.loads(data))
    assert usual.word(data.replace(b'"meta": {"content": "a"', b'"meta": {"content": "b"')) is None


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_chunk_that_is_shorter_than_what_stands_around_the_word_is_none(cut: int) -> None:
    before, after = orjson.dumps(chunk({"content": "@"})).split(b'"@"')
    assert taught(chunk({"content": "a"})).word(before[:-cut] + after) is None
    assert taught(chunk({"content": "a"})).word(before + after[cut:]) is None


OTHERS = {
    "two choices": {"choices": [*chunk({"content": "a"})["choices"], *chunk({"content": "b"})["choices"]]},
    "a call beside the word": chunk({"content": "a", "tool_calls": [{"index": 0}]}),
    "a role beside the word": chunk({"content": "a", "role": "assistant"}),
    "the end": chunk({"content": "a"}, finish_reason="stop"),
    "an error": chunk({"content": "a"}, error={"code": "x"}),
    "the usage": {**chunk({"content": "a"}), "usage": {"prompt_tokens": 1}},
    "parts in place of words": chunk({"content": [{"type": "text", "text": "a"}]}),
    "another place that is called content": {"content": "a", **chunk({"content": "a"})},
    "no word": chunk({}),
    "no choice": {"choices": []},
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_says_more_than_a_word_is_no_usual_chunk(name: str) -> None:
    data = orjson.dumps(OTHERS[name])
    assert taught(OTHERS[name]).word(data) is None


def test_where_each_chunk_is_other_than_the_last_none_is_learned_in_the_end() -> None:
    chunks = [{**chunk({"content": "a"}), "obfuscation": "x" * length} for length in range(TRIES + 1)]
    last = chunks[-1]
    assert taught(*chunks[:-2], last).word(orjson.dumps(last)) == "a"
    assert taught(*chunks).word(orjson.dumps(last)) is None
