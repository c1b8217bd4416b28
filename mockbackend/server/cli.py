"""The commands: `mockbackend serve`, `check` and `emulator`.

What a command needs is imported inside it: the openai client and LangGraph take seconds, and the parent of
several workers needs neither.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from ..settings import SettingsError, load_settings


def main(argv: list[str] | None = None) -> None:
    """Run one command and exit with its status; 2 where the settings or the arguments are wrong."""
    arguments = _parser().parse_args(argv)
    try:
        status = _run(arguments)
    except SettingsError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        status = 2
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mockbackend", description="A chat backend over Azure OpenAI, or over its own emulator."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve the API: on 127.0.0.1:8000, or on all addresses where PORT is set")
    commands.add_parser("check", help="try every configured deployment and store, one line each")
    emulator = commands.add_parser("emulator", help="serve the emulator of Azure OpenAI alone, for other programs")
    emulator.add_argument("--host", default="127.0.0.1")
    emulator.add_argument("--port", type=_port, default=8081)
    emulator.add_argument("--script", type=Path, metavar="FILE", help="what it answers; without one it makes it up")
    emulator.add_argument("--api-key", metavar="KEY", help="the only key that it takes; without one it takes any")
    return parser


def _port(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 1 <= int(value) <= 65535:
        raise argparse.ArgumentTypeError("must be a number from 1 to 65535")
    return int(value)


def _run(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "serve":
            from . import serve

            return serve.run(load_settings())
        case "check":
            from . import check

            return check.run(load_settings())
        case _:
            return _emulator(arguments)


def _emulator(arguments: argparse.Namespace) -> int:
    from ..emulator.app import create_emulator
    from ..emulator.script import ScriptError, load_script
    from . import serve

    try:
        script = load_script(arguments.script) if arguments.script else None
    except ScriptError as error:
        print(error, file=sys.stderr)
        return 2
    return serve.run_alone(create_emulator(script, arguments.api_key), arguments.host, arguments.port)
