"""The words with which engines refuse a request that is longer than their model can read, and the numbers in them."""

from __future__ import annotations

import re

from ..errors import ContextExceeded
from .error_body import ErrorBody

CODES = {"context_length_exceeded", "exceed_context_size_error", "model_max_prompt_tokens_exceeded", "1261"}
CODES_OF_CONTENT = {"string_above_max_length", "tokens_limit_reached"}
_N = r"(\d[\d,_]*)"
# Each is said by some engine; what they have in common is too little to tell them from other refusals.
TOO_LONG = re.compile(
    r"context[ _-]?(?:length|window|size|limit)|maximum (?:model|prompt|input) length"
    r"|maximum number of (?:input )?tokens"
    r"|(?:prompt|input|request|conversation|messages?)(?: tokens?| length)?(?: is| are)? too (?:long|large)"
    r"|too large for model|exceed\w* (?:the )?max(?:imum)? (?:input|prompt|sequence) length"
    r"|(?:larger|longer|bigger|greater|more) than (?:the |this |its |model(?:'s)? |available |maximum )*context\b"
    r"|requested tokens \(?\d+\)? exceed|max_(?:completion_)?tokens must be at least 1, got -"
    r"|too many (?:input |prompt )?tokens|(?:input|prompt)(?: tokens?)? limit\b.*exceed"
    r"|(?:input|prompt|token)s? (?:length|count)\b.*exceed"
    r"|exceed\w* (?:the |this |its |model(?:'s)? |available |maximum )*context\b(?! deadline| cancel)"
    r"|exceed\w*.*\b(?:(?:model|input|prompt)(?:'s)? token limit|model length)"
    r"|(?:input|prompt)\b.*exceed\w*.*\btoken limit|longer than the (?:model|context|maximum)"
    r"|reduce the length|prompt exceeds max|max_new_tokens` must be|range of input length|less than \d+ tokens"
    r"|number of tokens in the prompt|request too large for|(?:max_seq_len|session_len)\b|max message tokens"
    r"|maximum (?:input|prompt) tokens|(?:input|prompt)(?: tokens?)? count (?:is|of) \d+ but"
    r"|number of (?:input|prompt) tokens\b.*(?:exceed|limit)|(?:input|prompt)(?: and completion)? tokens? exceed\w*"
    r"|too large to process",
    re.IGNORECASE | re.DOTALL,
)
# Words that no failure has that may pass: Ollama and llama.cpp say them with status 500, and without a number.
CERTAINLY = re.compile(
    r"(?:input|prompt|request|messages?|tokens?)\b.{0,60}\b(?:exceed\w*|longer than|too (?:long|large) for)\b"
    r".{0,40}\bcontext[ _-]?(?:length|window|size)|too large to process",
    re.IGNORECASE | re.DOTALL,
)
# What a key may use up in a time, which a shorter request does not mend.
QUOTA = re.compile(r"\b(?:hourly|daily|weekly|monthly|quota|per (?:hour|day|week|month))\b", re.IGNORECASE)
# `max_tokens` alone is too large: not what is asked, but what may be answered.
ANSWER_TOO_LONG = re.compile(
    r"max_(?:completion_|output_|new_)?tokens\W*(?:is|are)? too (?:large|high)|at most \d+ (?:completion|output) tokens"
    r"|invalid max_(?:completion_)?tokens|range of max_(?:completion_)?tokens"
    r"|max_(?:completion_|output_)?tokens.{0,40}(?:less|smaller|lower) than or equal"
    r"|max_(?:completion_)?tokens: \d+ > \d+|max_(?:completion_|output_|new_)?tokens\W{1,3}\d+\W{1,2}exceed"
    r"|max_?output_?tokens.{0,60}\brange\b",
    re.IGNORECASE,
)
ANSWER_LIMIT = re.compile(
    rf"at most {_N} (?:completion|output) tokens|(?:less|smaller|lower) than or equal to `?{_N}|"
    rf"max_(?:completion_)?tokens: \d+ > {_N}|(?:range|between).{{0,40}}\b[01](?: \(inclusive\))? ?(?:,|and|to) ?{_N}"
    rf"|limit of {_N} (?:output|completion)",
    re.IGNORECASE,
)
# How much the model can read, best first.
LIMITS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\[\d+, ?{_N}\]",
        rf"\d > {_N}",
        rf"(?:max_seq_len|session_len|only supports up to)\W{{0,3}}{_N}",
        rf"exceed\w*[^\d>+]{{0,60}}?\b(?:of|length|size|limit)\W{{0,3}}{_N}(?! ?[>+])",
        rf"(?:context|prompt|model|input)[ _-]?(?:length|window|size"
        rf"|limit)\W{{0,3}}(?:\w+ ){{0,4}}?\W?(?:of |is |= ?)?(?:only )?\(?{_N}",
        rf"{_N} (?:tokens? )?(?:maximum|max\b)|max size:? {_N}",
        rf"> {_N}",
        rf"(?:allowed|maximum|limit)\W{{0,3}}(?:\w+ ){{0,2}}?\(?{_N}",
        rf"(?:must be <=|less than|cannot exceed|at most|up to|limit:?) {_N}",
    )
]
ASKED = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_N} (?:tokens )?(?:in the messages|of text input|from the input|input tokens|`inputs`)",
        rf"\({_N} in the messages",
        rf"(?:prompt|input|messages|request)[\w ]{{0,20}}(?:has|contains?|of|resulted in|:|\() ?{_N}",
    )
]
# Fewer than these no model can read: a number that means something else.
LEAST_TOKENS = 256
# How much there is too much; a code of MiniMax's.
NO_SIZE = re.compile(r"\bby [\d,_]+|\(2013\)")


def exceeded(error: ErrorBody) -> ContextExceeded | None:
    """The error of a request that is too long; None if the engine says something else."""
    words = NO_SIZE.sub("", error.message)
    if ANSWER_TOO_LONG.search(words):
        most = _first([ANSWER_LIMIT], words)
        if most and "(exclusive)" in words:
            most -= 1
        limit = None if most else _first(LIMITS, words)
        return ContextExceeded(limit, _first(ASKED, words), most_answered=most, answer_too_long=True)
    if not is_coded(error) and (not TOO_LONG.search(words) or QUOTA.search(words)):
        return None
    limit, asked = error.numbers.get("n_ctx") or _first(LIMITS, words), _first(ASKED, words)
    numbers = [number for found in re.findall(_N, words) if (number := _number(found)) >= LEAST_TOKENS]
    if limit is None and len(numbers) > 1:
        # What is asked for is more than what is allowed.
        limit = min(numbers)
    return ContextExceeded(limit, asked)


def is_certain(error: ErrorBody) -> bool:
    """Whether the error's code, or words that mean nothing else, say that the request is too long."""
    return is_coded(error) or CERTAINLY.search(error.message) is not None


def is_coded(error: ErrorBody) -> bool:
    """Whether the error's code says that the request is too long."""
    # The id of a call may be too long as well.
    is_of_content = not error.param or "content" in error.param or "input" in error.param
    return bool(CODES & {error.code, error.type}) or (is_of_content and error.code in CODES_OF_CONTENT)


def _first(patterns: list[re.Pattern[str]], words: str) -> int | None:
    for pattern in patterns:
        for match in pattern.finditer(words):
            number = _number(next(group for group in match.groups() if group))
            if number >= LEAST_TOKENS or pattern in ASKED:
                return number
    return None


def _number(text: str) -> int:
    return int(text.replace(",", "").replace("_", ""))
