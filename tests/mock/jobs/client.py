"""A front end's client of the service, as small as one can be."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

import httpx2

from tests.harness.http_client import PLAIN


def lines(url: str, headers: Mapping[str, str], text: str, **more: object) -> list[str]:
    """The lines of an answer; those of a cut one end with `cut`."""
    body = ""
    with httpx2.stream("POST", f"{url}/chat", headers=dict(headers), json={"message": text, **more}, **PLAIN) as answer:
        try:
            for piece in answer.iter_text():
                body += piece
        except httpx2.RemoteProtocolError:
            body += "cut"
        return body.splitlines()


def ask(url: str, headers: Mapping[str, str], text: str, **more: object) -> str:
    """The words of an answer. It waits where it is asked to."""
    answer = httpx2.post(f"{url}/chat", headers=dict(headers), json={"message": text, **more}, timeout=30, **PLAIN)
    if answer.status_code == 429:
        time.sleep(float(answer.headers["retry-after"]))
        return ask(url, headers, text, **more)
    return "".join(json.loads(line[2:]) for line in answer.text.splitlines() if line.startswith("0:"))


def result_of(asked: list[str], value: str) -> list[dict[str, object]]:
    """The list that answers the call of an answer's lines."""
    call = next(json.loads(line[2:]) for line in asked if line.startswith("9:"))
    result = {"role": "tool", "tool_call_id": call["toolCallId"], "content": value}
    return [{"role": "assistant", "content": ""}, result]
