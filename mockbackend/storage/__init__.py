"""Everything that outlives a process. Storage knows no HTTP and no model API."""

from .embedded import Storage, open_storage

__all__ = ["Storage", "open_storage"]
