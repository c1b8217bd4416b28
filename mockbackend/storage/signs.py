"""Signs of vectors after a fixed rotation: a bit for each number, compared in place of the vectors.

How many signs of two rotated vectors differ tells the angle between them well enough to choose a few hundred of
100,000 vectors; the stored vectors then give the order. The rotation flips some signs and applies a Hadamard matrix,
twice. It is as good as a random rotation, spreads what a vector holds over all bits, and takes a few hundred bytes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    Signs = NDArray[np.uint64]
    Numbers = NDArray[np.int64]

ROUNDS = 2


class Rotation:
    """The fixed rotation of vectors of one dimension; `flips` are its random bits."""

    def __init__(self, dimension: int, flips: bytes) -> None:
        import numpy as np

        self._dimension = dimension
        self._size = padded(dimension)
        bits = np.unpackbits(np.frombuffer(flips, np.uint8)).reshape(ROUNDS, self._size)
        self._flips = 1 - 2 * bits.astype(np.float32)
        # A Hadamard matrix is the product of two small ones, applied to the rows and columns of a table.
        exponent = self._size.bit_length() - 1
        self._rows, self._columns = _hadamard(exponent // 2), _hadamard(exponent - exponent // 2)

    def signs(self, vectors: Vector) -> Signs:
        """The signs of some vectors, (n, dimension), as (n, words) of 64 bits each."""
        import numpy as np

        rotated = np.zeros((len(vectors), self._size), np.float32)
        rotated[:, : self._dimension] = vectors
        for flips in self._flips:
            table = (rotated * flips).reshape(len(vectors), len(self._rows), len(self._columns))
            rotated = (self._rows @ table @ self._columns).reshape(len(vectors), self._size)
        return np.packbits(rotated > 0, axis=1).view(np.uint64)


def random_flips(dimension: int) -> bytes:
    """The random bits of a new rotation."""
    return os.urandom(ROUNDS * padded(dimension) // 8)


def unit(vector: Vector) -> Vector | None:
    """The vector scaled to length 1. None if it has no direction or is not finite."""
    import numpy as np

    wide = np.asarray(vector, np.float64)
    length = float(np.linalg.norm(wide))
    return (wide / length).astype(np.float32) if 0 < length < float("inf") else None


def encode(vector: Vector) -> bytes:
    """A unit vector as it is stored: 16 bits a number."""
    return vector.astype("<f2").tobytes()


def decode(stored: bytes) -> Vector:
    """The vector that was stored."""
    import numpy as np

    return np.frombuffer(stored, "<f2").astype(np.float32)


def decode_all(stored: Sequence[bytes]) -> Vector:
    """The vectors that were stored, (n, dimension), all of one dimension."""
    import numpy as np

    return np.frombuffer(b"".join(stored), "<f2").reshape(len(stored), -1).astype(np.float32)


def padded(dimension: int) -> int:
    """The next power of two, and at least one word of 64 bits."""
    return max(64, 1 << (dimension - 1).bit_length())


def _hadamard(exponent: int) -> Vector:
    import numpy as np

    matrix = np.ones((1, 1), np.float32)
    for _ in range(exponent):
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    # Of length 1 again, so that no number grows.
    return matrix / np.float32(np.sqrt(len(matrix)))
