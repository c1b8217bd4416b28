"""Which rule fits a call, and what its answer takes over from the call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TypeVar

import msgspec

from .rules import ChatRule, EmbeddingRule, ImageRule, IndexingRule, Rule, Script, SearchRule
from .searching import search
from .when import Pattern, When

R = TypeVar("R", ChatRule, ImageRule, EmbeddingRule, SearchRule, IndexingRule)
S = TypeVar("S", bound=msgspec.Struct)
TEMPLATE = re.compile(r"\{\{\s*(match\.\d{1,3}|text|userid|tool\.result)\s*\}\}")
NEAREST = 3
# Conditions that the call must meet as they are.
SAME = ("mode", "turn", "step", "userid")
# What is compared of a text, to find the nearest rules.
COMPARED_CHARACTERS = 200
# From that many comparisons on, words are not looked for without a limit of time.
LONG = 5_000_000
# What is shown of a text.
SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules can ask of a call. None stands for what it does not have.

    `turn` counts the user's messages, `step` the model's calls since the last of them; `tool_result` is the last
    message, where that is a tool's.
    """

    deployment: str | None
    text: str
    mode: str | None = None
    turn: int | None = None
    userid: str | None = None
    tool_result: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Fit:
    """That a rule fits a call; `match` is what its regular expression has found."""

    facts: Facts
    match: re.Match[str] | None = None

    def render(self, answer: S) -> S:
        """The answer with its templates filled in."""
        # Few have templates.
        if b"{{" not in msgspec.json.encode(answer):
            return answer
        return msgspec.convert(self._fill(msgspec.to_builtins(answer)), type(answer))

    def _fill(self, value: object) -> object:
        match value:
            case str():
                return TEMPLATE.sub(self._value, value) if "{{" in value else value
            case dict():
                return {key: self._fill(item) for key, item in value.items()}
            case list() | tuple():
                return [self._fill(item) for item in value]
        return value

    def _value(self, template: re.Match[str]) -> str:
        name = template[1]
        if name.startswith("match."):
            number = int(name.removeprefix("match."))
            found = self.match[number] if self.match and number <= self.match.re.groups else ""
            return found or ""
        facts = {"text": self.facts.text, "userid": self.facts.userid, "tool.result": self.facts.tool_result}
        return facts[name] or ""


def fit(rule: Rule, facts: Facts) -> Fit | None:
    """How a rule fits a call of its kind; None if it does not. Raises TooSlowError."""
    when = rule.when if isinstance(rule.when, When) else When(text=rule.when) if rule.when is not None else None
    deployment = rule.deployment or (when.deployment if when else None)
    if deployment not in (None, facts.deployment):
        return None
    if when is None:
        return Fit(facts)
    if any(getattr(when, name) not in (None, getattr(facts, name)) for name in SAME) or not _fits_others(when, facts):
        return None
    return _fit_text(when.pattern(), facts)


def _fits_others(when: When, facts: Facts) -> bool:
    return (when.tool_result is None or when.tool_result in (facts.tool_result or "")) and all(
        facts.headers.get(name.lower()) == value for name, value in (when.header or {}).items()
    )


def _fit_text(pattern: str | Pattern | None, facts: Facts) -> Fit | None:
    match pattern:
        case None:
            return Fit(facts)
        case str():
            literal = re.escape(pattern)
            is_long = len(pattern) * len(facts.text) > LONG
            find = search if is_long else re.search
            found = find(literal, facts.text, re.IGNORECASE)
        case Pattern(equals=None, regex=str(regex)):
            found = search(regex, facts.text)
        case Pattern(equals=equals):
            return Fit(facts) if facts.text == equals else None
    return Fit(facts, found) if found else None


def named_headers(rules: Iterable[Rule]) -> frozenset[str]:
    """The headers that rules name, in lower case."""
    whens = (rule.when for rule in rules)
    return frozenset(name.lower() for when in whens if isinstance(when, When) for name in when.header or {})


def nearest(script: Script, kind: type[Rule], facts: Facts) -> str:
    """The rules of a kind that come nearest to a call, in words, and what differs in each."""
    rules = [(index, rule) for index, rule in enumerate(script.rules) if isinstance(rule, kind)]
    asked = facts.text[:COMPARED_CHARACTERS].lower()

    def distance(one: tuple[int, Rule]) -> tuple[float, int]:
        # Of those with the same text the one with the fewest differences.
        ratio = SequenceMatcher(None, asked, _text(one[1])[:COMPARED_CHARACTERS].lower()).ratio()
        return -ratio, len(differences(one[1], facts))

    rules.sort(key=distance)
    found = [f"{_named(index, rule)}: {'; '.join(differences(rule, facts))}" for index, rule in rules[:NEAREST]]
    return f"The nearest: {' · '.join(found)}." if found else "There are no rules for such calls."


def differences(rule: Rule, facts: Facts) -> list[str]:
    """What a rule wants otherwise than a call has it, in words."""
    when = rule.when if isinstance(rule.when, When) else When(text=rule.when) if rule.when is not None else None
    found: list[str] = []
    deployment = rule.deployment or (when.deployment if when else None)
    if deployment not in (None, facts.deployment):
        found.append(f"its deployment is {deployment}, not {facts.deployment}")
    if when:
        if not _fit_text(when.pattern(), facts):
            found.append(_other_text(when.pattern(), facts.text))
        found += [
            f"its {name} is {getattr(when, name)}, not {getattr(facts, name)}"
            for name in SAME
            if getattr(when, name) not in (None, getattr(facts, name))
        ]
        found += [
            f"its header {name} is {value!r}, not {facts.headers.get(name.lower())!r}"
            for name, value in (when.header or {}).items()
            if facts.headers.get(name.lower()) != value
        ]
        if when.tool_result is not None and when.tool_result not in (facts.tool_result or ""):
            result = facts.tool_result
            has = "the last message is no tool's" if result is None else f"the tool's result is {_cut(result)}"
            found.append(f"its tool_result is {_cut(when.tool_result)}, but {has}")
    return found or ["it has served as often as it may"]


def _other_text(pattern: str | Pattern | None, text: str) -> str:
    match pattern:
        case Pattern(equals=str(wanted)):
            pairs = zip(wanted, text, strict=False)
            same = next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(wanted), len(text)))
            if same <= SHOWN_CHARACTERS // 2:
                return f"its text is {_cut(wanted)}, not {_cut(text)}"
            # What is the same need not be read twice.
            same -= SHOWN_CHARACTERS // 4
            return f"its text goes on with {_cut(wanted[same:])} after {same} characters, not with {_cut(text[same:])}"
        case Pattern(regex=str(regex)):
            return f"its regex {_cut(regex)} finds nothing in {_cut(text)}"
    return f"{_cut(str(pattern))} is not in {_cut(text)}"


def _cut(text: str) -> str:
    return repr(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…")


def _named(index: int, rule: Rule) -> str:
    name = f"rule {index} ({_text(rule)[:SHOWN_CHARACTERS] or 'any text'})"
    return f"{rule.source}, {name}" if rule.source else name


def _text(rule: Rule) -> str:
    """What a rule's text must be like."""
    pattern = rule.when.pattern() if isinstance(rule.when, When) else rule.when
    return pattern if isinstance(pattern, str) else (pattern.equals or pattern.regex or "") if pattern else ""
