"""A script in use: which rule serves a call."""

import re
from collections import Counter
from typing import TypeVar

from .rules import ChatRule, EmbeddingRule, ImageRule, IndexingRule, Rule, Script, SearchRule

R = TypeVar("R", ChatRule, ImageRule, EmbeddingRule, SearchRule, IndexingRule)


class Rulebook:
    """A script, and how often each of its rules has served."""

    def __init__(self, script: Script) -> None:
        self._rules = script.rules
        self._served: Counter[int] = Counter()

    def has(self, kind: type[Rule]) -> bool:
        """Whether there are rules of a kind."""
        return any(isinstance(rule, kind) for rule in self._rules)

    def serve(self, kind: type[R], deployment: str, text: str) -> R | None:
        """The first rule of a kind that fits, which has then served once more."""
        for number, rule in enumerate(self._rules):
            if not isinstance(rule, kind) or not _fits(rule, deployment, text):
                continue
            if rule.times is None or self._served[number] < rule.times:
                self._served[number] += 1
                return rule
        return None


def _fits(rule: Rule, deployment: str, text: str) -> bool:
    if rule.deployment not in (None, deployment):
        return False
    if isinstance(rule.when, str):
        return re.search(re.escape(rule.when), text, re.IGNORECASE) is not None
    return rule.when is None or rule.when.matches(text)
