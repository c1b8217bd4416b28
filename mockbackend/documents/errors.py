"""The errors of a document that cannot be read. Their messages are for the user."""

from __future__ import annotations


class Unreadable(Exception):
    """A document that cannot be read."""


class TooLarge(Unreadable):
    """A document beyond a limit."""

    def __init__(self, how: str) -> None:
        super().__init__(f"{how} Split it into smaller files.")


class OutOfMemory(TooLarge):
    """The document takes too much memory."""

    def __init__(self) -> None:
        super().__init__("Reading the file takes more memory than is allowed (EXTRACTION_MEMORY_BYTES).")


class NestedTooDeeply(Unreadable):
    """A document whose elements are nested too deeply."""

    def __init__(self) -> None:
        super().__init__("The content of the file is nested too deeply to be read.")


class HasPassword(Unreadable):
    """An encrypted document."""

    def __init__(self) -> None:
        super().__init__("The file has a password. Save it without one and upload that.")


class WrongContent(Unreadable):
    """A document whose content is not what its extension says."""

    def __init__(self, extension: str) -> None:
        super().__init__(f"The file name ends in {extension}, but the content is something else. Check the file.")
