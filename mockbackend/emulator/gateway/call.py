"""A request before its kind matters: which deployment, by which API version, with what body."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import orjson

from . import errors

DATED = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
UNDATED = frozenset({"", "v1", "preview"})
# o1, o3 and their like came with this version; older ones refuse them by name.
O_SERIES_SINCE = "2024-12-01-preview"


class Operation(Enum):
    """What is asked: the path's end, the name in refusals, the name in rate limit messages."""

    CHAT = ("chat/completions", "chatCompletion", "ChatCompletions_Create")
    EMBEDDING = ("embeddings", "embeddings", "Embeddings_Create")
    IMAGE = ("images/generations", "imageGenerations", "ImageGenerations_Create")

    def __init__(self, path: str, refusal: str, limit: str) -> None:
        self.path = path
        self.refusal = refusal
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Deployment:
    """A name, and what the emulator reads from it. Azure's own names tell nothing."""

    name: str

    @property
    def operation(self) -> Operation:
        if "image" in self.name or self.makes_urls:
            return Operation.IMAGE
        return Operation.EMBEDDING if "embedding" in self.name else Operation.CHAT

    @property
    def makes_urls(self) -> bool:
        """Speaks the dall-e-3 shape, not gpt-image's."""
        return "dall-e" in self.name

    @property
    def o_series(self) -> bool:
        return re.match(r"o\d", self.name) is not None

    @property
    def reasoning(self) -> bool:
        return self.o_series or self.name.startswith("gpt-5")

    @property
    def model(self) -> str:
        """The model's full name, as answers have it."""
        return f"{self.name}-2025-08-07"


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `version` is a dated API version or `v1`; `origin` is scheme and host as the client wrote them."""

    operation: Operation
    deployment: Deployment
    version: str
    body: Mapping[str, object]
    origin: str

    @property
    def undated(self) -> bool:
        return self.version == "v1"


def parse_body(raw: bytes) -> Mapping[str, object]:
    """The JSON object of a request body; AzureError 400 for anything else."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise errors.invalid("We could not parse the JSON body of your request. The API expects a JSON payload.")
    return body


def check_version(version: str, dated: bool) -> str:
    """The API version that counts; AzureError 404 where a dated path has none, 400 for one that is no version."""
    if not dated:
        if version not in UNDATED:
            raise errors.bad_version()
        return "v1"
    if not version:
        raise errors.not_found()
    if not DATED.fullmatch(version):
        raise errors.bad_version()
    return version


def find_deployment(name: object, operation: Operation, version: str) -> Deployment:
    """Any name is deployed but those beginning with `missing`; AzureError where it cannot do what is asked."""
    if name is None:
        raise errors.missing("model")
    if not isinstance(name, str) or not name:
        raise errors.wrong_type("model", "a string")
    if name.startswith("missing"):
        raise errors.no_deployment()
    deployment = Deployment(name)
    if deployment.operation is not operation:
        raise errors.wrong_kind(operation.refusal, name)
    if deployment.o_series and version != "v1" and version < O_SERIES_SINCE:
        message = f"Model {name} is enabled only for api versions {O_SERIES_SINCE} and later"
        raise errors.coded(400, "BadRequest", message)
    return deployment
