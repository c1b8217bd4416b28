"""What the service's work is part of, and tells its emulator with each call: a scenario, a turn, an owner."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace

from .names import scenario_of, shown
from .script.names import DEFAULT
from .script.rules import RecordedEngine
from .store.serving import Chosen

# Nothing where a real engine answers.
_part_of: ContextVar[PartOf | None] = ContextVar("part_of", default=None)


@dataclass(frozen=True, slots=True)
class PartOf:
    """What a call of the model is part of.

    `generation` tells a script of that scenario from the next one, `headers` are those of the front end's call that
    rules name, `chosen` is the rule that it was given. `answer` is the id of the turn's answer, which stays
    when that goes on after a wait. To a real engine that is recorded nothing of it is
    `sent`. `engine` is what was recorded, where that is replayed.
    """

    scenario: str
    userid: str
    headers: Mapping[str, str] = field(default_factory=dict)
    turn: str | None = None
    answer: str | None = None
    mode: str | None = None
    chosen: Chosen | None = None
    generation: int = 0
    sent: bool = True
    engine: RecordedEngine | None = None


def part_of() -> PartOf | None:
    """What this context is part of."""
    return _part_of.get()


def enter(part_of: PartOf) -> None:
    """Make what follows in this context part of a front end's call."""
    _part_of.set(part_of)


def choose(
    generation: int, chosen: Chosen | None, headers: Mapping[str, str], engine: RecordedEngine | None = None
) -> None:
    """Say which script is in use, which of its rules the front end's call was given, and what rules may ask of it.

    `engine` is what the script has recorded.
    """
    if found := _part_of.get():
        _part_of.set(replace(found, generation=generation, chosen=chosen, headers=headers, engine=engine))


def recorded_engine() -> RecordedEngine | None:
    """The engine whose recorded answers are replayed."""
    part_of = _part_of.get()
    return part_of.engine if part_of else None


def script_in_use() -> tuple[str, int] | None:
    """The scenario, and the generation of its script; None where a real engine answers."""
    part_of = _part_of.get()
    return None if part_of is None else (part_of.scenario, part_of.generation)


def enter_turn(turn: str, answer: str, mode: str) -> None:
    """Make what follows in this context part of a turn."""
    if found := _part_of.get():
        _part_of.set(replace(found, turn=turn, answer=answer, mode=mode))


def enter_background(owner: str) -> None:
    """Make what follows in this context part of a stored owner's scenario, and of no turn."""
    _part_of.set(PartOf(scenario_of(owner), shown(owner)))


def enter_recorded(owner: str) -> None:
    """The same where a real engine is recorded: the scenario is that which the owner was in last."""
    _part_of.set(PartOf(DEFAULT, owner, sent=False))


def outgoing() -> Mapping[str, str]:
    """The headers that tell the emulator; none where a real engine answers."""
    part_of = _part_of.get()
    if part_of is None or not part_of.sent:
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
