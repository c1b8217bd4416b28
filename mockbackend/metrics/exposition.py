"""The metrics as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .series import Gauge, Histogram, Labels, Metric, totals

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def exposition(counted: Mapping[Gauge, Mapping[Labels, float]] | None = None) -> bytes:
    """Every metric with its series, those of all processes together.

    `counted` has the series of metrics that no process writes: they were counted where all processes look.
    """
    found = totals()
    for metric, series in (counted or {}).items():
        found[metric] = {labels: [value] for labels, value in series.items()}
    return "".join(line for metric, series in found.items() for line in _lines(metric, series)).encode()


def _lines(metric: Metric, series: Mapping[Labels, list[float]]) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.meaning}\n# TYPE {metric.name} {metric.kind}\n"
    for labels, values in sorted(series.items()):
        if isinstance(metric, Histogram):
            yield from _ranges(metric, labels, values)
        else:
            yield _line(metric.name, metric.labels, labels, values[0])


def _ranges(metric: Histogram, labels: Labels, values: list[float]) -> Iterator[str]:
    total, *counts = values
    count = 0.0
    for bound, more in zip((*map(str, metric.bounds), "+Inf"), counts, strict=True):
        count += more
        yield _line(f"{metric.name}_bucket", (*metric.labels, "le"), (*labels, bound), count)
    yield _line(f"{metric.name}_sum", metric.labels, labels, total)
    yield _line(f"{metric.name}_count", metric.labels, labels, count)


def _line(name: str, names: Labels, labels: Labels, value: float) -> str:
    pairs = ",".join(f'{key}="{label.translate(_ESCAPES)}"' for key, label in zip(names, labels, strict=True))
    return f"{name}{{{pairs}}} {value:.15g}\n" if pairs else f"{name} {value:.15g}\n"
