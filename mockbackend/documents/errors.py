"""The error of a document that cannot be read."""

from __future__ import annotations


class Unreadable(Exception):
    """The document cannot be read; the message is for the user."""
