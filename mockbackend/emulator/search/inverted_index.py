"""An inverted index: which documents have a word, how often, and how well they fit a query (BM25)."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

K1 = 1.2
B = 0.75


class InvertedIndex:
    """The words of one field in all documents."""

    def __init__(self) -> None:
        self._postings: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._lengths: dict[str, int] = {}
        self._total = 0

    def add(self, key: str, terms: list[str]) -> None:
        """Add a new document."""
        for term, times in Counter(terms).items():
            self._postings[term][key] = times
        self._lengths[key] = len(terms)
        self._total += len(terms)

    def remove(self, key: str, terms: Iterable[str]) -> None:
        """Remove a document that was added with these terms."""
        for term in set(terms):
            self._postings[term].pop(key, None)
            if not self._postings[term]:
                del self._postings[term]
        self._total -= self._lengths.pop(key, 0)

    def with_prefix(self, prefix: str) -> list[str]:
        """The words that begin with a prefix."""
        return [term for term in self._postings if term.startswith(prefix)]

    def postings(self, term: str) -> Mapping[str, int]:
        """The documents that have a word, and how often."""
        return self._postings.get(term, {})

    def score(self, term: str) -> dict[str, float]:
        """The BM25 score of each document that has a word."""
        postings = self.postings(term)
        count = len(self._lengths)
        rarity = math.log(1 + (count - len(postings) + 0.5) / (len(postings) + 0.5))
        mean = self._total / count if count else 1.0
        return {
            key: rarity * times * (K1 + 1) / (times + K1 * (1 - B + B * self._lengths[key] / mean))
            for key, times in postings.items()
        }
