"""Which model API is called, where, and with which models: what the settings say of it, and a client for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import httpx2
import openai

from ..settings import Settings
from .transport import Transport

Kind = Literal["chat", "images", "embeddings"]
PATHS: dict[Kind, str] = {"chat": "/chat/completions", "images": "/images/generations", "embeddings": "/embeddings"}


@dataclass(frozen=True, slots=True)
class Model:
    """A model or deployment by its name (empty where none is configured), the setting that names it, and its path."""

    kind: Kind
    name: str
    setting: str
    path: str

    def __bool__(self) -> bool:
        return bool(self.name)


@dataclass(frozen=True, slots=True)
class Engine:
    """A model API. `settings` names what to mend: address, key and version."""

    address: str
    key: str
    version: str | None
    chat: Model
    images: Model
    embeddings: Model
    settings: Mapping[str, str]

    def client(self, connect_seconds: float) -> openai.AsyncOpenAI:
        """The one client of the process's life, which limits the time for connecting alone."""
        http = httpx2.AsyncClient(transport=Transport(self.address, connect_seconds), timeout=None, trust_env=False)
        if self.version is None:
            client = openai.AsyncOpenAI(api_key=self.key, base_url=self.address, max_retries=0, http_client=http)
        else:
            client = openai.AsyncAzureOpenAI(
                azure_endpoint=self.address, api_key=self.key, api_version=self.version, max_retries=0, http_client=http
            )
        # It takes these from the environment, where they are another program's.
        client.organization = client.project = None
        client._custom_headers = {}
        return client


def engine(settings: Settings, emulator_url: str | None) -> Engine:
    """The engine that the settings name; `emulator_url` is where the emulator listens, if it is that."""
    match settings.engine:
        case "openai":
            return Engine(
                settings.openai_base_url.rstrip("/"),
                settings.openai_api_key or "none",
                None,
                Model("chat", settings.openai_model, "OPENAI_MODEL", PATHS["chat"]),
                Model("images", settings.openai_image_model, "OPENAI_IMAGE_MODEL", PATHS["images"]),
                Model("embeddings", settings.openai_embedding_model, "OPENAI_EMBEDDING_MODEL", PATHS["embeddings"]),
                {"address": "OPENAI_BASE_URL", "key": "OPENAI_API_KEY", "version": "OPENAI_BASE_URL"},
            )
        case "azure":
            v1, endpoint = settings.azure_v1, settings.azure_openai_endpoint.rstrip("/")
            chat, images = settings.azure_openai_gpt_deployment_name, settings.azure_openai_dalle_deployment_name
            embeddings = settings.azure_openai_embedding_deployment_name
            return Engine(
                f"{endpoint}/openai/v1" if v1 else endpoint,
                settings.azure_openai_api_key,
                None if v1 else settings.azure_openai_api_version,
                _deployment("chat", chat, "AZURE_OPENAI_GPT_DEPLOYMENT_NAME", v1),
                _deployment("images", images, "AZURE_OPENAI_DALLE_DEPLOYMENT_NAME", v1),
                _deployment("embeddings", embeddings, "AZURE_OPENAI_EMBEDDING_DEPLOYMENT_NAME", v1),
                {
                    "address": "AZURE_OPENAI_ENDPOINT",
                    "key": "AZURE_OPENAI_API_KEY",
                    "version": "AZURE_OPENAI_API_VERSION",
                },
            )
        case "emulator":
            script = "MOCK_SCRIPT"
            return Engine(
                emulator_url or "",
                "emulator",
                "2024-10-21",
                _deployment("chat", "mock-gpt", script, False),
                _deployment("images", "mock-gpt-image", script, False),
                _deployment("embeddings", "mock-embedding", script, False),
                {"address": script, "key": script, "version": script},
            )


def _deployment(kind: Kind, name: str, setting: str, v1: bool) -> Model:
    # The dated surface has the deployment in the path, so that one client serves them all.
    return Model(kind, name, setting, PATHS[kind] if v1 else f"/deployments/{name}{PATHS[kind]}")
