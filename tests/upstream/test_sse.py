"""upstream/sse.py against a decoder that follows the standard word by word, however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from mockbackend.upstream.sse import EventDecoder

_text = st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=12)
_line = st.one_of(
    _text.map(lambda text: f"data: {text}"),
    _text.map(lambda text: f"data:{text}"),
    _text.map(lambda text: f": {text}"),
    _text.map(lambda text: f"event: {text}"),
    st.sampled_from(["id: 1", "retry: 10", "datax: 1", ":", "", "", ""]),
)
_stream = st.lists(st.tuples(_line, st.sampled_from(["\n", "\r\n"])), max_size=20).map(
    lambda lines: "".join(line + end for line, end in lines).encode()
)


def _reference(stream: bytes) -> list[bytes]:
    """WHATWG HTML, 9.2.6, for a stream that is here as a whole."""
    events: list[bytes] = []
    data: list[bytes] = []
    *lines, _ = stream.replace(b"\r\n", b"\n").split(b"\n")
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
