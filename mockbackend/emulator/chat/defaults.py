"""The default answer to a chat call: an echo, or a call of the tool that the question asks for."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from json import JSONDecoder
from zoneinfo import available_timezones

import orjson

from ...mock.script.rules import ChatStep
from ...mock.script.tool_call import ToolCall
from ..gateway import tokens
from .conversation import Message
from .request import ChatRequest
from .schema_problems import schema_problem
from .schema_values import Schema, make_value, object_schema
from .tools import Tool
from .tour import TOOLS, Tour, tour_of

# Words of a question that ask for a tool.
TRIGGERS = {
    "get_current_time": re.compile(r"\b(time|clock|o'clock)\b", re.IGNORECASE),
    "search_documents": re.compile(r"\b(documents?|files?|pdfs?|uploads?|uploaded)\b", re.IGNORECASE),
    "generate_image": re.compile(r"\b(draw|paint|picture|sketch|illustrate|image|photo)\b", re.IGNORECASE),
}
WORD = re.compile(r"\w+")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
MAX_QUOTED = 300
SCHEMA = re.compile(r"JSON schema:?\s*(?=\{).", re.IGNORECASE)
NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
EMPTY_WORDS = {"get", "set", "do", "run", "the", "a", "an", "tool", "function", "to", "of", "for", "my"}
REGIONS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
NAME_KEYS = ("name", "file", "filename", "file_name", "document", "source", "title")
TEXT_KEYS = ("text", "passage", "content")


def default_step(request: ChatRequest) -> ChatStep:
    """The answer to a request for which no rule has one."""
    question = request.conversation.question
    results = [message for message in request.conversation.turn if message.role == "tool"]
    is_free = request.schema is None and not request.must_call and request.forced is None
    if is_free and (tour := tour_of(question.text)):
        return _guided(request, tour, results)
    # Once there is a result it is put in words, also where a tool must be called: the client would ask for ever.
    if not results and (tool := request.forced or _choose_tool(request, question.text)):
        return ChatStep(tool_calls=(ToolCall(tool.name, _arguments(tool, question.text)),))
    if request.schema is not None:
        schema = request.schema or _schema_in_words(request) or object_schema(question.text)
        return _say(orjson.dumps(make_value(schema, question.text)).decode())
    if results:
        return _say("\n\n".join(_report(request, result) for result in results))
    seen = f" (and I see {question.images} image{'s' * (question.images > 1)})" if question.images else ""
    return _say(f"You said: {question.text}{seen}")


def _guided(request: ChatRequest, tour: Tour, results: list[Message]) -> ChatStep:
    """The next step of a tour: the tools that are offered, then its words after theirs."""
    tools = [tool for tool in request.tools if tool.name in TOOLS]
    if tools and not results:
        calls = tuple(ToolCall(tool.name, _arguments(tool, request.conversation.question.text)) for tool in tools)
        return ChatStep(reasoning=tour.reasoning, tool_calls=calls)
    words = [*(_report(request, result) for result in results), tour.text]
    reasoning = None if results else tour.reasoning
    return ChatStep(reasoning=reasoning, text=tokens.split("\n\n".join(words)), citations=tour.citations)


def _schema_in_words(request: ChatRequest) -> Schema:
    """The schema that a system message holds, where clients put it for models that take no other; {} if none does."""
    for message in request.conversation.messages:
        if message.role in ("system", "developer") and (found := SCHEMA.search(message.text)):
            with suppress(ValueError):
                schema, _ = JSONDecoder().raw_decode(message.text, found.end() - 1)
                return schema if schema_problem(schema, strict=False) is None else {}
    return {}


def _say(text: str) -> ChatStep:
    return ChatStep(text=tokens.split(text))


def _choose_tool(request: ChatRequest, question: str) -> Tool | None:
    """The tool that the question asks for: by usual words for a tool of the service, or by all words of its name."""
    words = WORD.findall(question.casefold())
    # A name may stand there as it is.
    said = {part for word in words for part in (word, *word.split("_"))}
    for tool in request.tools:
        trigger = TRIGGERS.get(tool.name)
        if trigger.search(question) if trigger else said.issuperset(_name_words(tool.name)):
            return tool
    return request.tools[0] if request.must_call else None


def _name_words(name: str) -> set[str]:
    """The words of a tool's name, without those that every name has: `get_weather` is asked for by `weather`."""
    words = {word.casefold() for word in NAME_WORD.findall(name)}
    return words - EMPTY_WORDS or words


def _arguments(tool: Tool, question: str) -> str:
    if tool.custom:
        return str(make_value(tool.schema, question)) if tool.schema else question
    given: Mapping[str, str] = {}
    match tool.name:
        case "get_current_time":
            given = {"timezone": _timezone(question)}
        case "search_documents":
            given = {"query": question}
        case "generate_image":
            given = {"prompt": question}
    properties = tool.schema.get("properties")
    if isinstance(properties, dict) and properties and set(properties) != set(given):
        return orjson.dumps(make_value(tool.schema, question)).decode()
    return orjson.dumps(given).decode()


def _timezone(question: str) -> str:
    """The IANA zone that the question names, itself or by its city; otherwise UTC."""
    text = question.casefold()
    # Most are not even part of it, and to compile a pattern for each would take 26 ms.
    named = [name for name in _zones() if name in text and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)]
    return _zones()[max(named, key=len)] if named else "UTC"


@lru_cache(maxsize=1)
def _zones() -> Mapping[str, str]:
    """Zones by the names that a question may use. Read once: it walks the zone files."""
    zones = [zone for zone in sorted(available_timezones()) if zone.startswith(REGIONS)]
    cities = {zone.rpartition("/")[2].replace("_", " ").casefold(): zone for zone in zones}
    return cities | {zone.casefold(): zone for zone in zones}


def _report(request: ChatRequest, result: Message) -> str:
    """A tool's result in words."""
    call = request.conversation.calls_by_id().get(result.tool_call_id or "")
    tool = call.name if call else ""
    match tool:
        case "get_current_time":
            return f"The current time is {_clock(result.text)}."
        case "search_documents":
            return _quote(result.text, request.conversation.question.text)
        case "generate_image":
            return "Here is the image that you asked for."
    return f"{tool} answered: {result.text}"


def _clock(text: str) -> str:
    """What our own service's clock says, as people say it; what another says as it is."""
    match _parse(text):
        case {"timezone": str(zone), "time": str(time)}:
            with suppress(ValueError):
                now = datetime.fromisoformat(time)
                return f"**{now:%H:%M}** in {zone}, on {now:%A}, {now.day} {now:%B %Y}"
    return _in_words(text)


def _in_words(text: str) -> str:
    """A JSON object as `key: value, ...`; anything else as it is."""
    value = _parse(text)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return str(value)


def _quote(text: str, question: str) -> str:
    """A sentence of each passage of a search, with the name of its document."""
    value = _parse(text)
    reasons: list[str] = []
    if isinstance(value, dict):
        # Our own service's search names the files that it could not search, each with the reason.
        named = value.get("not_searched")
        reasons = [f"{name}: {why}" for name, why in named.items()] if isinstance(named, dict) else []
        value = next((item for item in value.values() if isinstance(item, list)), [value])
    passages = value if isinstance(value, list) else [value]
    if not passages or passages == [""]:
        quoted = ["I found nothing about that in the documents."]
    else:
        asked = _words_of(question)
        # Once, though several passages may hold it.
        quoted = list(dict.fromkeys(_passage(passage, asked) for passage in passages))
    return "\n\n".join([*quoted, *(f"I could not search {reason}" for reason in reasons)])


def _passage(passage: object, asked: set[str]) -> str:
    if not isinstance(passage, dict):
        return f"The documents say: {_sentence(str(passage), asked)}"
    name = next((passage[key] for key in NAME_KEYS if key in passage), "the documents")
    text = next((passage[key] for key in TEXT_KEYS if key in passage), _in_words(orjson.dumps(passage).decode()))
    return f"According to {name}: {_sentence(str(text), asked)}"


def _sentence(text: str, asked: set[str]) -> str:
    """The sentence, or line, of a text that has most of what was asked for."""
    sentences = [sentence.strip() for sentence in SENTENCE_END.split(text) if sentence.strip()]
    best = max(sentences, key=lambda sentence: _common(sentence, asked), default=text)
    if len(best) <= MAX_QUOTED:
        return best
    # From a bit before the first of these words.
    first = next((match.start() for match in WORD.finditer(best) if _common(match.group(), asked)), 0)
    start = max(0, min(first - 40, len(best) - MAX_QUOTED))
    return f"{'…' * (start > 0)}{best[start : start + MAX_QUOTED].strip()}{'…' * (start + MAX_QUOTED < len(best))}"


def _common(text: str, asked: set[str]) -> int:
    """How much of what was asked for a text has: long words say more than short ones."""
    words = _words_of(text)
    return sum(len(one) for one in asked if any(word.startswith(one) for word in words))


def _words_of(text: str) -> set[str]:
    return {word.casefold() for word in WORD.findall(text)}


def _parse(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
