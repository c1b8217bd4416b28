"""Hypercorn's own lines and its access log, as JSON."""

from __future__ import annotations

import logging

import hypercorn.config
import hypercorn.logging

from ..log import JSONLines


class JSONLogger(hypercorn.logging.Logger):
    """Hypercorn's own lines and its access log, as JSON."""

    def __init__(self, config: hypercorn.config.Config) -> None:
        super().__init__(config)
        for logger in map(logging.getLogger, ("hypercorn.access", "hypercorn.error")):
            for handler in logger.handlers:
                handler.setFormatter(JSONLines())
                # The root logger has a handler as well.
                logger.propagate = False


def log_json() -> None:
    """Make every server of this process log in JSON."""
    hypercorn.config.Config.logger_class = JSONLogger
