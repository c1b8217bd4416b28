"""The engines: each model API that the settings can name, with its models and a client for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import httpx2
import openai

from ..settings import EngineName, Settings
from .entra import AccessTokens
from .transport import Transport

Kind = Literal["chat", "images", "embeddings"]
Api = Literal["chat", "responses"]
RESPONSES = "/responses"
PATHS: Mapping[Kind, str] = {
    "chat": "/chat/completions",
    "images": "/images/generations",
    "embeddings": "/embeddings",
}


@dataclass(frozen=True, slots=True)
class Model:
    """A model or deployment by its name (empty if none is set), the setting that names it, and its path.

    `api` is the wire that a chat is asked over.
    """

    kind: Kind
    name: str
    setting: str
    path: str
    api: Api = "chat"

    def __bool__(self) -> bool:
        return bool(self.name)


@dataclass(frozen=True, slots=True)
class Engine:
    """A model API. `settings` names the settings to correct: address, key and version."""

    address: str
    key: str
    version: str | None
    chat: Model
    images: Model
    embeddings: Model
    settings: Mapping[str, str]

    def client(self, transport: Transport, tokens: AccessTokens | None = None) -> openai.AsyncOpenAI:
        """A client over that transport, which limits the time for nothing. `tokens` take the place of the key."""
        http = httpx2.AsyncClient(transport=transport, timeout=None, trust_env=False)
        if self.version is None:
            client = openai.AsyncOpenAI(
                api_key=tokens.get if tokens else self.key, base_url=self.address, max_retries=0, http_client=http
            )
        else:
            client = openai.AsyncAzureOpenAI(
                azure_endpoint=self.address,
                api_key=None if tokens else self.key,
                azure_ad_token_provider=tokens.get if tokens else None,
                api_version=self.version,
                max_retries=0,
                http_client=http,
            )
        # It reads these from the environment, where they belong to another program.
        client.organization = client.project = None
        client._custom_headers = {}
        return client


@dataclass(frozen=True, slots=True)
class EngineType:
    """An engine that the settings can name. A turn opens `connections_per_turn` in this process.

    `open` takes the settings and the URL of the embedded emulator, if it runs.
    """

    open: Callable[[Settings, str | None], Engine]
    connections_per_turn: int


def _openai(settings: Settings, _: str | None) -> Engine:
    return Engine(
        settings.openai_base_url.rstrip("/"),
        settings.openai_api_key or "none",
        None,
        _over(settings.openai_api, Model("chat", settings.openai_model, "OPENAI_MODEL", PATHS["chat"])),
        Model("images", settings.openai_image_model, "OPENAI_IMAGE_MODEL", PATHS["images"]),
        Model("embeddings", settings.openai_embedding_model, "OPENAI_EMBEDDING_MODEL", PATHS["embeddings"]),
        {
            "address": "OPENAI_BASE_URL",
            "key": "OPENAI_API_KEY",
            # An engine without versions may have only one of the wires.
            "version": "OPENAI_API" if settings.openai_api == "responses" else "OPENAI_BASE_URL",
        },
    )


def _azure(settings: Settings, _: str | None) -> Engine:
    v1, endpoint = settings.azure_v1, settings.azure_openai_endpoint.rstrip("/")
    chat, images = settings.azure_openai_gpt_deployment_name, settings.azure_openai_dalle_deployment_name
    embeddings = settings.azure_openai_embedding_deployment_name
    version = "AZURE_OPENAI_API_VERSION"
    if settings.azure_openai_api == "responses":
        version = f"AZURE_OPENAI_API, {version}"
    key = "AZURE_OPENAI_AUTH" if settings.azure_openai_auth == "entra" else "AZURE_OPENAI_API_KEY"
    return Engine(
        f"{endpoint}/openai/v1" if v1 else endpoint,
        settings.azure_openai_api_key,
        None if v1 else settings.azure_openai_api_version,
        _over(settings.azure_openai_api, _deployment("chat", chat, "AZURE_OPENAI_GPT_DEPLOYMENT_NAME", v1)),
        _deployment("images", images, "AZURE_OPENAI_DALLE_DEPLOYMENT_NAME", v1),
        _deployment("embeddings", embeddings, "AZURE_OPENAI_EMBEDDING_DEPLOYMENT_NAME", v1),
        {"address": "AZURE_OPENAI_ENDPOINT", "key": key, "version": version},
    )


def _emulator(settings: Settings, url: str | None) -> Engine:
    script = "MOCK_SCRIPT"
    api = settings.azure_openai_api
    return Engine(
        url or "",
        "emulator",
        # The one that has the wire.
        "2025-04-01-preview" if api == "responses" else "2024-10-21",
        _over(api, _deployment("chat", "mock-gpt", script, False)),
        _deployment("images", "mock-gpt-image", script, False),
        _deployment("embeddings", "mock-embedding", script, False),
        {"address": script, "key": script, "version": script},
    )


def _over(api: Api, chat: Model) -> Model:
    """The chat model, asked over that wire: responses name their deployment in the body alone."""
    return replace(chat, api=api, path=RESPONSES) if api == "responses" else chat


def _deployment(kind: Kind, name: str, setting: str, v1: bool) -> Model:
    # The dated surface has the deployment in the path, so that one client serves them all.
    return Model(kind, name, setting, PATHS[kind] if v1 else f"/deployments/{name}{PATHS[kind]}")


# A turn has its client's connection and one to the model API, of which the embedded emulator has the other end.
ENGINES: Mapping[EngineName, EngineType] = {
    "azure": EngineType(_azure, connections_per_turn=2),
    "openai": EngineType(_openai, connections_per_turn=2),
    "emulator": EngineType(_emulator, connections_per_turn=3),
}
