"""What the service's work is part of, and tells its emulator with each call: a scenario, a turn, an owner."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace

from .names import scenario_of, shown
from .store.serving import Chosen

# Nothing where a real engine answers.
_part_of: ContextVar[PartOf | None] = ContextVar("part_of", default=None)


@dataclass(frozen=True, slots=True)
class PartOf:
    """What a call of the model is part of.

    `generation` tells a script of that scenario from the next one, `headers` are those of the front end's call that
    rules name, `chosen` is the rule that it was given.
    """

    scenario: str
    userid: str
    headers: Mapping[str, str] = field(default_factory=dict)
    turn: str | None = None
    mode: str | None = None
    chosen: Chosen | None = None
    generation: int = 0


def enter(part_of: PartOf) -> None:
    """Make what follows in this context part of a front end's call."""
    _part_of.set(part_of)


def choose(generation: int, chosen: Chosen | None, headers: Mapping[str, str]) -> None:
    """Say which script is in use, which of its rules the front end's call was given, and what rules may ask of it."""
    if found := _part_of.get():
        _part_of.set(replace(found, generation=generation, chosen=chosen, headers=headers))


def script_in_use() -> tuple[str, int] | None:
    """The scenario, and the generation of its script; None where a real engine answers."""
    part_of = _part_of.get()
    return None if part_of is None else (part_of.scenario, part_of.generation)


def enter_turn(turn: str, mode: str) -> None:
    """Make what follows in this context part of a turn."""
    if found := _part_of.get():
        _part_of.set(replace(found, turn=turn, mode=mode))


def enter_background(owner: str) -> None:
    """Make what follows in this context part of a stored owner's scenario, and of no turn."""
    _part_of.set(PartOf(scenario_of(owner), shown(owner)))


def outgoing() -> Mapping[str, str]:
    """The headers that tell the emulator; none where a real engine answers."""
    part_of = _part_of.get()
    if part_of is None:
        return {}
    said: dict[str, object] = {
        "userid": part_of.userid,
        "turn": part_of.turn,
        "mode": part_of.mode,
        "headers": part_of.headers,
        "chosen": part_of.chosen and asdict(part_of.chosen),
    }
    # In ASCII, as headers are.
    text = json.dumps({name: value for name, value in said.items() if value})
    return {"x-mock-scenario": part_of.scenario, "x-mock-call": text}
