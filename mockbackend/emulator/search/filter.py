"""`$filter`: the part of OData that names documents, as a test of one document.

eq ne gt ge lt le, and, or, not, (), search.in(field, 'values', 'delimiters'), a boolean field alone
"""

import operator
import re
from collections.abc import Callable, Mapping

from ..gateway.errors import AzureError
from . import errors
from .schema import NUMBERS, STRING, Field, Schema

Document = Mapping[str, object]
Test = Callable[[Document], bool]

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][\w.]*)|(?P<sign>[(),]))"
)
COMPARISONS: Mapping[str, Callable[..., bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
CONSTANTS = {"true": True, "false": False, "null": None}
DEEPEST = 100


def read_filter(text: str, schema: Schema) -> Test:
    """The test that a filter is; AzureError 400 where it is none, or names a field that cannot be filtered."""
    return _Reader(text, schema).whole()


class _Reader:
    def __init__(self, text: str, schema: Schema) -> None:
        self._text = text
        self._schema = schema
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Test:
        test = self._either()
        if self._at < len(self._tokens):
            raise self._error()
        return test

    def _either(self) -> Test:
        self._depth += 1
        if self._depth > DEEPEST:
            raise errors.bad_expression("The recursion limit was reached while parsing the filter.", "$filter")
        tests = [self._both()]
        while self._take("or"):
            tests.append(self._both())
        self._depth -= 1
        return tests[0] if len(tests) == 1 else lambda document: any(test(document) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda document: all(test(document) for test in tests)

    def _one(self) -> Test:
        if self._take("not"):
            self._depth += 1
            if self._depth > DEEPEST:
                raise self._error()
            denied = self._one()
            self._depth -= 1
            return lambda document: not denied(document)
        if self._take("("):
            test = self._either()
            self._want(")")
            return test
        if self._take("search.in"):
            return self._listed()
        return self._compared()

    def _compared(self) -> Test:
        field = self._field()
        name = field.name
        if self._next() not in COMPARISONS:
            if field.type != "Edm.Boolean":
                raise self._error()
            return lambda document: document.get(name) is True
        word = self._move()
        value = self._value()
        if not _comparable(field, value):
            raise errors.bad_expression(
                f"A binary operator with incompatible types was detected. The field '{name}' is of type "
                f"'{field.type}'.",
                "$filter",
            )
        compare = COMPARISONS[word]
        if word in ("eq", "ne"):
            return lambda document: compare(document.get(name), value)
        return lambda document: value is not None and (had := document.get(name)) is not None and compare(had, value)

    def _listed(self) -> Test:
        self._want("(")
        name = self._field().name
        self._want(",")
        values = self._string()
        delimiters = self._string() if self._take(",") else ", "
        self._want(")")
        wanted = frozenset(re.split("[" + re.escape(delimiters) + "]", values)) if delimiters else {values}
        if delimiters == ", ":
            wanted -= {""}
        return lambda document: document.get(name) in wanted

    def _field(self) -> Field:
        name = self._move()
        if not re.fullmatch(r"[A-Za-z]\w*", name) or name in CONSTANTS:
            raise self._error()
        field = self._schema.fields.get(name)
        if field is None:
            raise errors.unknown_field(name, "$filter")
        if not field.filterable:
            raise errors.bad_expression(
                f"'{name}' is not a filterable field. Only filterable fields can be used in filter expressions.",
                "$filter",
            )
        return field

    def _string(self) -> str:
        value = self._value()
        if not isinstance(value, str):
            raise self._error()
        return value

    def _value(self) -> object:
        token = self._move()
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token in CONSTANTS:
            return CONSTANTS[token]
        try:
            return float(token) if "." in token else int(token)
        except ValueError:
            raise self._error() from None

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _move(self) -> str:
        token = self._next()
        self._at += 1
        return token

    def _take(self, token: str) -> bool:
        taken = self._next() == token
        self._at += taken
        return taken

    def _want(self, token: str) -> None:
        if not self._take(token):
            raise self._error()

    def _error(self) -> AzureError:
        at = min(self._at, len(self._tokens))
        return errors.bad_expression(f"Syntax error at token {at} in '{self._text[:200]}'.", "$filter")


def _tokens(text: str) -> list[str]:
    """Strings with their quotes, numbers, words and signs; AzureError 400 where something is none of these."""
    found: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = TOKEN.match(text, at)
        if match is None:
            at = len(text) - len(text[at:].lstrip())
            raise errors.bad_expression(f"Syntax error at position {at} in '{text[:200]}'.", "$filter")
        found.append(match[match.lastgroup or 0])
        at = match.end()
    return found


def _comparable(field: Field, value: object) -> bool:
    if value is None:
        return True
    if field.type in NUMBERS:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if field.type == "Edm.Boolean":
        return isinstance(value, bool)
    return field.type == STRING and isinstance(value, str)
