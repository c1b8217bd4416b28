"""Which rule fits a call, and what its answer takes over from the call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TypeVar

import msgspec

from .rules import ChatRule, EmbeddingRule, ImageRule, IndexingRule, Rule, Script, SearchRule
from .when import Pattern, When

R = TypeVar("R", ChatRule, ImageRule, EmbeddingRule, SearchRule, IndexingRule)
S = TypeVar("S", bound=msgspec.Struct)
TEMPLATE = re.compile(r"\{\{\s*(match\.\d{1,3}|text|userid|tool\.result)\s*\}\}")
NEAREST = 3
# What is compared of a text, to find the nearest rules.
COMPARED_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules can ask of a call. None stands for what it does not have.

    `turn` counts the user's messages; `tool_result` is the last message, where that is a tool's.
    """

    deployment: str | None
    text: str
    mode: str | None = None
    turn: int | None = None
    userid: str | None = None
    tool_result: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


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
    """How a rule fits a call of its kind; None if it does not."""
    when = rule.when if isinstance(rule.when, When) else When(text=rule.when) if rule.when is not None else None
    deployment = rule.deployment or (when.deployment if when else None)
    if deployment not in (None, facts.deployment):
        return None
    if when is None:
        return Fit(facts)
    if (
        when.mode not in (None, facts.mode)
        or when.turn not in (None, facts.turn)
        or when.userid not in (None, facts.userid)
        or (when.tool_result is not None and when.tool_result not in (facts.tool_result or ""))
        or any(facts.headers.get(name.lower()) != value for name, value in (when.header or {}).items())
    ):
        return None
    return _fit_text(when.pattern(), facts)


def _fit_text(pattern: str | Pattern | None, facts: Facts) -> Fit | None:
    match pattern:
        case None:
            return Fit(facts)
        case str():
            found = re.search(re.escape(pattern), facts.text, re.IGNORECASE)
        case Pattern(equals=None, regex=str(regex)):
            found = re.search(regex, facts.text)
        case Pattern(equals=equals):
            return Fit(facts) if facts.text == equals else None
    return Fit(facts, found) if found else None


def named_headers(rules: Iterable[Rule]) -> frozenset[str]:
    """The headers that rules name, in lower case."""
    whens = (rule.when for rule in rules)
    return frozenset(name.lower() for when in whens if isinstance(when, When) for name in when.header or {})


def nearest(script: Script, kind: type[Rule], facts: Facts) -> str:
    """The rules of a kind that come nearest to a call, in words."""
    rules = [(index, rule) for index, rule in enumerate(script.rules) if isinstance(rule, kind)]
    asked = facts.text[:COMPARED_CHARACTERS].lower()
    rules.sort(key=lambda one: -SequenceMatcher(None, asked, _words(one[1])[:COMPARED_CHARACTERS].lower()).ratio())
    found = [f"rule {index} ({_words(rule) or 'any text'})" for index, rule in rules[:NEAREST]]
    return f"The nearest: {'; '.join(found)}." if found else "There are no rules for such calls."


def _words(rule: Rule) -> str:
    """What a rule's text must be like."""
    when = rule.when
    if not isinstance(when, When):
        return when or ""
    pattern = when.pattern()
    text = pattern if isinstance(pattern, str) else (pattern.equals or pattern.regex or "") if pattern else ""
    others = {name: getattr(when, name) for name in ("mode", "turn", "userid", "tool_result", "header", "deployment")}
    return ", ".join(filter(None, [text, *(f"{name}: {value}" for name, value in others.items() if value is not None)]))
