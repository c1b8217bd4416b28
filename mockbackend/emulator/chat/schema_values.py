"""A value that obeys a JSON Schema, made from a prompt."""

import math
import re
from collections.abc import Iterator, Mapping

from ...mock.script.searching import TooSlowError, one_call, search
from .schema_problems import referenced

Schema = Mapping[str, object]

MAX_DEPTH = 8
# What is made in all: a schema of a few bytes may ask for billions. Beyond it there is null.
MAX_VALUES = 2000
MAX_CHARACTERS = 200_000
# Of a part of a pattern.
MAX_REPEATED = 1000
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\S")
_QUOTED = re.compile(r"(?<!\w)[\"'`“‘«「]([^\"'`“”‘’«»「」\n]{1,80})[\"'`”’»」](?!\w)")
# Capital letters at the beginning of a sentence say nothing of these.
_OPENING = re.compile(
    "a|an|and|are|be|book|call|can|create|could|do|does|draw|extract|find|for|get|give|has|have|he|hello|hi|how|i|in|is|"
    "it|json|list|make|my|name|of|on|our|please|return|say|send|set|she|show|tell|that|the|there|they|this|to|use|was|we|"
    "what|when|where|which|who|why|will|with|would|write|you",
    re.IGNORECASE,
)
# Keys whose values are numbers, where no schema says so.
_COUNTED = re.compile(r"(?i)\b(age|amount|count|days|degrees|number|people|price|quantity|size|total|year|years)\b")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_FORMATS = {
    "date-time": "2026-01-01T09:00:00Z",
    "date": "2026-01-01",
    "time": "09:00:00Z",
    "duration": "PT1H",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com/",
}


class ValueMaker:
    """Makes values of a schema; numbers, names and the like are taken from a prompt, each once, where they fit."""

    def __init__(self, root: Schema, prompt: str) -> None:
        self._root = root
        self._prompt = prompt
        self._values, self._characters = MAX_VALUES, MAX_CHARACTERS
        self._numbers = [number for found in _NUMBER.findall(prompt) if math.isfinite(number := float(found))]
        # Who writes "name" means the key.
        keys = _mapping(root.get("properties"))
        self._names = [name for name in _names(prompt) if name not in keys]

    def make(self) -> object:
        return self._value(self._root, "", 0)

    def _value(self, schema: object, name: str, depth: int) -> object:
        if self._values <= 0 or self._characters <= 0:
            return None
        self._values -= 1
        made = self._made(schema, name, depth)
        # What is within others has been counted, but for what the schema has whole.
        if not isinstance(made, dict | list) or (isinstance(schema, Mapping) and {"const", "enum"} & schema.keys()):
            self._characters -= len(str(made))
        return made

    def _made(self, schema: object, name: str, depth: int) -> object:
        if not isinstance(schema, Mapping):
            return self._text({}, name)
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if isinstance(choices := schema.get("enum"), list) and choices:
            return self._choice(choices)
        for keyword in ("anyOf", "oneOf"):
            if isinstance(options := schema.get(keyword), list) and options:
                return self._value(self._option(options, depth), name, depth + 1)
        match self._kind(schema, depth):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer":
                number = int(self._number(schema, whole=True))
                return number if abs(number) < 2**63 else 0
            case "number":
                return self._number(schema, whole=False)
            case "boolean":
                return not re.search(r"\b(no|not|never|false)\b", self._prompt, re.IGNORECASE)
            case "null":
                return None
        return self._text(schema, name)

    def _resolved(self, schema: Schema, depth: int = 0) -> Schema:
        """The schema that a local `$ref` means, with the parts of `allOf` merged into it."""
        for _ in range(MAX_DEPTH):
            reference = schema.get("$ref")
            if not isinstance(reference, str) or not reference.startswith("#"):
                break
            schema = referenced(self._root, reference) or {}
        merged = dict(schema)
        parts = merged.pop("allOf", None)
        for part in parts if isinstance(parts, list) and depth < MAX_DEPTH and self._values > 0 else ():
            self._values -= 1
            inner = self._resolved(part, depth + 1) if isinstance(part, Mapping) else {}
            properties = {**_mapping(merged.get("properties")), **_mapping(inner.get("properties"))}
            required = [*_sequence(merged.get("required")), *_sequence(inner.get("required"))]
            merged |= inner
            if properties:
                merged |= {"properties": properties, "required": required}
        return merged

    def _kind(self, schema: Schema, depth: int) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            kinds = [one for one in kind if one != "null"]
            return "null" if not kinds or depth > MAX_DEPTH else str(kinds[0])
        if kind is None:
            return "object" if "properties" in schema else "array" if "items" in schema else "string"
        return str(kind)

    def _option(self, options: list[object], depth: int) -> object:
        """The first option that is something; too deep, the one that ends."""
        resolved = [self._resolved(option) if isinstance(option, Mapping) else {} for option in options]
        nothing = [one for one in resolved if one.get("type") == "null"]
        something = [one for one in resolved if one.get("type") != "null"]
        return (nothing or something)[0] if depth > MAX_DEPTH or not something else something[0]

    def _object(self, schema: Schema, depth: int) -> dict[str, object]:
        properties = _mapping(schema.get("properties"))
        required = _sequence(schema.get("required"))
        # What is optional is left out once it is deep: a schema may contain itself.
        names = [name for name in properties if name in required or depth < MAX_DEPTH // 2]
        if depth > 2 * MAX_DEPTH:
            names = []
        return {name: self._value(properties[name], name, depth + 1) for name in names}

    def _array(self, schema: Schema, name: str, depth: int) -> list[object]:
        fewest, most = _whole(schema.get("minItems"), 0), _whole(schema.get("maxItems"), 100)
        count = min(max(fewest, 1 if depth <= MAX_DEPTH else 0), most, MAX_VALUES)
        items = [self._value(schema.get("items"), name.removesuffix("s"), depth + 1) for _ in range(count)]
        return self._unique(items, schema, fewest) if schema.get("uniqueItems") is True else items

    def _unique(self, items: list[object], schema: Schema, fewest: int) -> list[object]:
        """The items without repetitions, and others in place of those that are needed."""
        inner = schema.get("items")
        resolved = self._resolved(inner) if isinstance(inner, Mapping) else {}
        first = items[0] if items else ""
        if isinstance(choices := resolved.get("enum"), list):
            others: list[object] = choices
        elif isinstance(first, int | float) and not isinstance(first, bool):
            others = [first + number for number in range(len(items)) if _fits(resolved, first + number)]
        elif isinstance(first, str):
            others = [f"{first}{number}" for number in range(2, len(items) + 2)]
        else:
            others = [True, False] if isinstance(first, bool) else []
        found: list[object] = []
        for one in (*items, *others):
            if one not in found and (len(found) < max(fewest, 1) or one in items):
                found.append(one)
        return found

    def _choice(self, choices: list[object]) -> object:
        said = self._prompt.casefold()
        named = (one for one in choices if isinstance(one, str) and one and one.casefold() in said)
        return next(named, choices[0])

    def _number(self, schema: Schema, *, whole: bool) -> float:
        for at, number in enumerate(self._numbers):
            if (not whole or number.is_integer()) and _fits(schema, number):
                return self._numbers.pop(at)
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        step = schema.get("multipleOf")
        candidates: Iterator[float] = iter((1.0, 0.0))
        if isinstance(step, int | float) and step > 0:
            steps = low // step if isinstance(low, int | float) else 0
            start = int(steps) if math.isfinite(steps) else 0
            candidates = (float((start + number) * step) for number in range(1000))
        elif isinstance(low, int | float):
            candidates = iter((float(low), low + 1.0, low + 0.5, low + 0.001))
        else:
            high = schema.get("maximum", schema.get("exclusiveMaximum"))
            if isinstance(high, int | float):
                candidates = iter((1.0, 0.0, float(high), high - 1.0))
        return next((number for number in candidates if _fits(schema, number)), 0.0)

    def _text(self, schema: Schema, name: str) -> str:
        form = schema.get("format")
        text = self._formatted(form) if isinstance(form, str) else None
        if text is None:
            text = self._named(name)
            if isinstance(pattern := schema.get("pattern"), str):
                text = _matching(pattern, text, self._prompt) or text
        fewest, most = _whole(schema.get("minLength"), 0), _whole(schema.get("maxLength"), len(text) + 1_000_000)
        return text.ljust(min(fewest, MAX_CHARACTERS), ".")[:most]

    def _formatted(self, form: str) -> str | None:
        """What the prompt says of that format, else an example; None for an unknown format."""
        said = {"date": _DATE, "email": _EMAIL}.get(form)
        found = said.findall(self._prompt) if said else []
        return found[0] if found else _FORMATS.get(form)

    def _named(self, name: str) -> str:
        """What fits a property of that name."""
        if "email" in name and (emails := _EMAIL.findall(self._prompt)):
            return str(emails[0])
        if self._names and re.search("name|city|person|place|title|country", name):
            return self._names.pop(0)
        prompt = self._prompt.strip()
        return (prompt if re.search("query|text|prompt|question|input", name) else "") or name or "text"


def make_value(schema: Schema, prompt: str) -> object:
    """A value that obeys the schema, made from the prompt. The same each time."""
    return ValueMaker(schema, prompt).make()


def object_schema(prompt: str) -> Schema:
    """The schema of an object with the keys that a prompt quotes, for where any object will do."""
    keys = _QUOTED.findall(prompt)
    kinds = {key: "integer" if _COUNTED.search(key) and _NUMBER.search(prompt) else "string" for key in keys}
    return {"type": "object", "properties": {key: {"type": kind} for key, kind in kinds.items()}}


def _names(prompt: str) -> list[str]:
    """What the prompt seems to name: what it quotes, then words with capital letters, those in a row together.

    A single word at the beginning of a sentence comes last: any word has a capital there.
    """
    names: list[str] = _QUOTED.findall(prompt)
    doubtful: list[str] = []
    words: list[str] = []
    begins = True
    for word in [*_WORD.findall(prompt), "."]:
        if word[0].isupper() and (words or not _OPENING.fullmatch(word)):
            words.append(word)
            continue
        if words:
            (doubtful if begins and len(words) == 1 else names).append(" ".join(words))
            begins, words = False, []
        begins = word in ".!?:\n" or (begins and not word[0].isalnum())
    return names + doubtful


def _fits(schema: Schema, number: float) -> bool:
    def bound(key: str) -> float | None:
        value = schema.get(key)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    low, high, above, below = map(bound, ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
    step = bound("multipleOf")
    if (low is not None and number < low) or (high is not None and number > high):
        return False
    if (above is not None and number <= above) or (below is not None and number >= below):
        return False
    if step is None or step <= 0:
        return True
    times = number / step
    return math.isfinite(times) and abs(times - round(times)) < 1e-9


def _matching(pattern: str, text: str, prompt: str) -> str | None:
    """A text that the pattern matches: a word of the prompt, or what the pattern's simple parts spell."""
    spelled = _spelled(pattern)
    try:
        with one_call():
            return next((word for word in (text, *prompt.split(), spelled) if search(pattern, word)), None)
    except (re.error, OverflowError, RecursionError, TooSlowError):
        return None


def _spelled(pattern: str) -> str:
    spelled, last = "", ""
    for part, fewest in re.findall(r"(\[[^\]]*\]|\\.|[^\\{}^$*+?()|])(?:\{(\d+)[^}]*\})?", pattern):
        last = _letter(part)
        spelled += last * (min(int(fewest), MAX_REPEATED) if fewest else 1)
    return spelled


def _letter(part: str) -> str:
    for characters in ("0", "a", "A", "-", " ", "."):
        if re.fullmatch(part, characters):
            return characters
    return part[-1]


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _whole(value: object, default: int) -> int:
    return value if type(value) is int and value >= 0 else default
