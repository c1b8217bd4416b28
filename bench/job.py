"""What the load process is told to do, and what it tells of it: JSON on its standard input and output."""

from dataclasses import dataclass, field
from typing import Literal

USER = "u"
PASSWORD = "p"


@dataclass(frozen=True)
class Job:
    """So many turns with the same message, so many of them at once."""

    port: int
    message: str
    turns: int
    at_once: int = 1
    seconds: float = 0
    """Go on beyond `turns` until this much time has passed."""
    ramp: float = 0
    """Open the first streams over this many seconds rather than all together."""
    conversation: str | None = None
    """One conversation for all turns; otherwise each has its own."""
    target: Literal["service", "upstream"] = "service"


@dataclass
class Tally:
    """What came of a job."""

    turns: int = 0
    tokens: int = 0
    seconds: float = 0
    firsts: list[float] = field(default_factory=list)
    """Seconds from each request to its first delta."""
    faults: list[str] = field(default_factory=list)
