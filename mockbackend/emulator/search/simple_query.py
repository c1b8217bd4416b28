r"""The simple query syntax: words and operators.

+word  -word  word*  "a phrase"  \ before an operator that stands for itself; | and () are ignored
"""

import re
from dataclasses import dataclass

from .analysis import terms

# A sign is an operator before a word, a star after it.
CLAUSE = re.compile(r'(?P<sign>[+|-]*)(?:"(?P<phrase>(?:\\.|[^"\\])*)"?|(?P<word>(?:\\.|[^\s"()|+\\])+))')
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a query. The words of a phrase stand side by side; the last word of a prefix is its beginning."""

    terms: tuple[str, ...]
    required: bool = False
    excluded: bool = False
    phrase: bool = False
    prefix: bool = False


def read_query(text: str) -> list[Clause]:
    """Read the clauses of a query that have words; never an error, as at Azure."""
    found: list[Clause] = []
    for match in CLAUSE.finditer(text):
        phrase, word = match["phrase"], match["word"] or ""
        prefix = word.endswith("*") and not word.endswith("\\*")
        words = tuple(terms(ESCAPED.sub(r"\1", phrase if phrase is not None else word)))
        if words:
            sign = match["sign"][-1:]
            found.append(Clause(words, sign == "+", sign == "-", phrase is not None, prefix))
    return found
