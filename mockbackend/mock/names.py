"""The names under which a scenario's users and conversations are stored."""

from __future__ import annotations

from .script.names import DEFAULT

# Neither a userid nor an id can hold it.
BETWEEN = "\x1f"


def stored(scenario: str, name: str) -> str:
    """What a user or a conversation of a scenario is stored as."""
    return name if scenario == DEFAULT else f"{scenario}{BETWEEN}{name}"


def shown(name: str) -> str:
    """What is shown of a stored name: the name itself."""
    return name.rpartition(BETWEEN)[2]


def scenario_of(name: str) -> str:
    """The scenario of a stored name."""
    return name.rpartition(BETWEEN)[0] or DEFAULT
