"""What a scenario's journal says about the program that was tested: findings, each with what to do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .calls import Call
from .codes import CODES, Severity
from .history import cut_taken_as_whole, id_lost, never_rejoined, poisoned_history
from .pace import busy_storm, retried_refusal, retry_after_ignored, sent_while_running
from .sending import double_send, login_in_the_browser, never_released
from .waiting import answered_unknown_call, approval_answered_twice, result_never_sent

# What only a front end can do wrong, and what any program can that calls the emulator itself.
OF_A_FRONT_END = (
    *(double_send, id_lost, never_rejoined, cut_taken_as_whole, sent_while_running, login_in_the_browser),
    *(result_never_sent, answered_unknown_call, approval_answered_twice),
)
OF_ANY_CLIENT = (retry_after_ignored, retried_refusal, poisoned_history, busy_storm)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found. `calls` are numbers of entries."""

    code: str
    severity: Severity
    calls: list[int]
    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found. It is `ok` without a finding of severity fail."""

    ok: bool
    findings: list[Finding]

    def to_json(self) -> dict[str, Any]:
        """As the API has it."""
        return asdict(self)


def judge(
    entries: Sequence[Mapping[str, Any]], never_served: Sequence[int] = (), *, must_match: Collection[str] = ()
) -> Report:
    """Judge a journal. `never_served` are the numbers of rules that have not served, `must_match`
    the kinds of the model's calls of which each must have a rule.

    The calls of the model are judged only if no front end has called: else the service has made them.
    """
    calls = [Call(entry) for entry in entries]
    front = [call for call in calls if call.side == "front"]
    checks = OF_A_FRONT_END + OF_ANY_CLIENT if front else OF_ANY_CLIENT
    found = [(check.__name__, *finding) for check in checks for finding in check(front or calls, calls)]
    found += [("never_released", *finding) for finding in never_released(calls)]
    found += [("rule_never_served", [], f"Rule {index} has never served.") for index in never_served]
    missed = [call for call in calls if call.on in must_match and call.is_unmatched]
    found += [("unmatched_call", [call.n], f"No rule fits the call {call.name}.") for call in missed]
    findings = [Finding(code, CODES[code].severity, numbers, what, CODES[code].advice) for code, numbers, what in found]
    findings.sort(key=lambda finding: finding.calls[:1])
    return Report(all(finding.severity != "fail" for finding in findings), findings)
