"""Vectors as they are stored and compared: 16-bit unit vectors, and their signs after a fixed rotation.

How many signs of two rotated vectors differ tells the angle between them well enough to choose a few hundred of
100,000; the stored vectors then tell the order. The rotation flips some signs and applies a Hadamard matrix, twice: it
is as good as a random rotation, spreads what a vector holds over all bits, and is a few hundred bytes to store.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .schema import first_id

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    Signs = NDArray[np.uint64]
    Numbers = NDArray[np.int64]
    Flags = NDArray[np.bool_]

ROUNDS = 2
AT_ONCE = 8192


def keep(connection: sqlite3.Connection, file: int, vectors: Mapping[int, Vector]) -> int:
    """Keep vectors by position in the file, with their signs; how many of the passages had none before.

    One that has no direction is kept as zeros, and never found.
    """
    import numpy as np

    first = first_id(file)
    rotated: dict[int, dict[int, Vector]] = {}
    kept = 0
    for position, vector in vectors.items():
        direction = unit(vector)
        stored = encode(np.zeros(len(vector), np.float32) if direction is None else direction)
        added = connection.execute(
            "INSERT OR IGNORE INTO vectors (passage, vector) VALUES (?, ?)", (first + position, stored)
        ).rowcount
        kept += added
        if added and direction is not None:
            rotated.setdefault(len(vector), {})[position] = direction
    for dimension, directions in rotated.items():
        bits = _made_rotation(connection, dimension).signs(np.stack(list(directions.values())))
        connection.execute(
            "INSERT INTO signs (file, dimension, positions, bits) VALUES (?, ?, ?, ?)",
            (file, dimension, np.array(list(directions), "<u4").tobytes(), bits.tobytes()),
        )
    return kept


def unit(vector: Vector) -> Vector | None:
    """The vector at length 1; None where it has no direction or is not finite."""
    import numpy as np

    wide = np.asarray(vector, np.float64)
    length = float(np.linalg.norm(wide))
    return (wide / length).astype(np.float32) if 0 < length < float("inf") else None


def encode(vector: Vector) -> bytes:
    """A unit vector as it is stored."""
    return vector.astype("<f2").tobytes()


def decode(stored: bytes) -> Vector:
    """The vector that was stored."""
    import numpy as np

    return np.frombuffer(stored, "<f2").astype(np.float32)


class Rotation:
    """The fixed rotation of vectors of one dimension; `flips` are its random bits."""

    def __init__(self, dimension: int, flips: bytes) -> None:
        import numpy as np

        self._dimension = dimension
        self._size = _size(dimension)
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


def rotation(connection: sqlite3.Connection, dimension: int) -> Rotation:
    """The rotation of a dimension of which vectors are kept."""
    ((flips,),) = connection.execute("SELECT flips FROM rotations WHERE dimension = ?", (dimension,))
    return Rotation(dimension, flips)


def candidates(signs: Signs, query: Signs, rows: Numbers | None, limit: int) -> Numbers:
    """The rows whose signs differ least from those asked for, in no order; of `rows`, or of all."""
    import numpy as np

    count = len(signs) if rows is None else len(rows)
    differing = np.empty(count, np.uint16)
    for start in range(0, count, AT_ONCE):
        part = signs[start : start + AT_ONCE] if rows is None else signs[rows[start : start + AT_ONCE]]
        np.sum(np.bitwise_count(part ^ query), axis=1, dtype=np.uint16, out=differing[start : start + AT_ONCE])
    best = np.argpartition(differing, limit)[:limit] if count > limit else np.arange(count)
    return best if rows is None else rows[best]


def similarities(vector: Vector, stored: Sequence[bytes]) -> Vector:
    """The cosines of a unit vector and some stored ones of its dimension."""
    import numpy as np

    table = np.frombuffer(b"".join(stored), "<f2").reshape(len(stored), len(vector))
    return table.astype(np.float32) @ vector


def _made_rotation(connection: sqlite3.Connection, dimension: int) -> Rotation:
    """The rotation of that dimension, made in this transaction where there is none."""
    flips = os.urandom(ROUNDS * _size(dimension) // 8)
    connection.execute("INSERT OR IGNORE INTO rotations (dimension, flips) VALUES (?, ?)", (dimension, flips))
    return rotation(connection, dimension)


def _size(dimension: int) -> int:
    """The next power of two, and at least one word of 64 bits."""
    return max(64, 1 << (dimension - 1).bit_length())


def _hadamard(exponent: int) -> Vector:
    import numpy as np

    matrix = np.ones((1, 1), np.float32)
    for _ in range(exponent):
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    # Of length 1 again, so that no number grows.
    return matrix / np.float32(np.sqrt(len(matrix)))
