"""Moving up: all that a data folder holds, copied into a PostgreSQL database.

It may be killed at any moment and run again: a conversation, or a document with its index, is copied whole or not at
all, and what has been copied is not copied again, even if it was deleted in the database since. Everything is read
back and compared by its digest.
"""

from .mover import Report, move

__all__ = ["Report", "move"]
