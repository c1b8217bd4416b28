"""What files are refused for, in words for people."""

from __future__ import annotations

from .values import FileLimits

# What is kept of a file's beginning, to tell its kind.
HEAD_BYTES = 4096
NOT_WRITTEN = (
    "The file could not be stored, because the storage cannot be used right now. The operator should check the log."
)


def too_large(limits: FileLimits) -> str:
    """Why one file is refused."""
    return f"The file is larger than {_size_in_words(limits.file_bytes)} (MAX_FILE_BYTES)."


def over_quota(limits: FileLimits) -> str:
    """Why no further file of a user is taken."""
    files, size = limits.user_files, _size_in_words(limits.user_bytes)
    return (
        f"Your storage is full: you may keep {files} documents (MAX_FILES_PER_USER), and {size} of documents and "
        "images together (MAX_USER_BYTES). Delete some and try again."
    )


def no_room(user_bytes: int) -> str:
    """Why no further image of a user is stored."""
    return (
        f"Your storage is full: you may keep {_size_in_words(user_bytes)} of documents and images together "
        "(MAX_USER_BYTES). Delete some and try again."
    )


def _size_in_words(size: int) -> str:
    """A number of bytes as people write it, such as `50 MB`."""
    for unit, factor in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if size >= factor:
            return f"{size / factor:.4g} {unit}"
    return f"{size} bytes"
