"""upstream/sse.py against a decoder that follows the standard word by word, however the bytes are cut."""

from __future__ import annotations

import collections
import itertools
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockbackend.upstream.sse import MAX_EVENT_BYTES, EventDecoder, EventTooLarge

_text = st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=12)
_line = st.one_of(
    _text.map(lambda text: f"data: {text}"),
    _text.map(lambda text: f"data:{text}"),
    _text.map(lambda text: f": {text}"),
    _text.map(lambda text: f"event: {text}"),
    st.sampled_from(["id: 1", "retry: 10", "datax: 1", "data", "data:", ":", "\ufeff", "", "", ""]),
)
_lines = st.lists(st.tuples(_line, st.sampled_from(["\n", "\r\n", "\r"])), max_size=20).map(
    lambda lines: "".join(line + end for line, end in lines)
)
_stream = st.builds(lambda mark, lines: (mark + lines).encode(), st.sampled_from(["", "\ufeff"]), _lines)


def _reference(stream: bytes) -> list[bytes]:
    """WHATWG HTML, 9.2.6, for a stream that is here as a whole."""
    events: list[bytes] = []
    data: list[bytes] = []
    stream = stream.removeprefix(b"\xef\xbb\xbf")
    *lines, _ = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    for line in lines:
        if line == b"":
            if data:
                events.append(b"\n".join(data))
            data = []
            continue
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
    return events


@given(_stream, st.lists(st.integers(0, 400), max_size=12))
@example(b"data: 1\r\n\r\n", [8])
@example(b"data: a\ndata: b\n\n", [3, 9, 15])
@example(b"data: a\r\n\r\ndata: b\r\r", [8, 9, 10, 11])
@example(b"\xef\xbb\xbfdata: a\n\n", [1, 2])
def test_the_events_are_the_same_wherever_the_bytes_are_cut(stream: bytes, cuts: list[int]) -> None:
    decoder = EventDecoder()
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    found: list[bytes] = []
    for start, end in pairwise(places):
        found += decoder.feed(stream[start:end])
    assert found == _reference(stream)


@given(_stream)
def test_one_byte_at_a_time_gives_what_one_piece_gives(stream: bytes) -> None:
    single, whole = EventDecoder(), EventDecoder()
    one_by_one = [event for at in range(len(stream)) for event in single.feed(stream[at : at + 1])]
    assert one_by_one == whole.feed(stream)


def test_an_event_that_was_cut_is_never_given() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b'data: {"whole": 1}\n\ndata: {"cut"') == [b'{"whole": 1}']


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail(junk: bytes) -> None:
    EventDecoder().feed(junk)


# The cases of web-platform-tests' eventsource/ that are about the format, by their names there.
WEB_PLATFORM = {
    "event-data": (b"data:msg\ndata:msg\n\n:\ndata:end\n\n", [b"msg\nmsg", b"end"]),
    "format-bom": (b"\xef\xbb\xbfdata:1\n\n\xef\xbb\xbfdata:2\n\ndata:3\n\n", [b"1", b"3"]),
    "format-bom-2": (b"\xef\xbb\xbf\xef\xbb\xbfdata:1\n\ndata:2\n\ndata:3\n\n", [b"2", b"3"]),
    "format-comments": (b"data:1\n:\0\n:\r\ndata:2\n:" + b"x" * 2048 + b"\rdata:3\n:data:fail\r:x\n\n", [b"1\n2\n3"]),
    "format-data-before-final-empty-line": (b"retry:1000\ndata:test1\n\nid:test\ndata:test2", [b"test1"]),
    "format-field-data": (b"data:\n\ndata\ndata\n\ndata:test\n\n", [b"", b"\n", b"test"]),
    "format-field-event": (b"event:test\ndata:x\n\ndata:x\n\n", [b"x", b"x"]),
    "format-field-event-empty": (b"event: \ndata:data\n\n", [b"data"]),
    "format-field-id": (b"id:1\ndata:1\n\nid\ndata:2\n\n", [b"1", b"2"]),
    "format-field-parsing": (
        b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\n"
        b"data:4\n\n",
        [b"\0\n 2\n1\n3\n\n4"],
    ),
    "format-field-retry": (b"retry:3000\ndata:x\n\n", [b"x"]),
    "format-field-unknown": (b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\n\n", [b"test\n"]),
    "format-leading-space": (b"data:\ttest\rdata: \ndata:test\n\n", [b"\ttest\n\ntest"]),
    "format-newlines": (b"data:test\r\ndata\ndata:test\r\n\r\n", [b"test\n\ntest"]),
    "format-null-character": (b"data:\0\n\n\n\n", [b"\0"]),
    "format-utf-8": ("data:ok…\n\n".encode(), ["ok…".encode()]),
}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096])
@pytest.mark.parametrize("name", WEB_PLATFORM)
def test_the_cases_of_the_web_platform(name: str, size: int) -> None:
    stream, expected = WEB_PLATFORM[name]
    decoder = EventDecoder()
    found = [event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])]
    assert found == expected


@pytest.mark.parametrize("line", [b"x" * 65536, b"data: " + b"x" * 65529 + b"\n"])
def test_an_event_that_does_not_end_is_refused_before_it_fills_the_memory(line: bytes) -> None:
    decoder = EventDecoder()
    pieces = itertools.repeat(line, MAX_EVENT_BYTES // len(line) + 1)
    with pytest.raises(EventTooLarge):
        collections.deque(map(decoder.feed, pieces), maxlen=0)


def test_many_events_of_any_size_in_all_are_taken() -> None:
    decoder, event = EventDecoder(), b"data: " + b"x" * 65536 + b"\n\nda"
    decoder.feed(b"da")
    assert all(decoder.feed(event[2:]) for _ in range(2 * MAX_EVENT_BYTES // len(event)))
