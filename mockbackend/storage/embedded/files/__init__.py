"""Users' files: a blob on disk and a row each. The rows are also the queue of files that wait to be indexed.

A blob is written under its final name, `<uuid>.<id of the writing process>`, and exists once a row names it. `clean`
removes the blobs that no row names and whose process is dead. The name that the user gave is never used as a path.
"""

from .queue import Queue
from .store import Files

__all__ = ["Files", "Queue"]
