r"""The simple query syntax: words, and the operators that make an unescaped text of a user mean something else.

+word  -word  word*  "a phrase"  \ before an operator that is to be read as text; | and () are read over
"""

import re
from dataclasses import dataclass

from .analysis import terms

# A sign counts where a word begins, a star where one ends.
CLAUSE = re.compile(r'(?P<sign>[+|-]*)(?:"(?P<phrase>(?:\\.|[^"\\])*)"?|(?P<word>(?:\\.|[^\s"()|+\\])+))')
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a query: its words, side by side where it is a phrase; the last is a beginning for a prefix."""

    terms: tuple[str, ...]
    required: bool = False
    denied: bool = False
    phrase: bool = False
    prefix: bool = False


def read_query(text: str) -> list[Clause]:
    """The clauses of a query that have words; never an error, as at Azure."""
    found: list[Clause] = []
    for match in CLAUSE.finditer(text):
        phrase, word = match["phrase"], match["word"] or ""
        prefix = word.endswith("*") and not word.endswith("\\*")
        words = tuple(terms(ESCAPED.sub(r"\1", phrase if phrase is not None else word)))
        if words:
            sign = match["sign"][-1:]
            found.append(Clause(words, sign == "+", sign == "-", phrase is not None, prefix))
    return found
