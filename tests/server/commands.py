"""Commands within the process that tests, at a third of what a fork costs: all of them but their process."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock

from mockbackend import log as logs
from mockbackend.server.cli import main
from tests.harness.processes import environment


def run_here(arguments: list[str], folder: Path, settings: dict[str, str]) -> CompletedProcess[str]:
    """What `python -m mockbackend` prints in this folder, and how it ends."""
    printed, said = StringIO(), StringIO()
    status: str | int | None = 0
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, environment(settings), clear=True))
        stack.enter_context(chdir(folder))
        stack.enter_context(redirect_stdout(printed))
        stack.enter_context(redirect_stderr(said))
        # Without pytest's handlers, warnings go to stderr; a log that was set up would stay so.
        stack.enter_context(mock.patch.object(logging.getLogger(), "handlers", []))
        stack.enter_context(mock.patch.object(logs, "configure"))
        # The command sets its own.
        stack.callback(os.umask, os.umask(0o022))
        try:
            main(arguments)
        except SystemExit as end:
            status = end.code
    assert isinstance(status, int), status
    return CompletedProcess(arguments, status, printed.getvalue(), said.getvalue())
