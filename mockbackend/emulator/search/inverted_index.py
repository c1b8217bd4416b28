"""The inverted index: which document has which word how often, and how well it fits a query (BM25)."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

K1 = 1.2
B = 0.75


class Words:
    """The words of one field of all documents."""

    def __init__(self) -> None:
        self._postings: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._lengths: dict[str, int] = {}
        self._total = 0

    def add(self, key: str, terms: list[str]) -> None:
        """Index a document that is not indexed yet."""
        for term, times in Counter(terms).items():
            self._postings[term][key] = times
        self._lengths[key] = len(terms)
        self._total += len(terms)

    def remove(self, key: str, terms: Iterable[str]) -> None:
        """Forget a document that was added with these terms."""
        for term in set(terms):
            self._postings[term].pop(key, None)
            if not self._postings[term]:
                del self._postings[term]
        self._total -= self._lengths.pop(key, 0)

    def beginning(self, prefix: str) -> list[str]:
        """The words that begin so."""
        return [term for term in self._postings if term.startswith(prefix)]

    def having(self, term: str) -> Mapping[str, int]:
        """The documents that have this word, and how often."""
        return self._postings.get(term, {})

    def score(self, term: str) -> dict[str, float]:
        """What this word of a query is worth to each document that has it."""
        having = self.having(term)
        count = len(self._lengths)
        rarity = math.log(1 + (count - len(having) + 0.5) / (len(having) + 0.5))
        mean = self._total / count if count else 1.0
        return {
            key: rarity * times * (K1 + 1) / (times + K1 * (1 - B + B * self._lengths[key] / mean))
            for key, times in having.items()
        }
