"""The model API: the calls we make of it, and what its failures are to us."""

from .client import Upstream

__all__ = ["Upstream"]
