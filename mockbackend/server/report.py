"""`mockbackend report`: the verdicts of a running mock in words, and whether a program has failed."""

from __future__ import annotations

import base64
import http.client
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import orjson

TIMEOUT_SECONDS = 60.0
CANNOT_ASK = 2


class ReportError(Exception):
    """No report could be had; the message says why."""


def run(url: str, scenario: str | None, login: str) -> int:
    """Print the report of a scenario, or of all; the exit status is 1 if one has failed."""
    try:
        reports = read(url, scenario, login)
    except ReportError as error:
        print(error, file=sys.stderr)
        return CANNOT_ASK
    for name, report in reports.items():
        print(in_words(name, report))
    return 0 if all(report["ok"] for report in reports.values()) else 1


def read(url: str, scenario: str | None, login: str) -> Mapping[str, Any]:
    """The reports by their scenarios. Raises ReportError."""
    names = [scenario] if scenario is not None else _get(url, "", login)
    return {name: _get(url, f"/{quote(name, safe='')}/report", login) for name in names}


def in_words(name: str, report: Mapping[str, Any]) -> str:
    """A report as a person reads it."""
    lines = [f"{name}: {'ok' if report['ok'] else 'failed'}"]
    for finding in report["findings"]:
        calls = ", ".join(map(str, finding["calls"]))
        where = f" (call{'s' if len(finding['calls']) > 1 else ''} {calls})" if calls else ""
        lines.append(f"  {finding['severity']} {finding['code']}{where}: {finding['what']} {finding['advice']}")
    return "\n".join(lines)


def _get(url: str, path: str, login: str) -> Any:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ReportError(f"{url} is not an http:// or https:// URL")
    if parts.username:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc.rpartition("@")[2], timeout=TIMEOUT_SECONDS)
    headers = {"authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/__mock__/scenarios{path}", headers=headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status == 200:
            return orjson.loads(answer)
        raise ReportError(_refusal(response.status, answer))
    except (OSError, http.client.HTTPException, orjson.JSONDecodeError) as error:
        raise ReportError(f"{url} cannot be asked: {error or type(error).__name__}") from error
    finally:
        connection.close()


def _refusal(status: int, answer: bytes) -> str:
    try:
        words = orjson.loads(answer)["error"]["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        words = "There is no mock."
    return f"{status}: {words}"
