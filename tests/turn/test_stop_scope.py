"""A stop: which work it cancels, and that nothing else is hit by it."""

from __future__ import annotations

import asyncio

import pytest

from mockbackend.turn.stopping import Stop


async def _passes() -> None:
    """Nothing cancels this: what comes after a scope is not hit by what happened in it."""
    for _ in range(3):
        await asyncio.sleep(0)


async def _within(stop: Stop, log: list[str]) -> str:
    async with stop.scope():
        log.append("began")
        await asyncio.Event().wait()
    log.append("after")
    await _passes()
    return "done"


async def test_a_stop_ends_the_work_within_its_scope_and_nothing_after_it() -> None:
    stop, log = Stop(), list[str]()
    task = asyncio.create_task(_within(stop, log))
    await asyncio.sleep(0)
    stop.request("stopped")
    assert await task == "done"
    assert log == ["began", "after"]
    assert task.cancelling() == 0


async def test_only_the_first_reason_counts_and_the_work_is_cancelled_once() -> None:
    stop = Stop()
    seen: list[str] = []

    async def work() -> None:
        async with stop.scope():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("cancelled")
                # Its cleaning up is not cancelled by a second request.
                await _passes()
                raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    stop.request("stopped")
    await asyncio.sleep(0)
    stop.request("gone")
    await task
    assert (stop.reason, seen) == ("stopped", ["cancelled"])


async def test_a_stop_that_came_first_ends_the_work_at_its_first_wait() -> None:
    stop, log = Stop(), list[str]()
    stop.request("stopped")
    assert await asyncio.wait_for(_within(stop, log), 5) == "done"


async def test_work_that_never_waits_is_not_hit_afterwards() -> None:
    stop = Stop()
    stop.request("stopped")
    async with stop.scope():
        pass
    await _passes()
    inside = Stop()
    async with inside.scope():
        inside.request("stopped")
    await _passes()


async def test_an_error_of_the_work_goes_on_and_the_cancelling_does_not() -> None:
    stop = Stop()

    async def work() -> None:
        async with stop.scope():
            stop.request("stopped")
            raise ValueError("of the work")

    with pytest.raises(ValueError, match="of the work"):
        await work()
    await _passes()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_anothers_cancelling_goes_through() -> None:
    stop, log = Stop(), list[str]()
    task = asyncio.create_task(_within(stop, log))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["began"]


@pytest.mark.parametrize("first", ["stop", "other"])
async def test_anothers_cancelling_goes_through_beside_a_stop(first: str) -> None:
    stop, log = Stop(), list[str]()
    task = asyncio.create_task(_within(stop, log))
    await asyncio.sleep(0)
    if first == "stop":
        stop.request("stopped")
        task.cancel()
    else:
        task.cancel()
        stop.request("stopped")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["began"]


async def test_anothers_cancelling_is_not_lost_where_the_work_had_ended() -> None:
    stop = Stop()

    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        async with stop.scope():
            stop.request("stopped")
            task.cancel()
        await _passes()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(work())


async def test_a_time_limit_around_a_scope_still_works() -> None:
    stop, log = Stop(), list[str]()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await _within(stop, log)
    assert stop.reason is None


async def test_nested_scopes_end_as_one() -> None:
    stop = Stop()
    log: list[str] = []

    async def work() -> None:
        async with stop.scope():
            async with stop.scope():
                await asyncio.Event().wait()
            log.append("between")
            await asyncio.Event().wait()
        log.append("after")
        await _passes()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    stop.request("stopped")
    await asyncio.wait_for(task, 5)
    assert log == ["after"]


async def test_a_stop_after_an_inner_scope_still_ends_the_outer_one() -> None:
    stop = Stop()
    inner_is_over = asyncio.Event()

    async def work() -> None:
        async with stop.scope():
            async with stop.scope():
                pass
            inner_is_over.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.wait_for(inner_is_over.wait(), 5)
    stop.request("stopped")
    await asyncio.wait_for(task, 5)


async def test_a_stop_ends_every_task_that_is_in_a_scope() -> None:
    stop, log = Stop(), list[str]()
    tasks = [asyncio.create_task(_within(stop, log)) for _ in range(3)]
    await asyncio.sleep(0)
    stop.request("stopped")
    assert await asyncio.gather(*tasks) == ["done"] * 3
