"""Series in shared memory: what one process writes, what all of them say, and what a dead one leaves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from mockbackend.metrics import METRICS, SharedRegions, exposition, series
from mockbackend.metrics.series import Age, Counter, Gauge, Histogram
from tests.harness.metrics import Scrape


@dataclass(frozen=True)
class Own:
    """Metrics of the test's own."""

    counter: Counter
    gauge: Gauge
    largest: Gauge
    age: Age
    histogram: Histogram


@pytest.fixture(scope="module")
def own() -> Iterator[Own]:
    before = dict(METRICS)
    yield Own(
        Counter("test_total", "Things.", "what"),
        Gauge("test_now", "Things now."),
        Gauge("test_largest", "The largest thing.", largest=True),
        Age("test_age", "Time since a thing."),
        Histogram("test_seconds", "Time of things."),
    )
    METRICS.clear()
    METRICS.update(before)


@pytest.fixture(autouse=True)
def regions() -> Iterator[SharedRegions]:
    regions = SharedRegions(3)
    regions.use(0)
    yield regions
    # Whoever counts next in this process begins with nothing.
    SharedRegions(1).use(0)


def said() -> Scrape:
    return Scrape(exposition().decode())


def test_processes_are_added_and_of_some_gauges_the_largest_counts(own: Own, regions: SharedRegions) -> None:
    for place in range(3):
        regions.use(place)
        own.counter.inc("a", by=place + 1)
        own.gauge.add(2)
        own.largest.set(place)
        own.histogram.observe(0.02 * place)
    for place in range(3):
        regions.use(place)
    found = said()
    assert found("test_total", what="a") == 6
    # The gauges of a region are the last process's alone.
    assert (found("test_now"), found("test_largest")) == (0, 0)
    assert (found("test_seconds_count"), round(found("test_seconds_sum"), 6)) == (3, 0.06)
    assert [found("test_seconds_bucket", le=le) for le in ("0.001", "0.01", "0.025", "+Inf")] == [1, 1, 2, 3]


def test_a_dead_process_leaves_what_it_counted_and_nothing_that_it_was_doing(own: Own, regions: SharedRegions) -> None:
    own.counter.inc("a")
    own.gauge.add(5)
    regions.use(1)
    own.counter.inc("a")
    own.gauge.add(2)
    assert (said()("test_total", what="a"), said()("test_now")) == (2, 7)
    # The next process takes its region.
    regions.use(0)
    assert (said()("test_total", what="a"), said()("test_now")) == (2, 2)
    own.counter.inc("a")
    own.counter.inc("b")
    assert (said()("test_total", what="a"), said()("test_total", what="b"), said()("test_now")) == (3, 1, 2)


def test_what_finds_no_room_is_left_out_and_the_rest_is_right(own: Own) -> None:
    own.counter.inc("first")
    # The last ones fill it up to less than a key of the histogram takes.
    for name in (*(f"{number} {'long ' * 100}" for number in range(200)), *map(str, range(100)), *"abcde"):
        own.counter.inc(name)
    own.counter.inc("first")
    own.histogram.observe(1)
    found = said()
    assert found("test_total", what="first") == 2
    assert 100 < len(found.labels_of("test_total")) < 300
    assert found("test_seconds_count") == 0


def test_a_series_that_is_made_while_others_are_read_has_values_of_its_own(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.counter.inc("first")

    class Metrics(dict[str, series.Metric]):
        def __getitem__(self, name: str) -> series.Metric:
            monkeypatch.setattr(series, "METRICS", METRICS)
            # Another thread's, just then.
            own.counter.inc("second")
            return METRICS[name]

    monkeypatch.setattr(series, "METRICS", Metrics(METRICS))
    said()
    own.counter.inc("third")
    found = said()
    assert [found("test_total", what=what) for what in ("first", "second", "third")] == [1, 1, 1]


@given(st.text())
def test_a_label_may_have_any_text(own: Own, label: str) -> None:
    SharedRegions(1).use(0)
    own.counter.inc(label)
    (family,) = [one for one in text_string_to_metric_families(exposition().decode()) if one.name == "mockbackend_test"]
    (sample,) = family.samples
    assert sample.labels["what"].split() == label.encode(errors="replace").decode().split()
    assert sample.value == 1


def test_without_shared_memory_a_process_counts_for_itself(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "_region", None)
    for metric in METRICS.values():
        metric._places = {}
    own.counter.inc("a")
    assert said()("test_total", what="a") == 1


def test_an_age_grows_by_itself_and_the_longest_of_all_processes_counts(
    own: Own, regions: SharedRegions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 50.0)
    for place, moment in enumerate((10, 30, 40)):
        regions.use(place)
        own.age.begin(moment)
    assert said()("test_age") == 40
    # A process that does nothing any more is seen by the others.
    monkeypatch.setattr(time, "monotonic", lambda: 60.0)
    assert said()("test_age") == 50
    # The next one takes its region.
    regions.use(0)
    assert said()("test_age") == 30
    own.age.forget()
    assert said()("test_age") == 30
