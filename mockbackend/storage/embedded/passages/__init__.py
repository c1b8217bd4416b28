"""The passages of documents and the embedded index over them: the database `documents.db`.

A file has a number that is never used again, and a passage the id `number << 32 | position`. `store` keeps what was
read out of files and its vectors; `index` makes a file findable and finds. Words are an FTS5 index whose terms begin
with their owner; vectors are ranked by sign bits that each process holds in memory (`held`), and the best of them by
what is stored. numpy is imported by the first call that needs it.
"""

from .index import EmbeddedIndex
from .schema import NAME, prepare
from .store import Passages

__all__ = ["NAME", "EmbeddedIndex", "Passages", "prepare"]
