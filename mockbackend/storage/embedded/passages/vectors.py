"""Stored vectors: unit vectors of 16-bit numbers, and their signs, a few large rows for each file."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...passages import first_id
from ...signs import Rotation, encode, random_flips, unit

if TYPE_CHECKING:
    from ...signs import Vector


def add(connection: sqlite3.Connection, file: int, vectors: Mapping[int, Vector]) -> int:
    """Store vectors by position in the file, with their signs; returns how many of the passages had none before.

    A vector without a direction is stored as zeros, and never found.
    """
    import numpy as np

    first = first_id(file)
    rotated: dict[int, dict[int, Vector]] = {}
    total = 0
    for position, vector in vectors.items():
        direction = unit(vector)
        stored = encode(np.zeros(len(vector), np.float32) if direction is None else direction)
        added = connection.execute(
            "INSERT OR IGNORE INTO vectors (passage, vector) VALUES (?, ?)", (first + position, stored)
        ).rowcount
        total += added
        if added and direction is not None:
            rotated.setdefault(len(vector), {})[position] = direction
    for dimension, directions in rotated.items():
        bits = _rotation(connection, dimension).signs(np.stack(list(directions.values())))
        connection.execute(
            "INSERT INTO signs (file, dimension, positions, bits) VALUES (?, ?, ?, ?)",
            (file, dimension, np.array(list(directions), "<u4").tobytes(), bits.tobytes()),
        )
    return total


def load_rotation(connection: sqlite3.Connection, dimension: int) -> Rotation:
    """The rotation of a dimension of which there are vectors."""
    ((flips,),) = connection.execute("SELECT flips FROM rotations WHERE dimension = ?", (dimension,))
    return Rotation(dimension, flips)


def _rotation(connection: sqlite3.Connection, dimension: int) -> Rotation:
    """The rotation of that dimension, made in this transaction if it is missing."""
    connection.execute(
        "INSERT OR IGNORE INTO rotations (dimension, flips) VALUES (?, ?)", (dimension, random_flips(dimension))
    )
    return load_rotation(connection, dimension)
