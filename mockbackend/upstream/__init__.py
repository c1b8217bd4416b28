"""The model API: its client, and a module for each kind of call."""

from .client import Upstream

__all__ = ["Upstream"]
