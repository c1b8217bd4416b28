"""The passages of documents, in the database `documents.db`.

A term of the full-text table begins with its owner, and vectors have sign bits beside them. numpy is imported by the
first call that needs it.
"""

from .schema import MIGRATIONS, NAME, prepare
from .store import Passages

__all__ = ["MIGRATIONS", "NAME", "Passages", "prepare"]
