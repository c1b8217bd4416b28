"""Files: what their owners see of them, uploads, and the queue of those that wait to be indexed."""

from .queue import Queue
from .store import Files

__all__ = ["Files", "Queue"]
