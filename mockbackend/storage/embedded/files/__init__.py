"""Users' files: a blob on disk and a row each, which is also the queue of those that wait to be indexed.

A blob is written under its final name, `<uuid>.<the process that writes it>`, and exists once a row names it: what no
row names and a dead process wrote is removed. The name that the user gave is never a path.
"""

from .incoming import Incoming
from .queue import Queue
from .rows import File, Limits, Status, Work
from .store import Files

__all__ = ["File", "Files", "Incoming", "Limits", "Queue", "Status", "Work"]
