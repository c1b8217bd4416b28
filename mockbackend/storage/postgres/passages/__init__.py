"""The passages of documents. Vectors are bytes with sign bits beside them, so no extension of PostgreSQL is needed.

numpy is imported by the first call that needs it.
"""

from .store import Passages

__all__ = ["Passages"]
