"""What the emulator answers without a script: an echo, or the tool that the question asks for."""

import re
from collections.abc import Mapping
from functools import lru_cache
from zoneinfo import available_timezones

import orjson

from ..gateway import tokens
from ..script.rules import ChatStep, ScriptedCall
from .conversation import Message
from .request import ChatRequest

# The tool that a question asks for, by its words.
ASKS = {
    "get_current_time": re.compile(r"\b(time|clock|o'clock)\b", re.IGNORECASE),
    "search_documents": re.compile(r"\b(documents?|files?|pdfs?|uploads?|uploaded)\b", re.IGNORECASE),
    "generate_image": re.compile(r"\b(draw|paint|picture|sketch|illustrate|image|photo)\b", re.IGNORECASE),
}
REGIONS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
NAME_KEYS = ("name", "file", "filename", "file_name", "document", "source", "title")
TEXT_KEYS = ("text", "passage", "content")


def default_step(request: ChatRequest) -> ChatStep:
    """The answer to a request that no rule serves."""
    results = [message for message in request.conversation.turn if message.role == "tool"]
    if results:
        return _say("\n\n".join(_report(request, result) for result in results))
    question = request.conversation.question
    wanted = request.forced or _wanted(request.tools, question.text)
    if wanted:
        arguments = orjson.dumps(_arguments(wanted, question.text)).decode()
        return ChatStep(tool_calls=(ScriptedCall(wanted, arguments),))
    seen = f" (and I see {question.pictures} picture{'s' * (question.pictures > 1)})" if question.pictures else ""
    return _say(f"You said: {question.text}{seen}")


def _say(text: str) -> ChatStep:
    return ChatStep(text=tokens.split(text))


def _wanted(tools: tuple[str, ...], question: str) -> str | None:
    return next((name for name, words in ASKS.items() if name in tools and words.search(question)), None)


def _arguments(tool: str, question: str) -> Mapping[str, str]:
    match tool:
        case "get_current_time":
            return {"timezone": _timezone(question)}
        case "search_documents":
            return {"query": question}
        case "generate_image":
            return {"prompt": question}
    return {}


def _timezone(question: str) -> str:
    """The IANA zone whose name, or whose city, the question has; UTC otherwise."""
    asked = question.casefold()
    named = [name for name in _zones() if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", asked)]
    return _zones()[max(named, key=len)] if named else "UTC"


@lru_cache(maxsize=1)
def _zones() -> Mapping[str, str]:
    """Zones by what a question may call them. Read once: it walks the zone files."""
    zones = [zone for zone in sorted(available_timezones()) if zone.startswith(REGIONS)]
    cities = {zone.rpartition("/")[2].replace("_", " ").casefold(): zone for zone in zones}
    return cities | {zone.casefold(): zone for zone in zones}


def _report(request: ChatRequest, result: Message) -> str:
    """A tool's result in words."""
    call = request.conversation.calls().get(result.answers or "")
    tool = call.name if call else ""
    match tool:
        case "get_current_time":
            return f"The current time is {_spoken(result.text)}."
        case "search_documents":
            return _quote(result.text)
        case "generate_image":
            return "Here is the picture that you asked for."
    return f"{tool} answered: {result.text}"


def _spoken(text: str) -> str:
    """A JSON object as `key: value, ...`; anything else as it is."""
    value = _parsed(text)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return str(value)


def _quote(text: str) -> str:
    """The passages of a search, each with the name of its document."""
    value = _parsed(text)
    if isinstance(value, dict):
        value = next((item for item in value.values() if isinstance(item, list)), [value])
    passages = value if isinstance(value, list) else [value]
    if not passages or passages == [""]:
        return "I found nothing about that in the documents."
    return "\n\n".join(_passage(passage) for passage in passages)


def _passage(passage: object) -> str:
    if not isinstance(passage, dict):
        return f"The documents say: {passage}"
    name = next((passage[key] for key in NAME_KEYS if key in passage), "the documents")
    text = next((passage[key] for key in TEXT_KEYS if key in passage), _spoken(orjson.dumps(passage).decode()))
    return f"According to {name}: {text}"


def _parsed(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
