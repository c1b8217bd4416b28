"""Retries: the waits that are asked for, the budget that limits them, and the loop that spends it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.errors import UpstreamError
from mockbackend.upstream.retry import RetryBudget, retry, retry_after


def failure(*, retryable: bool = True, wait: float | None = 0.0) -> UpstreamError:
    return UpstreamError("It failed.", retryable=retryable, retry_after=wait)


@pytest.mark.parametrize(
    ("tries", "seconds", "error", "expected"),
    [
        # Each wait is twice the one before it, unless the model API asks for another.
        (4, 20.0, failure(wait=None), [0.5, 1.0, 2.0]),
        (4, 20.0, failure(wait=3.0), [3.0, 3.0, 3.0]),
        # The tries and the seconds are limits of all waits together.
        (1, 20.0, failure(), []),
        (9, 3.0, failure(wait=None), [0.5, 1.0]),
        (9, 3.0, failure(wait=3.5), []),
        (4, 20.0, failure(retryable=False), []),
    ],
)
def test_a_budget_limits_tries_and_seconds(
    tries: int, seconds: float, error: UpstreamError, expected: list[float]
) -> None:
    budget = RetryBudget(tries, seconds)
    assert [budget.wait(error) for _ in expected] == expected
    with pytest.raises(UpstreamError) as raised:
        budget.wait(error)
    assert raised.value is error


async def test_a_call_is_retried_until_it_succeeds() -> None:
    outcomes: list[UpstreamError | str] = [failure(), failure(), "done"]

    async def call() -> str:
        outcome = outcomes.pop(0)
        if isinstance(outcome, UpstreamError):
            raise outcome
        return outcome

    assert await retry(call, RetryBudget(3, 1.0)) == "done"
    assert outcomes == []


async def test_the_last_error_is_raised_where_no_try_is_left() -> None:
    errors: list[UpstreamError] = []

    async def call() -> None:
        errors.append(failure())
        raise errors[-1]

    with pytest.raises(UpstreamError) as raised:
        await retry(call, RetryBudget(3, 1.0))
    assert len(errors) == 3
    assert raised.value is errors[-1]


@given(st.text(max_size=20))
def test_no_header_makes_reading_the_wait_fail(value: str) -> None:
    for name in ("retry-after", "retry-after-ms"):
        wait = retry_after({name: value})
        assert wait is None or wait >= 0
