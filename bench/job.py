"""The load process's job and tally: JSON on its standard input and output."""

from dataclasses import dataclass, field
from typing import Literal

USER = "u"
PASSWORD = "p"


@dataclass(frozen=True)
class Job:
    """Turns with the same message, `at_once` of them concurrently."""

    port: int
    message: str
    turns: int
    at_once: int = 1
    seconds: float = 0
    """Continue beyond `turns` until this time has passed."""
    ramp: float = 0
    """Open the first streams over this time instead of all together."""
    conversation: str | None = None
    """Use one conversation for all turns; otherwise each has its own."""
    own_users: bool = False
    """Give each turn a user of its own."""
    target: Literal["service", "upstream"] = "service"


@dataclass
class Tally:
    """The result of a job."""

    turns: int = 0
    tokens: int = 0
    seconds: float = 0
    firsts: list[float] = field(default_factory=list)
    """Seconds from each request to its first delta."""
    faults: list[str] = field(default_factory=list)
