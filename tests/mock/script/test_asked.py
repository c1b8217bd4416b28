"""What a header or a line asks: read into faults, or refused in words."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.mock.script.asked import KNOWN, Asked, AskedError, model_fault, read_asked, split_message
from mockbackend.mock.script.corners import CORNERS
from mockbackend.mock.script.help import help_text
from mockbackend.mock.script.wire import DEFAULTS, MEANINGS, Silence, Wire

WORDS = [
    ("cut=3", Wire(cut=3)),
    ("cut = 3", Wire(cut=3)),
    ('cut="3"', Wire(cut=3)),
    ("cut=0", Wire(cut=0)),
    ("status=429,retry_after=1", Wire(status=429, retry_after=1)),
    ("status=503, retry_after='Wed, 21 Oct 2026 07:28:00 GMT'", Wire(503, "Wed, 21 Oct 2026 07:28:00 GMT")),
    ('status=500,message="a, b = \\"c\\" \\\\"', Wire(status=500, message='a, b = "c" \\')),
    ("status=500,message=429", Wire(status=500, message="429")),
    ("silence.after=3,silence.seconds=5", Wire(silence=Silence(5, 3))),
    ("silence.seconds=0.5,cut=2,silence.after=2", Wire(cut=2, silence=Silence(0.5, 2))),
    ("silence after 3 seconds 5", Wire(silence=Silence(5, 3))),
    ("silence seconds 5", Wire(silence=Silence(5))),
    ("buffered", Wire(buffered=True)),
    ("buffered=true,cut=1", Wire(buffered=True, cut=1)),
    ("drop tool_result delay 1.5", Wire(drop="tool_result", delay=1.5)),
    ("corner=proxy_buffers", Wire(buffered=True)),
    ("corner=load_balancer_idle_60_s,silence.seconds=0.2", Wire(silence=Silence(0.2, 4), cut=4)),
]


@pytest.mark.parametrize(("text", "wire"), WORDS)
@pytest.mark.parametrize("is_header", [True, False])
def test_words_are_read_into_a_fault(text: str, wire: Wire, is_header: bool) -> None:
    assert read_asked(text if is_header else None, [] if is_header else [text]) == Asked(wire)


REFUSED = [
    ("cutt=3", "unknown key 'cutt'; did you mean 'cut'?"),
    ("corner=asyncfilter", "there is no corner 'asyncfilter'; did you mean 'async_filter'?"),
    ("zzz", "unknown key 'zzz'; known: status, "),
    ("cut=-1", "cut: must be at least 0, not -1."),
    ("cut=1e9", "cut: must be a whole number, not '1e9'."),
    ("cut=99999999", "cut: must be at most 1000000, not 99999999."),
    ("cut=1.5", "cut: must be a whole number, not 1.5."),
    ("cut=" + "9" * 5000, "cut: must be a whole number, not '99"),
    ("repeat=0", "repeat: must be at least 1, not 0."),
    ("split=0", "split: must be at least 1, not 0."),
    ("delay=nan", "delay: must be a number, not 'nan'."),
    ("delay=86400", "delay: must be at most 3600, not 86400."),
    ("status=99", "status: must be at least 200, not 99."),
    ("drop=text", "drop: must be 'tool_result', not 'text'."),
    ("cut", "'cut' has no value."),
    ("", "say what is to happen, for example"),
    (",", "',' has no key."),
    ("=3", "'=3' has no key."),
    ("cut=3,cut=4", "'cut' is given twice."),
    ("silence.after=1,silence.after=2,silence.seconds=1", "'silence.after' is given twice."),
    ("silence.after=1", "silence.seconds: is missing."),
    ("silence=5", "'silence' has parts: give silence.seconds and silence.after."),
    ("silence.length=5", "'silence' has parts"),
    ("cut.after=5", "'cut' has no parts: give cut alone."),
    ("message='x", "a quotation mark has no partner."),
    ("'cut'=3", "unknown key 'cut'"),
    ("status=429,cut=3", "cut: leave it out, since 'status' answers in place of the call."),
    ("retry_after=1", "retry_after: belongs to 'status': give that too."),
    ("status=503,body=html,message=x", "message: is the text of a JSON body"),
    ("status=429,retry_after='m\u00e4rz'", "retry_after: goes into a header: write it in printable ASCII."),
    ("cut=3,end=4", "end: 'cut' ends the stream as well: choose one."),
    ("buffered,hold=1", "hold: leave it out, since 'buffered' sends all at once."),
    ("corner=proxy_buffers,split=1", "split: leave it out, since 'buffered' sends all at once."),
    ("x" * 8000, "unknown key 'xxx"),
    ("cut=3 " * 1300, "'cut' is given twice."),
]


@pytest.mark.parametrize(("text", "words"), REFUSED, ids=lambda value: value[:30])
def test_what_cannot_be_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(AskedError) as refused:
        read_asked(text, [])
    assert str(refused.value).startswith(f"X-Mock: {words}")
    assert len(str(refused.value)) < 300
    with pytest.raises(AskedError, match=r"^/mock: "):
        read_asked(None, [text])


def test_a_header_and_lines_ask_together() -> None:
    assert read_asked("delay=1", ["cut 3", "split 2"]) == Asked(Wire(delay=1, cut=3, split=2))
    assert read_asked(None, []) is None
    with pytest.raises(AskedError, match="'cut' is given twice"):
        read_asked("cut=3", ["cut 3"])


MESSAGES = [
    ("Hello", [], "Hello"),
    ("/mock cut 3\nHello", ["cut 3"], "Hello"),
    ("/mock cut 3\r\n/mock delay 1\r\n\r\nHello\nthere", ["cut 3", "delay 1"], "Hello\nthere"),
    ("/mock cut 3", ["cut 3"], "/mock cut 3"),
    ("/mock cut 3\n  \n", ["cut 3"], "/mock cut 3\n  \n"),
    ("/mock\nHello", [""], "Hello"),
    ("/mock\tcut 3\n  indented", ["cut 3"], "  indented"),
    ("/mockery is cheap", [], "/mockery is cheap"),
    ("Look: /mock cut 3", [], "Look: /mock cut 3"),
    ("Hello\n/mock cut 3", [], "Hello\n/mock cut 3"),
    (" /mock cut 3\nHello", [], " /mock cut 3\nHello"),
]


@pytest.mark.parametrize(("text", "commands", "answered"), MESSAGES)
def test_a_message_is_split_after_the_lines_at_its_start(text: str, commands: list[str], answered: str) -> None:
    assert split_message(text) == (commands, answered)


def test_a_message_of_many_lines_is_split_at_once() -> None:
    commands, answered = split_message("/mock cut 3\n" * 50_000 + "Hello")
    assert (len(commands), answered) == (50_000, "Hello")


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    for header, commands in ((text, []), (None, [text])):
        with suppress(AskedError):
            assert isinstance(read_asked(header, commands), Asked)
    commands, answered = split_message(text)
    assert text.endswith(answered)
    assert commands or answered == text


def wires() -> st.SearchStrategy[Any]:
    lines, seconds = st.integers(0, 10**6), st.floats(0, 3600).map(lambda value: round(value, 3))
    silence = st.builds(Silence, seconds, lines)
    faults = st.builds(Wire, delay=seconds.filter(bool), cut=lines, silence=silence, repeat=st.integers(1, 10**6))
    words = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)
    replaced = st.builds(Wire, status=st.integers(200, 599), message=words, retry_after=seconds)
    return faults | replaced


@given(wires())
def test_a_fault_written_as_pairs_is_read_again(wire: Wire) -> None:
    def pairs(fault: dict[str, Any], above: str = "") -> list[str]:
        flat: list[str] = []
        for key, value in fault.items():
            if isinstance(value, dict):
                flat += pairs(value, f"{key}.")
            else:
                text = f"{value:.3f}" if isinstance(value, float) else str(value)
                flat.append(f'{above}{key}="{text.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"')
        return flat

    assert read_asked(",".join(pairs(msgspec.to_builtins(wire))), []) == Asked(wire)


def test_every_corner_is_a_fault_of_one_side() -> None:
    for name, corner in CORNERS.items():
        asked = read_asked(f"corner={name}", [])
        assert asked is not None
        of_model = [call for call in ("chat", "image") if model_fault(asked, call)]
        assert bool(of_model) != (asked.wire is not None), name
        assert asked.wire == (corner.value if isinstance(corner.value, Wire) else None)


def test_a_corner_of_the_model_and_a_fault_of_the_wire_stand_together() -> None:
    assert read_asked("corner=async_filter,cut=3", []) == Asked(Wire(cut=3), "async_filter")


def test_help_names_all_that_can_be_asked() -> None:
    assert read_asked(None, ["help"]) == Asked(help=True)
    assert set(MEANINGS) == set(DEFAULTS) == set(KNOWN) - {"corner", "help"}
    for name in [*MEANINGS, *CORNERS]:
        assert f"- `{name}`: " in help_text()
