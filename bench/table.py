"""A row of the comparison, and the table."""

from dataclasses import dataclass
from statistics import median
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One quantity measured on both sides, as one pair per round."""

    name: str
    unit: str
    pairs: tuple[tuple[float, float], ...]
    """(usual, ours) of each round, or what else is compared with what."""
    target: float | None = None
    """The ratio ours/usual to reach; None if the row is only reported."""
    better: Literal["lower", "higher"] = "lower"

    @property
    def usual(self) -> float:
        """The usual stack's median."""
        return median(pair[0] for pair in self.pairs)

    @property
    def ours(self) -> float:
        """Our median."""
        return median(pair[1] for pair in self.pairs)

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios, since both halves of a round see the machine in the same state."""
        return median(ours / usual if usual else float("inf") for usual, ours in self.pairs)

    @property
    def passed(self) -> bool | None:
        """Whether the target is reached; None without a target."""
        if self.target is None:
            return None
        return self.ratio <= self.target if self.better == "lower" else self.ratio >= self.target

    def cells(self) -> list[str]:
        """The cells of the table's row."""
        limit = "" if self.target is None else f"{'≤' if self.better == 'lower' else '≥'} {self.target:.2f}"
        verdict = {None: "", True: "pass", False: "FAIL"}[self.passed]
        ratios = " ".join(f"{ours / usual:.3f}" if usual else "-" for usual, ours in self.pairs)
        usual, ours = (f"{value:.1f} {self.unit}".strip() for value in (self.usual, self.ours))
        return [self.name, usual, ours, f"{self.ratio:.3f}", limit, verdict, ratios]


def render(figures: list[Figure], sides: tuple[str, str] = ("usual", "ours")) -> str:
    """Render a Markdown table."""
    headings = ["", *sides, "ratio", "target", "", "rounds"]
    rows = [headings, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(headings))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
