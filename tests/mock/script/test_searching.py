"""The search for rules' regular expressions: what `re` finds, in bounded time."""

from __future__ import annotations

import re
import time

import pytest

from mockbackend.mock.script import searching
from mockbackend.mock.script.searching import TooSlowError, one_call, search

FILLER = "z y\n" * 1100


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"weather in (\w+)", "weather in Oslo, weather in Rome"),
        (r"(?i)(?m)^WEATHER (in)?", "\nweather of"),
        (r"(?x) o \s (?P<last> s ) # a comment", "o sun"),
        (r"(?<=a)b(?!c)", "abc ab"),
        (r"(?s)a.b|(c)", "a\nb"),
        (r"\Azone|é$", "zone é"),
        (r"(?x) # flags behind a comment\n(?i)FOX", "fox"),
        (r"a*?", ""),
        (r"absent", "fox"),
    ],
)
def test_a_long_text_is_searched_as_a_short_one(pattern: str, text: str) -> None:
    pattern = pattern.replace(r"\n(", "\n(")
    for searched in (text, FILLER + text, text + FILLER, FILLER[:4031] + text + FILLER):
        expected, found = re.search(pattern, searched), search(pattern, searched)
        assert (found and (found.span(), found.groups())) == (expected and (expected.span(), expected.groups()))


def test_a_repeated_class_on_a_long_text_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "SECONDS_OF_LONG", 0.05)
    began = time.thread_time()
    with pytest.raises(TooSlowError, match=r"more than 50 ms .* '\[a-z\]\+!'"):
        search("[a-z]+!", "a" * 200_000)
    assert time.thread_time() - began < 1


def test_all_searches_of_a_call_share_its_time() -> None:
    def search_many() -> None:
        with one_call():
            for number in range(1000):
                search(f"^(a+)+{number}$", "a" * 16)

    began = time.thread_time()
    with pytest.raises(TooSlowError):
        search_many()
    assert time.thread_time() - began < 1
    assert search("a+", "aaa")
