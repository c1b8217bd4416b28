"""The index over the passages in storage: words ranked by BM25, vectors chosen by their signs, and both fused.

It works on any engine that keeps the contract of `storage.Passages`. numpy is imported by the first call that needs it.
"""

from .index import EmbeddedIndex

__all__ = ["EmbeddedIndex"]
