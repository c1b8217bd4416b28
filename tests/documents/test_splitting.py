"""Splitting: passages of a size, which cross no place and no heading and lose nothing."""

from __future__ import annotations

import time
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.documents.splitting import split
from mockbackend.storage.passages import Passage

SENTENCE = "The keeper lit the lamp at dusk, and wrote it down."
# Texts as documents have them: paragraphs, sentences, scripts without spaces, accents apart, emoji of several parts.
PIECES = (
    *("word", " ", "\n", "\n\n", ". ", "Ende! ", "漢字の文", "。", "、", "e\u0301", "한", "\u1112\u1161\u11ab"),
    *("\U0001f469\u200d\U0001f680", "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea", "x" * 30, "ก็", "...", "\u00a0"),
)
texts = st.lists(st.sampled_from(PIECES), max_size=120).map("".join)
blocks = st.lists(
    st.builds(Passage, texts, st.sampled_from(("", "page 1", "page 2")), st.sampled_from(("", "A", "A > B"))),
    max_size=6,
)
sizes = st.integers(20, 200).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size // 2)))


def black(text: str) -> str:
    """The text without its white space."""
    return "".join(text.split())


def texts_of(text: str, size: int, overlap: int = 0) -> list[str]:
    return [passage.text for passage in split([Passage(text)], size, overlap)]


@given(blocks, st.integers(1, 200))
def test_nothing_but_white_space_is_lost(given_blocks: list[Passage], size: int) -> None:
    whole = "".join(passage.text for passage in split(given_blocks, size, 0))
    assert black(whole) == black("".join(block.text for block in given_blocks))


@given(blocks, sizes)
def test_every_passage_holds_text_and_is_no_longer_than_the_size(
    given_blocks: list[Passage], measures: tuple[int, int]
) -> None:
    for passage in split(given_blocks, *measures):
        assert 0 < len(passage.text) <= measures[0]
        assert passage.text == passage.text.strip()


@given(texts, sizes)
def test_neighbours_overlap_by_no_more_than_is_asked_and_leave_no_gap(text: str, measures: tuple[int, int]) -> None:
    # Each character is a different one, so that a passage is found in one place only.
    text = "".join(c if c.isspace() or c in ".!。" else chr(0x4E00 + at) for at, c in enumerate(text))
    end = 0
    for passage in texts_of(text, *measures):
        at = text.index(passage, max(end - measures[1], 0))
        assert end - measures[1] <= at
        assert black(text[end : max(at, end)]) == ""
        assert at + len(passage) > end, "no passage lies within the one before it"
        end = at + len(passage)
    assert black(text[end:]) == ""


def test_wide_gaps_between_lines_make_no_passage_that_repeats_the_one_before() -> None:
    passages = texts_of("Defgh0\n\n\n\nDefgh1\n\n\nXy2", 20, 7)
    assert [after for before, after in pairwise(passages) if after in before] == []


@given(texts, sizes)
def test_no_passage_begins_or_ends_within_a_character_as_people_see_it(text: str, measures: tuple[int, int]) -> None:
    for passage in texts_of(text, *measures):
        first, last = passage[0], passage[-1]
        assert "\u200d" not in (first, last)
        assert first not in "\U0001f3fd\u1161\u11ab"
        assert last not in "\u1112"
        # An accent begins a passage only where it has no letter to stand on.
        if unicodedata.category(first)[0] == "M":
            assert any(before + first in text for before in " \n\u00a0") or text.startswith(first)
        flags = [c for c in passage if "\U0001f1e6" <= c <= "\U0001f1ff"]
        assert len(flags) % 2 == 0


@pytest.mark.parametrize(
    "character",
    ["e\u0301", "\U0001f469\u200d\U0001f680", "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea", "\u1112\u1161\u11ab"],
    ids=ascii,
)
@pytest.mark.parametrize("overlap", [0, 7])
def test_a_cut_where_nothing_ends_falls_between_whole_characters(character: str, overlap: int) -> None:
    for size in range(20, 40):
        passages = texts_of(character * 100, size, overlap)
        assert len(passages) > 4
        assert {passage.replace(character, "") for passage in passages} == {""}


def test_a_passage_crosses_neither_a_place_nor_a_heading() -> None:
    given_blocks = [
        Passage("One.", "page 1", "A"),
        Passage("Two.", "page 2", "A"),
        Passage("Three.", "page 2", "A > B"),
        Passage("Four.", "page 2", "A > B"),
        Passage("Five.", "page 2", "A"),
    ]
    assert split(given_blocks, 1000, 100) == [
        Passage("One.", "page 1", "A"),
        Passage("Two.", "page 2", "A"),
        Passage("Three.\n\nFour.", "page 2", "A > B"),
        Passage("Five.", "page 2", "A"),
    ]


def test_a_cut_falls_between_paragraphs_where_it_can() -> None:
    paragraphs = [f"{number} {SENTENCE} {SENTENCE}" for number in range(8)]
    assert texts_of("\n\n".join(paragraphs), 250) == [
        "\n\n".join(paragraphs[start : start + 2]) for start in range(0, 8, 2)
    ]


def test_a_cut_falls_between_sentences_where_there_are_no_paragraphs() -> None:
    for passage in texts_of(" ".join([SENTENCE] * 40), 300, 60):
        assert passage.startswith("The keeper")
        assert passage.endswith("down.")


def test_a_cut_falls_between_words_where_there_are_no_sentences() -> None:
    words = [f"word{number}" for number in range(200)]
    for passage in texts_of(" ".join(words), 100, 20):
        assert set(passage.split()) <= set(words)


def test_text_without_spaces_is_cut_after_its_own_marks() -> None:
    passages = texts_of("灯台守は夕暮れに灯をともし、日誌に書いた。" * 30, 100, 30)
    assert len(passages) > 5
    for passage in passages:
        assert passage.startswith("灯台守")
        assert passage.endswith("。")


def test_the_end_is_no_scrap() -> None:
    passages = texts_of(" ".join([SENTENCE] * 21), 1000, 100)
    assert len(passages) == 2
    assert min(map(len, passages)) > 300


def test_neighbours_share_what_is_asked_for() -> None:
    first, second = texts_of(" ".join(f"word{number}" for number in range(200)), 1000, 150)[:2]
    shared = next(length for length in range(150, 0, -1) if first.endswith(second[:length]))
    assert shared > 120


# What has no end, sentences alone, and letters of which only all before them say where a cut may fall.
UNITS = ("x", ". ", "\U0001f1e9")
# Each takes a tenth of a second.
MORE_UNITS = ".", "漢", "e\u0301\u0301", "\U0001f469\u200d", "a\n\n", "word and ", '."', "x" * 601 + ". "


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "unit", [*UNITS, *(pytest.param(unit, marks=pytest.mark.slow) for unit in MORE_UNITS)], ids=ascii
)
def test_time_is_linear_whatever_the_text_is_made_of(unit: str) -> None:
    started = time.process_time()
    split([Passage(unit * (2_000_000 // len(unit)))], 1200, 150)
    assert time.process_time() - started < 2
