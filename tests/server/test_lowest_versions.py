"""The service on the lowest versions that we allow of the packages whose private parts it relies on."""

from __future__ import annotations

import pytest

from tests.harness.lowest import lowest, run_with

PACKAGES = (
    *("aiohttp", "environs", "hypercorn", "langchain-core", "langgraph", "langsmith"),
    *("openai", "starlette"),
)


@pytest.mark.slow
@pytest.mark.parametrize("is_lowest", [True, False])
def test_a_start_and_its_first_answers(is_lowest: bool) -> None:
    versions = lowest(*PACKAGES)
    found, *rest = run_with(versions if is_lowest else {}, "tests.server.first_answer", *PACKAGES)
    assert (found == list(versions.values())) is is_lowest
    assert rest == [[], "f0ed", "fbc9ae0d", False]
