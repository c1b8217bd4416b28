"""What each job takes of a test: at most three lines that speak to the mock, in Python and in JavaScript."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# The jobs: the tests of each, in both languages.
JOBS = {
    "start it and get an address": ("start_it_and_get_an_address", "start it and get an address"),
    "this answer for this prompt": ("this_answer_for_this_prompt", "this answer for this prompt"),
    "a tool call, then words": ("a_tool_call_and_then_words", "a tool call, then words"),
    "429, then success": ("busy_and_then_an_answer", "busy, then an answer"),
    "a cut in mid-stream": ("a_cut_in_mid_stream", "a cut in mid-stream"),
    "slow tokens": ("slow_tokens", "slow tokens"),
    "a stream held still": ("a_stream_that_is_held_still", "a stream that is held still"),
    "a call that waits": ("a_call_that_waits_for_the_front_end", "a call that waits for the front end"),
    "the content filter": ("the_content_filter", "the content filter"),
    "embeddings": ("embeddings", "embeddings"),
    "an image": ("an_image", "an image"),
    "once, and what was sent": (
        "the_next_answer_only_once_and_what_was_sent",
        "the next answer only once, what was sent",
    ),
    "reset": ("reset", "reset"),
}
MOST = 3
# A line that speaks to the mock, or makes what that is given; all others are the program under test's.
PYTHON = re.compile(r"mock_(?:backend|azure)\.(?!url|headers)\w+|^    \w+ = \{")
JAVASCRIPT = re.compile(r"mock\.scenario|\bs\.(?!url|headers|login|userid|name)\w+|^  const \w+ = \{(?!.*method)")


def body(source: str, begins: str, ends: str) -> list[str]:
    """The lines of the block that begins so."""
    _, found, rest = source.partition(begins)
    assert found, begins
    return rest.partition(ends)[0].splitlines()[1:]


@pytest.mark.parametrize("job", JOBS)
def test_a_job_takes_at_most_three_lines(job: str) -> None:
    python, javascript = JOBS[job]
    lines = body((HERE / "test_jobs.py").read_text(), f"def test_{python}(", "\n\n\n")
    # The fixture starts it.
    least = int(python != "start_it_and_get_an_address")
    assert least <= len([line for line in lines if PYTHON.search(line)]) <= MOST, lines
    lines = body((HERE / "jobs.test.mjs").read_text(), f'test("{javascript}"', "\n});")
    assert 1 <= len([line for line in lines if JAVASCRIPT.search(line)]) <= MOST, lines
