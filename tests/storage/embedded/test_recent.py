"""What a process has of its conversations in memory: no more than is allowed, and nothing that is not the newest."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockbackend.storage import Exchange, Window
from mockbackend.storage.embedded import recent
from mockbackend.storage.embedded.recent import EXCHANGE_BYTES, Recent
from tests.storage.contract.acts import ALL, begin, conversation_of_two, message, turn_of
from tests.storage.contract.engines import Embedded


def one(position: int, wire: bytes | None = b"said", shape: str = "chat") -> Exchange:
    return Exchange(position, 2, [], wire, shape, 10, 2)


def with_messages(exchange: Exchange) -> Exchange:
    """As a turn's end has it."""
    return exchange._replace(messages=[message("user", "t1", "said")])


async def test_a_conversation_that_goes_on_reads_no_exchange(tmp_path: Path) -> None:
    """Shown by rows that are gone."""
    engine = Embedded(tmp_path)
    storage = await engine.open()
    await conversation_of_two(storage)
    for position in (0, 2):
        await engine.damage_exchange("c", position, "row")
    _, claim = await begin(storage, turn_of("next", base_length=4), window=ALL)
    assert claim
    assert claim.exchanges
    assert [exchange.wire for exchange in claim.exchanges] == [b"t1?t1!", b"t2?t2!"]
    await engine.close()


def test_those_that_were_used_first_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_BYTES", 3 * (EXCHANGE_BYTES + 4))
    kept = Recent()
    kept.end(1, 1, 0, [one(0)])
    kept.end(2, 1, 0, [one(0)])
    kept.end(1, 2, 2, [one(2)])
    assert kept.find(2, 1, 2, ALL) == [one(0)]
    kept.end(3, 1, 0, [one(0)])
    assert kept.find(2, 1, 2, ALL) is None
    assert kept.find(1, 2, 4, ALL) == [one(0), one(2)]
    assert kept.find(3, 1, 2, ALL) == [one(0)]
    kept.forget(1)
    kept.end(4, 1, 0, [one(0)])
    kept.end(5, 1, 0, [one(0)])
    assert kept.find(3, 1, 2, ALL) == [one(0)], "the room of what is forgotten is free"


def test_of_an_exchange_its_bytes_alone_are_kept() -> None:
    kept = Recent()
    kept.end(1, 1, 0, [with_messages(one(0))])
    kept.put(2, 1, ALL, [with_messages(one(0))])
    assert [kept.find(first, 1, 2, ALL) for first in (1, 2)] == [[one(0)], [one(0)]]


def test_what_a_window_has_no_room_for_goes() -> None:
    kept, narrow = Recent(), Window("chat", 20, 2_000)
    kept.put(1, 1, ALL, [one(0), one(2), one(4)])
    for _ in range(2):
        assert kept.find(1, 1, 6, narrow) == [one(2), one(4)]
    assert kept.find(1, 1, 6, ALL) is None


def test_one_that_is_too_large_takes_nobodys_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_BYTES", 1000)
    kept = Recent()
    kept.end(1, 1, 0, [one(0)])
    kept.end(2, 1, 0, [one(0, b"x" * 1000)])
    assert kept.find(2, 1, 2, ALL) is None
    assert kept.find(1, 1, 2, ALL) == [one(0)]


@pytest.mark.parametrize("exchange", [one(2, None), one(2, shape="emulator")])
def test_one_without_bytes_or_with_those_of_another_engine_is_read(exchange: Exchange) -> None:
    kept = Recent()
    kept.end(1, 1, 0, [one(0)])
    kept.end(1, 2, 2, [exchange])
    assert kept.find(1, 2, 4, ALL) is None


@pytest.mark.parametrize(("version", "base_length"), [(1, 4), (3, 4), (2, 2), (2, 6)])
def test_another_version_or_length_is_read(version: int, base_length: int) -> None:
    kept = Recent()
    kept.end(1, 1, 0, [one(0)])
    kept.end(1, 2, 2, [one(2)])
    assert kept.find(1, 2, 4, ALL) == [one(0), one(2)]
    assert kept.find(1, version, base_length, ALL) is None


@pytest.mark.parametrize(("version", "place"), [(3, 2), (2, 0), (2, 4)])
def test_an_end_that_does_not_follow_is_read(version: int, place: int) -> None:
    kept = Recent()
    kept.put(1, 1, Window("chat", 10, 2), [one(0)])
    kept.end(1, version, place, [one(place)])
    found = kept.find(1, version, place + 2, ALL)
    assert found == ([one(0)] if place == 0 else None)


def test_what_one_window_shows_is_not_taken_for_what_a_wider_one_does() -> None:
    kept, narrow = Recent(), Window("chat", 20, 2_000)
    kept.put(1, 3, narrow, [one(2), one(4)])
    assert kept.find(1, 3, 6, ALL) is None
    kept.end(1, 4, 6, [one(6)])
    assert kept.find(1, 4, 8, narrow) == [one(4), one(6)]
