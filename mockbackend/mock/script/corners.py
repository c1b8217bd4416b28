"""Corners: what Azure and the way to it really do, a name for each fault of the model or of the front end's wire."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from . import faults
from .faults import ErrorFault, StreamFault
from .wire import Silence, Wire

ModelFault = ErrorFault | StreamFault


@dataclass(frozen=True, slots=True)
class Corner:
    """What a name stands for, and where that is seen in the wild. A fault of the model is met by `calls` alone."""

    value: ModelFault | Wire
    seen: str
    calls: Literal["all", "chat", "image"] = "all"


CORNERS = {
    "empty_choices_first": Corner(
        faults.EmptyChoices(),
        "Azure: the first chunk holds the verdict on the prompt and `choices: []`, which `choices[0]` does not survive",
        "chat",
    ),
    "async_filter": Corner(
        faults.AsyncFilter(),
        "Azure with the asynchronous filter: chunks without a `delta`, also after the finish",
        "chat",
    ),
    "filter_mid_answer": Corner(
        faults.AnswerFilter(after=3),
        "Azure: the filter ends an answer whose first words are on the screen",
        "chat",
    ),
    "prompt_refused": Corner(faults.PromptFilter(), "Azure: the filter refuses the prompt with a 400"),
    "jailbreak": Corner(
        faults.PromptFilter(category="jailbreak"),
        "Azure's prompt shields: harmless role play, or a document that gives orders",
    ),
    "retry_after_a_day": Corner(
        faults.Status(429, retry_after=86400),
        "Azure's daily quotas, and gateways that pass them on: a client that obeys waits until tomorrow",
    ),
    "deployment_not_found": Corner(
        faults.Status(404), "Azure: the deployment is misspelled, deleted, or younger than five minutes"
    ),
    "reasoning_model_refuses_temperature": Corner(
        faults.Refuse("temperature", "value"),
        "gpt-5 and the o series: only the default temperature is taken",
        "chat",
    ),
    "gpt_image_refuses_response_format": Corner(
        faults.Refuse("response_format", "unknown"),
        "gpt-image: `response_format`, which dall-e-3 needed, is unknown",
        "image",
    ),
    "dalle_retired": Corner(
        faults.Status(410, code="ModelRetired", message="The model 'dall-e-3' has been retired."),
        "Azure since March 2026: deployments of dall-e-3 answer with errors",
        "image",
    ),
    "context_length": Corner(faults.ContextLength(), "every model: the conversation has grown too long for it", "chat"),
    "tokens_per_minute_exceeded": Corner(
        faults.Status(429, retry_after=60),
        "Azure: a deployment's tokens of this minute are spent, on estimates of prompts and their `max_tokens`",
    ),
    "account_blocked": Corner(
        faults.AccountBlocked(), "Azure: the resource is blocked for a time, which is often taken for a refused prompt"
    ),
    "app_service_idle_230_s": Corner(
        Wire(silence=Silence(230, after=4), cut=4),
        "Azure App Service: its front end closes a connection on which nothing came for 230 seconds",
    ),
    "load_balancer_idle_60_s": Corner(
        Wire(silence=Silence(60, after=4), cut=4),
        "AWS load balancers and nginx with their defaults: the same after 60 seconds",
    ),
    "proxy_buffers": Corner(
        Wire(buffered=True),
        "nginx without `X-Accel-Buffering`, and proxies of companies: the answer comes at once, late",
    ),
    "cut_in_an_emoji": Corner(
        Wire(split=3),
        "any network: a piece ends in the middle of a character, and a decoder without `stream: true` shows `\ufffd`",
    ),
}


def wire_corner(name: str | None) -> Wire | None:
    """The fault of the wire that a corner is, if it is one."""
    value = CORNERS[name].value if name else None
    return value if isinstance(value, Wire) else None


def model_fault_of(name: str | None) -> ModelFault | None:
    """The fault of the model that a corner is, if it is one."""
    value = CORNERS[name].value if name else None
    return None if isinstance(value, Wire) else value


if TYPE_CHECKING:
    CornerName = str
else:
    # For msgspec, which checks it and names the values in the schema.
    CornerName = Literal[tuple(CORNERS)]
