"""What is wrong with settings that could be read: a line for each problem, which says what to change."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from .addresses import wrong_addresses
from .characters import odd_characters
from .fields import Settings

AZURE_REQUIRED = ("azure_openai_endpoint", "azure_openai_api_key", "azure_openai_gpt_deployment_name")
AZURE_OTHERS = (
    "azure_openai_api_version",
    "azure_openai_dalle_deployment_name",
    "azure_openai_embedding_deployment_name",
)
KEYS = ("azure_openai_api_key", "azure_search_api_key")
APIS = ("chat", "responses")
AUTHS = ("key", "entra")
AZURE_SEARCH = ("azure_search_endpoint", "azure_search_api_key", "azure_search_index_name")
PLACEHOLDER = re.compile(r"<[^<>]*>|your[-_](resource|api[-_]key|key|deployment)|changeme", re.IGNORECASE)
# As browsers write it, letter by letter; apps and extensions have schemes of their own.
ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^/?#@*\\\sA-Z]+")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
URLS = (
    "azure_openai_endpoint",
    "openai_base_url",
    "azure_search_endpoint",
    "public_url",
    "otel_exporter_otlp_endpoint",
)
NO_URL = "must be an http:// or https:// URL without a login"
WRONG_PORT = "has a port that is no number from 1 to 65535"
LOG_FORMATS = ("text", "json")
TOKEN_PRICES = ("price_per_million_input_tokens", "price_per_million_output_tokens")
ZERO_ALLOWED = (
    *("chat_temperature", "drain_seconds", "passage_overlap_characters", "upstream_max_wait_seconds"),
    *(*TOKEN_PRICES, "price_per_image", "price_per_million_embedding_tokens"),
)


def problems_of(settings: Settings) -> list[str]:
    """Everything that is wrong."""
    checks = (
        _values,
        odd_characters,
        wrong_addresses,
        _identity,
        _engine,
        _prices,
        _documents,
        _addresses,
        _database,
        _process,
    )
    return [problem for check in checks for problem in check(settings)]


def _values(settings: Settings) -> Iterator[str]:
    for field in dataclasses.fields(Settings):
        value = getattr(settings, field.name)
        name = field.name.upper()
        if field.metadata["sample"] and isinstance(value, str) and PLACEHOLDER.search(value):
            yield f"{name}: still the placeholder {value}; set a value or remove the line"
        if isinstance(value, int | float) and not isinstance(value, bool):
            if field.name in ZERO_ALLOWED and value < 0:
                yield f"{name}: must not be negative"
            if field.name not in ZERO_ALLOWED and value <= 0:
                yield f"{name}: must be greater than zero"


def _engine(settings: Settings) -> Iterator[str]:
    azure = [name for name in AZURE_REQUIRED if getattr(settings, name)]
    keyless = settings.azure_openai_auth == "entra"
    yield from (
        f"{name.upper()}: missing; Azure OpenAI needs it as well as {azure[0].upper()}"
        for name in AZURE_REQUIRED
        if azure and not settings.openai_base_url and not getattr(settings, name)
        if not (keyless and name in KEYS)
    )
    if settings.openai_base_url:
        yield from (
            f"{name.upper()}: conflicts with OPENAI_BASE_URL; set only one of the two engines"
            for name in (*AZURE_REQUIRED, *AZURE_OTHERS)
            if getattr(settings, name)
        )
        if not settings.openai_model:
            yield "OPENAI_MODEL: missing; OPENAI_BASE_URL needs it"
    for name in ("azure_openai_api_key", "openai_api_key", "azure_search_api_key"):
        if "://" in getattr(settings, name) and (settings.openai_base_url or name != "openai_api_key"):
            yield f"{name.upper()}: is an address; paste the key here"
    if not settings.azure_v1 and not re.match(r"^\d{4}-\d{2}-\d{2}(-preview)?$", settings.azure_openai_api_version):
        yield "AZURE_OPENAI_API_VERSION: must be a date such as 2024-10-21, or v1"


def _identity(settings: Settings) -> Iterator[str]:
    yield from (
        f"{name.upper()}: must be chat or responses"
        for name in ("azure_openai_api", "openai_api")
        if getattr(settings, name) not in APIS
    )
    if settings.azure_openai_auth not in AUTHS:
        yield "AZURE_OPENAI_AUTH: must be key or entra"
    if settings.azure_openai_auth != "entra":
        return
    yield from (
        f"{name.upper()}: conflicts with AZURE_OPENAI_AUTH=entra, which needs no key; remove one of the two"
        for name in KEYS
        if getattr(settings, name)
    )
    addresses = [name for name in ("azure_openai_endpoint", "azure_search_endpoint") if getattr(settings, name)]
    if not addresses:
        yield "AZURE_OPENAI_ENDPOINT: missing; AZURE_OPENAI_AUTH=entra needs it"
    yield from (
        f"{name.upper()}: must be an https:// URL, since a token is sent there"
        for name in addresses
        if urlsplit(getattr(settings, name)).scheme == "http" and not _is_this_machine(getattr(settings, name))
    )


def _prices(settings: Settings) -> Iterator[str]:
    has_images = settings.engine == "emulator" or bool(
        settings.azure_openai_dalle_deployment_name or settings.openai_image_model
    )
    needed = (*TOKEN_PRICES, "price_per_image") if has_images else TOKEN_PRICES
    yield from (
        f"{name.upper()}: missing; MAX_COST_PER_USER_PER_DAY needs it (0 for what is free)"
        for name in needed
        if settings.max_cost_per_user_per_day is not None and getattr(settings, name) is None
    )


def _documents(settings: Settings) -> Iterator[str]:
    search = [name for name in AZURE_SEARCH if getattr(settings, name)]
    yield from (
        f"{name.upper()}: missing; Azure AI Search needs it as well as {search[0].upper()}"
        for name in AZURE_SEARCH
        if search and not getattr(settings, name) and not (settings.azure_openai_auth == "entra" and name in KEYS)
    )
    if settings.passage_overlap_characters * 2 > settings.passage_characters:
        yield "PASSAGE_OVERLAP_CHARACTERS: must be at most half of PASSAGE_CHARACTERS"


def _addresses(settings: Settings) -> Iterator[str]:
    yield from (
        f"{name.upper()}: {wrong}"
        for name in URLS
        if getattr(settings, name) and (wrong := _wrong_url(getattr(settings, name)))
    )
    if origins := [origin for origin in settings.cors_allow_origins if not ORIGIN.fullmatch(origin)]:
        yield (
            f"CORS_ALLOW_ORIGINS: {', '.join(origins)} is not an origin; "
            "write https://app.example (lower case, no path), or * for any"
        )
    if "?" in settings.public_url or "#" in settings.public_url:
        yield "PUBLIC_URL: must not have a query or a fragment"
    if peers := [peer for peer in settings.trusted_proxies if peer != "*" and not _is_network(peer)]:
        yield f"TRUSTED_PROXIES: {', '.join(peers)} is not an IP address, a network such as 10.0.0.0/8, or *"


def _database(settings: Settings) -> Iterator[str]:
    yield from (
        f"{name.upper()}: must be a postgresql:// or postgres:// URL"
        for name in ("database_url", "database_direct_url")
        if getattr(settings, name) and not getattr(settings, name).startswith(("postgresql://", "postgres://"))
    )
    if settings.database_direct_url and not settings.database_url:
        yield "DATABASE_URL: missing; DATABASE_DIRECT_URL has no effect on its own"


def _process(settings: Settings) -> Iterator[str]:
    if bool(settings.backend_auth_username) != bool(settings.backend_auth_password):
        missing = "PASSWORD" if settings.backend_auth_username else "USERNAME"
        yield f"BACKEND_AUTH_{missing}: missing; set both user name and password, or neither"
    if ":" in settings.backend_auth_username:
        yield "BACKEND_AUTH_USERNAME: must not contain a colon"
    if settings.port is not None and settings.port > 65535:
        yield "PORT: must be at most 65535"
    if settings.log_level.upper() not in LOG_LEVELS:
        yield "LOG_LEVEL: must be DEBUG, INFO, WARNING or ERROR"
    if settings.log_format not in LOG_FORMATS:
        yield "LOG_FORMAT: must be text or json"
    if settings.mock_script and not Path(settings.mock_script).exists():
        yield f"MOCK_SCRIPT: there is no file or folder {settings.mock_script}"
    if settings.mock_record and settings.mock_script and _is_same(settings.mock_record, settings.mock_script):
        yield "MOCK_RECORD: is what MOCK_SCRIPT replays; record into another folder"


def _is_same(one: str, other: str) -> bool:
    return Path(one).expanduser().resolve() == Path(other).expanduser().resolve()


def _wrong_url(value: str) -> str | None:
    """What is wrong with a URL. It is not shown, since a login may be in it."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return NO_URL
    # URLs are logged, and a login in one would be too.
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return NO_URL
    if parts.hostname in ("http", "https"):
        return "begins with http:// or https:// twice"
    try:
        return None if parts.port != 0 else WRONG_PORT
    except ValueError:
        return WRONG_PORT


def _is_this_machine(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")


def _is_network(value: str) -> bool:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True
