"""Which rule fits a call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

from .rules import ChatRule, EmbeddingRule, ImageRule, IndexingRule, Rule, SearchRule

R = TypeVar("R", ChatRule, ImageRule, EmbeddingRule, SearchRule, IndexingRule)


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules can ask of a call."""

    deployment: str
    text: str


def fits(rule: Rule, facts: Facts) -> bool:
    """Whether a rule fits a call of its kind."""
    if rule.deployment not in (None, facts.deployment):
        return False
    if isinstance(rule.when, str):
        return re.search(re.escape(rule.when), facts.text, re.IGNORECASE) is not None
    return rule.when is None or rule.when.matches(facts.text)
