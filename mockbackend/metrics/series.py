"""Counters, gauges and histograms, in memory that the processes of one service can share.

Each process writes to a region of its own, so nothing is locked, and any of them can read all regions. To count takes a
third of a microsecond.
"""

from __future__ import annotations

import mmap
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

REGION_BYTES = 256 * 1024
_HEADER_BYTES = 8
_KEYS_END = 64 * 1024
# What finds no room is counted in the last values, which nobody reads.
_SPARE_VALUES = 64
# From a millisecond to what ends a turn.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0)

Labels = tuple[str, ...]


class Region:
    """One process's series: their names and labels, a line each, and then their values in the same order."""

    def __init__(self, memory: memoryview) -> None:
        self._used = memory[:_HEADER_BYTES].cast("q")
        self._keys = memory[_HEADER_BYTES:_KEYS_END]
        self.values = memory[_KEYS_END:REGION_BYTES].cast("d")

    def series(self) -> list[tuple[Metric, Labels, int]]:
        """The series that are there, each with the place of its first value."""
        found, place = [], 0
        for line in bytes(self._keys[: self._used[0]]).decode().splitlines():
            name, *labels = line.split("\t")
            metric = METRICS[name]
            found.append((metric, tuple(labels), place))
            place += metric.size
        return found

    def add(self, metric: Metric, labels: Labels) -> int:
        """The place of a new series."""
        key = "\t".join((metric.name, *(" ".join(label.split()) for label in labels))).encode() + b"\n"
        used = self._used[0]
        place = sum(before.size + at for before, _, at in self.series()[-1:])
        if used + len(key) > len(self._keys) or place + metric.size > len(self.values) - _SPARE_VALUES:
            return len(self.values) - _SPARE_VALUES
        self._keys[used : used + len(key)] = key
        # Last: a process that reads meanwhile finds whole lines.
        self._used[0] = used + len(key)
        return place

    def clear_gauges(self) -> None:
        """Forget what its process was just doing. What it has counted stays: a counter never goes back."""
        for metric, _, place in self.series():
            if isinstance(metric, Gauge):
                self.values[place] = 0.0


class Metric:
    """Something that is counted or measured, by its labels."""

    kind: ClassVar[Literal["counter", "gauge", "histogram"]]
    size = 1

    def __init__(self, name: str, meaning: str, *labels: str) -> None:
        self.name = f"mockbackend_{name}"
        self.meaning = meaning
        self.labels = labels
        self._places: dict[Labels, int] = {}
        METRICS[self.name] = self

    def read(self, values: Sequence[float]) -> list[float]:
        """What one process has written, as it is shown."""
        return list(values)

    def _place(self, labels: Labels) -> int:
        place = self._places.get(labels)
        return _made(self, labels) if place is None else place


class Counter(Metric):
    """A number that only grows."""

    kind = "counter"

    def inc(self, *labels: str, by: float = 1.0) -> None:
        """Count one, or `by`."""
        place = self._place(labels)
        _values[place] += by


class Gauge(Metric):
    """A number that comes and goes. Those of several processes are added, or the largest is taken."""

    kind = "gauge"

    def __init__(self, name: str, meaning: str, *labels: str, largest: bool = False) -> None:
        super().__init__(name, meaning, *labels)
        self.largest = largest

    def add(self, number: float, *labels: str) -> None:
        """Add the number, which may be negative."""
        place = self._place(labels)
        _values[place] += number

    def set(self, number: float, *labels: str) -> None:
        """Make it the number."""
        place = self._place(labels)
        _values[place] = number


class Age(Gauge):
    """Time since something happened, as of the moment of the reading. Of several processes the longest is taken."""

    def __init__(self, name: str, meaning: str) -> None:
        super().__init__(name, meaning, largest=True)

    def begin(self, moment: float) -> None:
        """Count from that moment, which is `time.monotonic`'s: one clock for all processes of a host."""
        self.set(moment)

    def forget(self) -> None:
        """Stop counting."""
        self.set(0.0)

    def read(self, values: Sequence[float]) -> list[float]:
        return [max(0.0, time.monotonic() - moment) if moment else 0.0 for moment in values]


class Histogram(Metric):
    """How often a number was in each of its ranges, and the sum."""

    kind = "histogram"
    bounds = SECONDS
    size = 1 + len(SECONDS) + 1

    def observe(self, number: float, *labels: str) -> None:
        """Count the number."""
        place = self._place(labels)
        _values[place] += number
        _values[place + 1 + bisect_left(SECONDS, number)] += 1.0


METRICS: dict[str, Metric] = {}
# Series are also made on other threads.
_making = threading.Lock()
_region: Region | None = None
_values: memoryview[float]
_all: tuple[Region, ...] = ()


def use(region: Region, others: Iterable[Region] = ()) -> None:
    """Count there from now on. `others` are read along with it."""
    global _region, _values, _all
    _region, _values, _all = region, region.values, (region, *others)
    for metric in METRICS.values():
        metric._places = {}
    region.clear_gauges()
    for metric, labels, place in region.series():
        metric._places[labels] = place


def totals() -> dict[Metric, dict[Labels, list[float]]]:
    """The values of every series, of all processes together."""
    found: dict[Metric, dict[Labels, list[float]]] = {metric: {} for metric in METRICS.values()}
    for region in _all:
        for metric, labels, place in region.series():
            values = metric.read(region.values[place : place + metric.size].tolist())
            before = found[metric].setdefault(labels, [0.0] * metric.size)
            together = max if isinstance(metric, Gauge) and metric.largest else _sum
            found[metric][labels] = list(map(together, before, values))
    return found


def _sum(one: float, other: float) -> float:
    return one + other


def _made(metric: Metric, labels: Labels) -> int:
    if _region is None:
        # Pages that nobody writes to take no memory.
        use(Region(memoryview(mmap.mmap(-1, REGION_BYTES))))
    with _making:
        if labels not in metric._places:
            metric._places[labels] = _region.add(metric, labels)  # type: ignore[union-attr]
        return metric._places[labels]
