"""A call before its operation matters: its deployment, API version and body."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import orjson

from ...mock.script.asked import Asked, AskedError, read_asked
from . import errors
from .mocked import MockedCall

DATED = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
V1_VERSIONS = frozenset({"", "v1", "preview"})
# o1, o3 and their like came with this version; older versions refuse them by name.
O_SERIES_SINCE = "2024-12-01-preview"
FRONT_ONLY = (
    "X-Mock: what it asks is a fault of a front end's wire, which is the chat service's. "
    "A call of the model takes corners of the model, such as corner=async_filter."
)


class Operation(Enum):
    """What a call asks for: the end of its path, its name in error messages and in rate limit messages.

    The last is the kind of rules that serve it, by which the journal calls it too.
    """

    CHAT = ("chat/completions", "chatCompletion", "ChatCompletions_Create", "chat")
    EMBEDDING = ("embeddings", "embeddings", "Embeddings_Create", "embedding")
    IMAGE = ("images/generations", "imageGenerations", "ImageGenerations_Create", "image")
    IMAGE_EDIT = ("images/edits", "imageEdits", "ImageEdits_Create", "image")
    RESPONSE = ("responses", "responses", "Responses_Create", "chat")

    def __init__(self, path: str, error_name: str, limit_name: str, kind: str) -> None:
        self.path = path
        self.error_name = error_name
        self.limit_name = limit_name
        self.kind = kind


# What is asked of the models of another operation.
SAME_MODELS = {Operation.RESPONSE: Operation.CHAT, Operation.IMAGE_EDIT: Operation.IMAGE}


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment, known by its name alone: unlike Azure's, the emulator's names say what is deployed."""

    name: str

    @property
    def operation(self) -> Operation:
        if "image" in self.name or self.is_dalle:
            return Operation.IMAGE
        return Operation.EMBEDDING if "embedding" in self.name else Operation.CHAT

    @property
    def is_dalle(self) -> bool:
        """Whether it has the dall-e-3 shape, not gpt-image's."""
        return "dall-e" in self.name

    @property
    def is_o_series(self) -> bool:
        return re.match(r"o\d", self.name) is not None

    @property
    def is_reasoning(self) -> bool:
        return self.is_o_series or self.name.startswith("gpt-5")

    @property
    def model(self) -> str:
        """The model's full name, as in answers."""
        return f"{self.name}-2025-08-07"


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `version` is a dated API version or `v1`; `origin` is where the client called it.

    `asked` is what its header X-Mock asks for.
    """

    operation: Operation
    deployment: Deployment
    version: str
    body: Mapping[str, object]
    origin: str
    mocked: MockedCall
    asked: Asked | None = None

    @property
    def is_v1(self) -> bool:
        return self.version == "v1"


def parse_body(raw: bytes) -> Mapping[str, object]:
    """Parse a request body as a JSON object; AzureError 400 for anything else."""
    body = parse_object(raw)
    if body is None:
        raise errors.invalid_request(
            "We could not parse the JSON body of your request. The API expects a JSON payload."
        )
    return body


def parse_asked(header: str | None) -> Asked | None:
    """What the header X-Mock asks for; AzureError 400 for what cannot be."""
    try:
        asked = read_asked(header, [])
    except AskedError as error:
        raise errors.invalid_request(str(error)) from None
    if asked and asked.wire:
        raise errors.invalid_request(FRONT_ONLY)
    return asked


def parse_object(raw: bytes) -> Mapping[str, object] | None:
    """A JSON object, None for anything else."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def check_version(version: str, dated: bool, operation: Operation) -> str:
    """The API version that counts; AzureError 404 where a dated path has none, 400 for an unknown one."""
    if not dated:
        if operation is Operation.RESPONSE and DATED.fullmatch(version):
            # It came before v1, and has no path with a deployment in it.
            return version
        if version not in V1_VERSIONS:
            raise errors.unsupported_version()
        return "v1"
    if not version:
        raise errors.not_found()
    if not DATED.fullmatch(version):
        raise errors.unsupported_version()
    return version


def find_deployment(name: object, operation: Operation, version: str) -> Deployment:
    """Find a deployment: any name, except those that begin with `missing`. AzureError where it cannot do this."""
    if name is None:
        raise errors.missing_parameter("model")
    if not isinstance(name, str) or not name:
        raise errors.wrong_type("model", "a string")
    if name.startswith("missing"):
        raise errors.unknown_deployment()
    deployment = Deployment(name)
    if deployment.operation is not SAME_MODELS.get(operation, operation) or (
        deployment.is_dalle and operation is Operation.IMAGE_EDIT
    ):
        raise errors.unsupported_operation(operation.error_name, name)
    if deployment.is_o_series and version != "v1" and version < O_SERIES_SINCE:
        message = f"Model {name} is enabled only for api versions {O_SERIES_SINCE} and later"
        raise errors.gateway_error(400, "BadRequest", message)
    return deployment


def flag(body: Mapping[str, object], param: str) -> bool:
    """A parameter that is true, false or absent; AzureError 400 for anything else."""
    value = body.get(param)
    if value is not None and not isinstance(value, bool):
        raise errors.wrong_type(param, "a boolean")
    return value is True
