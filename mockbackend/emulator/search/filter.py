"""`$filter`: a part of OData's expressions, parsed into a test of one document.

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
MAX_DEPTH = 100


def read_filter(text: str, schema: Schema) -> Test:
    """Parse a filter; AzureError 400 for a syntax error, or a field that cannot be filtered."""
    return _Parser(text, schema).parse()


class _Parser:
    def __init__(self, text: str, schema: Schema) -> None:
        self._text = text
        self._schema = schema
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def parse(self) -> Test:
        test = self._or()
        if self._at < len(self._tokens):
            raise self._error()
        return test

    def _or(self) -> Test:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise errors.invalid_expression("The recursion limit was reached while parsing the filter.", "$filter")
        tests = [self._and()]
        while self._take("or"):
            tests.append(self._and())
        self._depth -= 1
        return tests[0] if len(tests) == 1 else lambda document: any(test(document) for test in tests)

    def _and(self) -> Test:
        tests = [self._not()]
        while self._take("and"):
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda document: all(test(document) for test in tests)

    def _not(self) -> Test:
        if self._take("not"):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise self._error()
            negated = self._not()
            self._depth -= 1
            return lambda document: not negated(document)
        if self._take("("):
            test = self._or()
            self._expect(")")
            return test
        if self._take("search.in"):
            return self._search_in()
        return self._comparison()

    def _comparison(self) -> Test:
        field = self._field()
        name = field.name
        if self._peek() not in COMPARISONS:
            if field.type != "Edm.Boolean":
                raise self._error()
            return lambda document: document.get(name) is True
        word = self._advance()
        value = self._value()
        if not _comparable(field, value):
            raise errors.invalid_expression(
                f"A binary operator with incompatible types was detected. The field '{name}' is of type "
                f"'{field.type}'.",
                "$filter",
            )
        compare = COMPARISONS[word]
        if word in ("eq", "ne"):
            return lambda document: compare(document.get(name), value)
        if value is None:
            return lambda document: False
        return lambda document: (found := document.get(name)) is not None and compare(found, value)

    def _search_in(self) -> Test:
        self._expect("(")
        name = self._field().name
        self._expect(",")
        values = self._string()
        delimiters = self._string() if self._take(",") else ", "
        self._expect(")")
        wanted = frozenset(re.split("[" + re.escape(delimiters) + "]", values)) if delimiters else {values}
        if delimiters == ", ":
            wanted -= {""}
        return lambda document: document.get(name) in wanted

    def _field(self) -> Field:
        name = self._advance()
        if not re.fullmatch(r"[A-Za-z]\w*", name) or name in CONSTANTS:
            raise self._error()
        field = self._schema.fields.get(name)
        if field is None:
            raise errors.unknown_field(name, "$filter")
        if not field.filterable:
            raise errors.invalid_expression(
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
        token = self._advance()
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token in CONSTANTS:
            return CONSTANTS[token]
        try:
            return float(token) if "." in token else int(token)
        except ValueError:
            raise self._error() from None

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _advance(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _take(self, token: str) -> bool:
        taken = self._peek() == token
        self._at += taken
        return taken

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise self._error()

    def _error(self) -> AzureError:
        at = min(self._at, len(self._tokens))
        return errors.invalid_expression(f"Syntax error at token {at} in '{self._text[:200]}'.", "$filter")


def _tokens(text: str) -> list[str]:
    """Split into strings with their quotes, numbers, words and signs; AzureError 400 for anything else."""
    found: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = TOKEN.match(text, at)
        if match is None:
            at = len(text) - len(text[at:].lstrip())
            raise errors.invalid_expression(f"Syntax error at position {at} in '{text[:200]}'.", "$filter")
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
