"""The commands: `mockbackend serve`, `check`, `migrate`, `emulator`, `mock` and `report`.

Each command imports what it needs when it runs: the openai client and LangGraph take a second, which wrong settings or
`--version` should not have to wait for.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import sys
from pathlib import Path

from .. import __version__
from .. import log as logs
from ..settings import Settings, SettingsError, load_settings


def main(argv: list[str] | None = None) -> None:
    """Run one command and exit with its status, which is 2 if the settings or the arguments are wrong."""
    options, program = _split(sys.argv[1:] if argv is None else argv)
    parser = _parser()
    arguments, unknown = parser.parse_known_args(options)
    if unknown:
        hint = ". Put -- before the command that is to run" if arguments.command == "mock" and program is None else ""
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    if arguments.command is None:
        parser.print_help()
        sys.exit(0)
    try:
        status = _run(arguments, program)
    except SettingsError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        status = 2
    sys.exit(status)


def _split(argv: list[str]) -> tuple[list[str], list[str] | None]:
    """The command's own arguments, and what follows `--`, which argparse would read as well."""
    if argv[:1] != ["mock"] or "--" not in argv:
        return argv, None
    at = argv.index("--")
    return argv[:at], argv[at + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mockbackend", description="A chat backend over Azure OpenAI, or over its own emulator."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command")
    serve = commands.add_parser("serve", help="serve the API on 127.0.0.1:8000, or on all addresses if PORT is set")
    serve.add_argument("--host", help="the address to listen on, in place of BIND_HOST; with --port alone, 127.0.0.1")
    serve.add_argument("--port", type=_port, help="the port to listen on, in place of PORT; 0 takes a free one")
    serve.add_argument("--workers", type=_count, metavar="N", help="processes that serve, in place of WEB_CONCURRENCY")
    serve.add_argument(
        "--script", type=Path, metavar="FILE", help="script or recording of the emulator, in place of MOCK_SCRIPT"
    )
    serve.add_argument("--data-dir", type=Path, metavar="FOLDER", help="where all is stored, in place of DATA_DIR")
    commands.add_parser("check", help="try every configured deployment and store, and print a line for each")
    migrate = commands.add_parser("migrate", help="copy a data folder into the database of DATABASE_URL")
    migrate.add_argument(
        "--from", type=Path, metavar="DATA_DIR", required=True, dest="folder", help="the folder, which stays as it is"
    )
    emulator = commands.add_parser("emulator", help="serve only the emulator of Azure OpenAI, for other programs")
    emulator.add_argument("--host", default="127.0.0.1", help="the address to listen on, by default %(default)s")
    emulator.add_argument("--port", type=_port, default=8081, help="by default %(default)s; 0 takes a free one")
    emulator.add_argument(
        "--script", type=Path, metavar="FILE", help="script or recording of its answers; without one it makes them up"
    )
    emulator.add_argument("--api-key", metavar="KEY", help="the only key it accepts; without one it accepts any")
    mock = commands.add_parser(
        "mock",
        help="serve the API on the emulator for tests, and run a command that calls it",
        usage="mockbackend mock [-h] [--port PORT] [--script FILE] [--workers N] [-- COMMAND ...]",
        description="Prints a line of JSON once it can serve: {url, emulator_url, login, pid}. What is stored is gone"
        " at its end. A command finds the address in MOCK_URL, the login in MOCK_LOGIN and the emulator in"
        " AZURE_OPENAI_* and OPENAI_*; the mock ends with it, and with its exit status.",
    )
    mock.add_argument("--port", type=_port, default=0, help="0, the default, takes a free one")
    mock.add_argument(
        "--script", type=Path, metavar="FILE", help="script or recording of its answers, in place of MOCK_SCRIPT"
    )
    mock.add_argument("--workers", type=_count, default=1, metavar="N", help="processes that serve, by default 1")
    report = commands.add_parser("report", help="print what a running mock has found in the calls of a tested program")
    report.add_argument("url", metavar="URL", help="the address of the mock, which may hold a login")
    report.add_argument("--scenario", metavar="NAME", help="its scenario; without one all")
    report.add_argument("--login", metavar="USER:PASSWORD", default="mock:mock", help="by default mock:mock")
    return parser


def _count(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", value) or not int(value):
        raise argparse.ArgumentTypeError("must be a number from 1 to 999")
    return int(value)


def _port(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", value) or int(value) > 65535:
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(value)


def _run(arguments: argparse.Namespace, program: list[str] | None) -> int:
    match arguments.command:
        case "serve":
            from . import serve

            # For warnings about the settings themselves; `serve` then sets their level.
            logs.configure("WARNING")
            chosen = {"web_concurrency": arguments.workers, "data_dir": arguments.data_dir}
            if arguments.script is not None:
                chosen["mock_script"] = str(arguments.script)
            named = {name: value for name, value in chosen.items() if value is not None}
            settings = load_settings(defaults=dataclasses.replace(Settings(), **named), fixed=named)
            return serve.run(settings, arguments.host, arguments.port)
        case "check":
            settings = load_settings()
            from . import check

            # As the service does, since a trial of the storage may make its files.
            os.umask(0o077)
            return check.run(settings)
        case "migrate":
            logs.configure("WARNING")
            settings = load_settings()
            from . import migrate

            os.umask(0o077)
            return migrate.run(settings, arguments.folder)
        case "emulator":
            return _emulator(arguments)
        case "mock":
            from . import mock

            if program == []:
                raise SettingsError(["name a command after --, or leave the -- out"])
            return mock.run(arguments.port, arguments.script, arguments.workers, program or [])
        case "report":
            from . import report

            return report.run(arguments.url, arguments.scenario, arguments.login)
        case command:
            raise ValueError(f"the parser knows a command that is not run here: {command}")


def _emulator(arguments: argparse.Namespace) -> int:
    from ..mock.script import ScriptError
    from . import emulator_alone, serve

    try:
        app = emulator_alone.create(arguments.script, arguments.api_key)
    except ScriptError as error:
        print(error, file=sys.stderr)
        return 2
    return serve.run_alone(app, arguments.host, arguments.port)
