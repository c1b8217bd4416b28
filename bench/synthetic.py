"""Synthetic passages and vectors, generated file by file and always the same."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mockbackend.storage.passages import Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMENSION = 1536
PER_FILE = 100
WORDS = 190
VOCABULARY = 100_000
TOPICS = 500
FACTORS = 200


class SyntheticPassages:
    """Passages with vectors. `clustered` vectors lie around topics, in 200 directions of falling weight, and share a
    mean, as those of embedding models do; the others are noise, which is the hardest to search."""

    def __init__(self, clustered: bool) -> None:
        chance = np.random.default_rng(7)
        self._clustered = clustered
        self._directions = chance.standard_normal((FACTORS, DIMENSION), np.float32)
        self._directions *= (np.arange(1, FACTORS + 1, dtype=np.float32) ** -0.5)[:, None]
        self._topics = chance.standard_normal((TOPICS, FACTORS), np.float32)
        self._mean = 1.5 * chance.standard_normal(DIMENSION, np.float32)
        # As in English, every 12th word is the most frequent one, and nearly all passages contain it.
        weight = 1 / np.arange(1, VOCABULARY + 1)
        self._frequency = np.cumsum(weight / weight.sum())
        self._words = np.array([_word(number) for number in range(VOCABULARY)])

    def vectors(self, file: int) -> "NDArray[np.float32]":
        """The unit vectors of a file's passages."""
        chance = np.random.default_rng((1, file))
        if not self._clustered:
            return _units(chance.standard_normal((PER_FILE, DIMENSION), np.float32))
        # A file is about a few topics.
        topic = self._topics[chance.integers(0, TOPICS, 3)][chance.integers(0, 3, PER_FILE)]
        factors = topic + 0.8 * chance.standard_normal((PER_FILE, FACTORS), np.float32)
        noise = 0.7 * chance.standard_normal((PER_FILE, DIMENSION), np.float32)
        return _units(factors @ self._directions + self._mean + noise)

    def near(self, vector: "NDArray[np.float32]", chance: np.random.Generator) -> "NDArray[np.float32]":
        """A plausible vector of a question that this passage answers; their cosine is about 0.8."""
        noise = chance.standard_normal((1, DIMENSION), np.float32)
        if self._clustered:
            noise = noise / 2 + chance.standard_normal((1, FACTORS), np.float32) @ self._directions
        return _units(vector + 0.75 * _units(noise))[0]

    def passages(self, file: int) -> list[Passage]:
        """The passages of a file."""
        drawn = np.random.default_rng((2, file)).random((PER_FILE, WORDS))
        rows = self._words[np.searchsorted(self._frequency, drawn)]
        return [Passage(" ".join(row), f"page {page}") for page, row in enumerate(rows, start=1)]

    def question(self, passage: Passage, chance: np.random.Generator) -> str:
        """A question: ten random words of the passage."""
        words: Any = chance.choice(passage.text.split(), 10)
        return " ".join(words)


def _units(vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _word(number: int) -> str:
    """A unique word for a number; smaller numbers get shorter words."""
    word = ""
    number += 1
    while number:
        number, rest = divmod(number, 80)
        word = "bdfgklmnprstvwzj"[rest // 5] + "aeiou"[rest % 5] + word
    return word
