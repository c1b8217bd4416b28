"""What engines refuse of a request, and how they say so: one table of {words → what is done}.

What is done is a form of the request that `learned` avoids from then on, or a parameter that it leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..errors import Form, RefusedTool, RequestRefused, UnsupportedForm, UnsupportedParameter
from .error_body import ErrorBody

UNSUPPORTED_CODES = {"unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden"}
# Each is matched without regard to case; the first that matches counts.
FORMS: Mapping[Form, str] = {
    # llama.cpp, DeepSeek, vLLM, Ollama, LM Studio, OpenRouter, OpenAI, Mistral.
    "images": r"unknown variant `image_url`|images? (?:input )?(?:is|are) not (?:supported|enabled)|at most 0 image"
    r"|(?:not|n't) (?:support|accept) (?:\w+ )?(?:image|vision|multimodal|multi-modal)"
    r"|not (?:a )?(?:multimodal"
    r"|vision)|support image input"
    r"|image_url.{0,40}(?:only supported|not supported|unsupported|not allowed)|no vision|text.only model"
    r"|(?:image|vision|multi-?modal)\w*(?: (?:input|content|url)s?)? (?:(?:is|are) )?(?:not |un)(?:supported|enabled)"
    r"|image (?:input|url)s? (?:is|are) not (?:allowed|accepted)"
    r"|unsupported.{0,30}image_url"
    r"|(?:content type|type|part).{0,20}image(?:_url)?.{0,20}not (?:supported|allowed)|missing data required for image"
    r"|provide the mmproj|image content is not",
    # Gemma and its like; o1-mini; Gemma at Google.
    "system message": r"system (?:role|message|prompt|instruction)s? (?:(?:is|are) )?(?:not |un)(?:supported|allowed)"
    r"|(?:developer|system) instruction is not enabled|roles\b.{0,40}(?:got|found|but|not):? ['\"`]?system"
    r"|role:? ['\"`]?system['\"`]? (?:is )?(?:not |un)(?:supported|allowed)"
    r"|(?:not|n't) support (?:the )?'?(?:system|developer)|only user and assistant roles"
    r"|'system' is not (?:supported|allowed)",
    # Mistral and vLLM; OpenAI's limit of length; Anthropic's pattern.
    "call ids": r"tool[ _-]?calls? ids?.{0,60}(?:length|alphanumeric|a-z)"
    r"|tool_calls?\S*\.id.{0,40}(?:too long|pattern|length)"
    r"|(?:tool_use|tool_result)\S*id.{0,40}(?:pattern|match)",
    # Gemini 3 and what stands before it.
    "unsigned calls": r"thought_?signature",
    "unnamed results": r"function_?response\.name|tool message.{0,30}(?:must have|requires|missing).{0,10}name",
    # DeepSeek, Kimi.
    "absent reasoning": r"reasoning_content.{0,60}(?:must be passed|missing|is required)"
    "|missing.{0,20}reasoning_content",
    # Templates that know no tools, and histories that an engine counts otherwise.
    "tool calls": r"roles must alternate|should alternate with assistant|unexpected role '?tool|(?:only"
    "|supported) user.{0,12}assistant.{0,12}(?:system )?roles"
    r"|(?:invalid|unknown|unsupported) role:? ['\"`]?(?:tool|function)|'tool' (?:role )?is not (?:supported|allowed)"
    r"|role 'tool' must be a response|tool_calls?.{0,40}must be followed|(?:tool_use|tool_result).{0,60}without"
    r"|number of function (?:calls|response)|unknown variant `tool`|tool_calls?['`\"]? (?:is"
    r"|are) not (?:supported|allowed)"
    r"|without `?tools=?`? param|requests which define|single tool.?calls? at once|function response turn"
    r"|unexpected `?tool_use_id|must start with a thinking block",
    "absent content": r"content.{0,40}(?:not be null|cannot be null|must not be (?:null|empty)"
    "|valid string|got null|null)",
    "lists of content": r"content.{0,20}must be a string|sequence, expected a string"
    "|content.{0,20}expected (?:a )?string",
}
# What is wrong with one picture, while others may do.
OF_ONE_IMAGE = re.compile(
    r"\bformats?\b|\bmime\b|image/|\bsizes?\b|base64|\b(?:gif|webp|bmp|tiff|svg|heic|avif)\b"
    r"|invalid (?!content type|request)",
    re.IGNORECASE,
)
# Ollama, vLLM, llama.cpp, OpenRouter, a gateway.
NO_TOOLS = re.compile(
    r"(?:not|n't) support (?:tools?\b|tool us|tool call|function)|tool choice requires"
    r"|tools param requires|that support tool use"
    r"|(?:function|tool) (?:calling|use|usage)[`']? is not (?:supported|enabled)"
    r"|tools?[`']? (?:is|are) not (?:supported|enabled)|cannot use tools|\bno tool (?:support|use|calling)",
    re.IGNORECASE,
)
# Ollama, Gemini: not in the name that was sent.
NO_THINKING = re.compile(
    r"(?:not|n't) support (?:thinking|reasoning)\b|\bthink value"
    r"|\b(?:thinking|reasoning)(?: \w+)? (?:is|are) not (?:supported|enabled)",
    re.IGNORECASE,
)
_PATTERNS = [(form, re.compile(words, re.IGNORECASE | re.DOTALL)) for form, words in FORMS.items()]
PARAMETER = re.compile(r"[A-Za-z_][\w.\[\]]{0,99}", re.ASCII)
_NAME = r"['\"`]?([A-Za-z_][\w.\[\]]*)['\"`]?"
NAMED = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"Unrecognized request arguments? supplied: {_NAME}",
        rf"(?:unknown|unsupported|unexpected|unrecognized|invalid)\s(?:\w+\s)?(?:name|field|parameter|argument|key|property)s?:?\s{_NAME}",
        rf"(?:parameter|property|field|argument|key)s?:?\s\[?{_NAME}\]?,?\s(?:is|are)?\s?(?:not|un)",
        rf"{_NAME}:? extra inputs are not permitted",
        rf"extra inputs are not permitted,? field: {_NAME}",
        rf"(?:not|n't) support (?:the )?(?:parameter|argument|field|propert)\w*:? \[?{_NAME}",
        rf"(?:argument|parameter)s? not supported.{{0,40}}: {_NAME}",
        rf"\({_NAME} was unexpected\)",
        rf"{_NAME} (?:is|are) not (?:supported|allowed|permitted|available|enabled)",
    )
]
COMPLAINT = re.compile(
    r"(?:not|n't) (?:be )?(?:support|allow|permit|recogni|accept|enabl|implement)|unsupported|unknown"
    r"|unrecogni|unexpected|extra"
    r"|forbidden|cannot find|invalid",
    re.IGNORECASE,
)
# Words of the language, which mean a parameter only where they are quoted.
PLAIN_WORDS = {"tools", "stream", "messages", "model", "content", "role", "name", "type", "id", "function", "user"}
WORD = re.compile(r"[A-Za-z]\w+")
# Where a tool stands in a request, as OpenAI, pydantic and Google say it; and its name, as OpenAI does.
TOOL_PLACE = re.compile(r"\b(?:tools|function_?declarations)(?:\[|\.)(\d{1,3})\]?\b", re.IGNORECASE)
TOOL_NAME = re.compile(r"schema for (?:function|tool) ['\"`]?([\w-]{1,64})", re.IGNORECASE)
COMPLAINT_OF_KEY = re.compile(
    r"extra inputs|not permitted|forbidden|unknown|unrecogni|unsupported|unexpected", re.IGNORECASE
)
# A refusal that names one of these is about it, whatever it says of it.
OPTIONAL = {"temperature", "stream_options", "max_completion_tokens", "max_tokens", "reasoning_effort", "tool_choice"}


def tool_of(error: ErrorBody) -> RefusedTool | None:
    """The tool whose name or schema the engine refuses, if it is named."""
    for place in (error.param, error.message, *(".".join(path) for path in error.paths)):
        if found := TOOL_PLACE.search(place):
            # A key in it that the engine does not know is the service's own.
            return None if COMPLAINT_OF_KEY.search(error.message) else _refused_tool(index=int(found[1]))
    found = TOOL_NAME.search(error.message)
    return _refused_tool(name=found[1]) if found else None


def _refused_tool(index: int | None = None, name: str | None = None) -> RefusedTool:
    words = "The model API does not take one of the tools. The operator can find the reason in the log."
    return RefusedTool(words, index, name)


def refusal_of(error: ErrorBody) -> RequestRefused | None:
    """What the engine refuses, if it says so in words of the table."""
    if tool := tool_of(error):
        return tool
    for path in error.paths:
        if found := _at(path, error):
            return found
    if NO_TOOLS.search(error.message):
        return UnsupportedParameter("tools")
    if NO_THINKING.search(error.message):
        return UnsupportedParameter("reasoning_effort", names_in(error.message))
    for form, words in _PATTERNS:
        if words.search(error.message):
            return UnsupportedForm(form) if form != "images" or not OF_ONE_IMAGE.search(error.message) else None
    names = _named(error)
    if not names:
        return None
    named = [*names, *names_in(error.message)]
    return UnsupportedParameter(names[0], named, of_value=error.code == "unsupported_value")


def _at(path: tuple[str, ...], error: ErrorBody) -> RequestRefused | None:
    """What pydantic means by a place in the request."""
    name = next((step for step in reversed(path) if not step.isdigit()), "")
    if re.search(r"forbidden|extra|not permitted", f"{error.type} {error.message}", re.IGNORECASE):
        return UnsupportedParameter(name, reversed(path)) if PARAMETER.fullmatch(name) else None
    if "messages" in path and any(step in ("content", "image_url") for step in path):
        of_images = "image_url" in path or "image" in error.message
        if of_images and OF_ONE_IMAGE.search(error.message):
            return None
        return UnsupportedForm("images" if of_images else "absent content")
    if "messages" not in path and len(path) > 1 and path[0] == "body" and PARAMETER.fullmatch(path[1]):
        return UnsupportedParameter(path[1])
    return None


def _named(error: ErrorBody) -> list[str]:
    """The parameters that the engine names as unsupported, the likeliest first."""
    if error.param and PARAMETER.fullmatch(error.param) and error.code in UNSUPPORTED_CODES:
        return [error.param]
    return [name for pattern in NAMED for name in pattern.findall(error.message) if PARAMETER.fullmatch(name)]


def names_in(words: str) -> Iterator[str]:
    """The words that are names of parameters, or may be where the engine complains of something."""
    complains = COMPLAINT.search(words) is not None
    yield from (word for word in WORD.findall(words) if word in OPTIONAL or (complains and word not in PLAIN_WORDS))
