"""Addresses of engines as people paste them, with the paths of calls, and what is meant by them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import SplitResult, parse_qs, urlsplit

from .fields import Settings

AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
PORTALS = ("portal.azure.com", "ai.azure.com", "oai.azure.com", "platform.openai.com", "chatgpt.com")
OPENAI_HOST = "api.openai.com"
# Where they serve chats, if it is not at /v1.
PATHS = {
    "api.cohere.ai": "/compatibility/v1",
    "api.cohere.com": "/compatibility/v1",
    "api.deepinfra.com": "/v1/openai",
    "api.fireworks.ai": "/inference/v1",
    "api.groq.com": "/openai/v1",
    "api.perplexity.ai": "",
    "api.z.ai": "/api/paas/v4",
    "dashscope.aliyuncs.com": "/compatible-mode/v1",
    "dashscope-intl.aliyuncs.com": "/compatible-mode/v1",
    "generativelanguage.googleapis.com": "/v1beta/openai",
    "models.github.ai": "/inference",
    "open.bigmodel.cn": "/api/paas/v4",
    "openrouter.ai": "/api/v1",
}
# What follows the endpoint in a "target URI", of a deployment or of the resource.
AZURE_CALL = re.compile(r"/(?:openai(?:/(?P<rest>.*))?|models(?:/.*)?)$", re.IGNORECASE)
AZURE_PROJECT = re.compile(r"/api/projects(?:/.*?)?(?=$|/openai(?:$|/))", re.IGNORECASE)
DEPLOYMENT = re.compile(r"deployments/(?P<name>[^/]+)(?:/chat/completions)?", re.IGNORECASE)
OPENAI_CALL = re.compile(
    r"/(?:chat/completions|completions|responses|messages|embeddings|images/generations|audio/\w+|models(?:/[^/]+:\w+)?"
    r"|api/(?:chat|generate|tags|show|ps|version|embed))$",
    re.IGNORECASE,
)
OLLAMA_PORT = 11434
SEARCH_CALL = re.compile(r"/indexes(?:$|[/(]).*", re.IGNORECASE)


def understood(settings: Settings) -> Settings:
    """The settings with the addresses that are meant."""
    return replace(
        _azure(settings),
        openai_base_url=_openai(settings.openai_base_url),
        azure_search_endpoint=_without(settings.azure_search_endpoint, SEARCH_CALL),
    )


def wrong_addresses(settings: Settings) -> Iterator[str]:
    """A line for each address that is of another kind."""
    for name in ("azure_openai_endpoint", "openai_base_url", "azure_search_endpoint"):
        parts = _split(getattr(settings, name))
        host = (parts.hostname or "") if parts else ""
        if host.removeprefix("www.") in PORTALS:
            yield f"{name.upper()}: is a page for people; paste the endpoint that is shown there"
        elif parts and (parts.query or parts.fragment):
            yield f"{name.upper()}: must not have a query or a fragment"
    if (parts := _split(settings.azure_openai_endpoint)) and parts.hostname == OPENAI_HOST:
        yield "AZURE_OPENAI_ENDPOINT: is OpenAI's own address; it belongs in OPENAI_BASE_URL"
    if (parts := _split(settings.openai_base_url)) and "/deployments/" in parts.path:
        yield "OPENAI_BASE_URL: is the address of a deployment of Azure; it belongs in AZURE_OPENAI_ENDPOINT"


def _azure(settings: Settings) -> Settings:
    """With the endpoint, and the deployment and version that a target URI names where no setting does."""
    parts = _split(settings.azure_openai_endpoint)
    if parts is None:
        return settings
    path = parts.path.rstrip("/")
    if (parts.hostname or "").endswith(AZURE_HOSTS) and AZURE_PROJECT.match(path):
        # Of a project of Foundry, whose resource has the deployments.
        path = AZURE_PROJECT.sub("", path) or "/openai"
    found = AZURE_CALL.search(path)
    if found is None:
        return settings
    deployment, version = settings.azure_openai_gpt_deployment_name, settings.azure_openai_api_version
    if chat := DEPLOYMENT.fullmatch(found["rest"] or ""):
        deployment = deployment or chat["name"]
        version = version or parse_qs(parts.query).get("api-version", [""])[0]
    return replace(
        settings,
        azure_openai_endpoint=f"{parts.scheme}://{parts.netloc}{path[: found.start()]}",
        azure_openai_gpt_deployment_name=deployment,
        azure_openai_api_version=version,
    )


def _openai(url: str) -> str:
    parts = _split(_without(url, OPENAI_CALL))
    if parts is None or not parts.hostname or parts.query or parts.fragment:
        return url
    path = parts.path.rstrip("/")
    if parts.hostname.endswith(AZURE_HOSTS):
        if AZURE_PROJECT.sub("", path).lower() in ("", "/openai") or path.lower() == "/openai/v1":
            path = "/openai/v1"
        return f"{parts.scheme}://{parts.netloc}{path}"
    own = PATHS.get(parts.hostname, "/v1")
    is_ollama = parts.port == OLLAMA_PORT or "ollama" in parts.hostname
    if path.lower() in _beginnings(own) or (own and path.lower() == "/v1") or (is_ollama and path.lower() == "/api"):
        path = own
    return f"{parts.scheme}://{parts.netloc}{path}"


def _beginnings(path: str) -> list[str]:
    """A path and those that it begins with, the empty one among them."""
    steps = path.split("/")
    return ["/".join(steps[:end]) for end in range(1, len(steps) + 1)]


def _without(url: str, call: re.Pattern[str]) -> str:
    """The address without the path of a call at its end, and then without its query."""
    parts = _split(url)
    found = call.search(parts.path.rstrip("/")) if parts else None
    return f"{parts.scheme}://{parts.netloc}{parts.path[: found.start()]}" if parts and found else url


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (it is read only now)
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") else None
