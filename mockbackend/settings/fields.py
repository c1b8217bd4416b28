"""Every setting, read once from the environment (and `.env`) into one frozen object.

A setting is a field of `Settings`: its name in lower case, its default, and a line that explains it, which `env.sample`
repeats. An empty variable counts as unset. Nothing else reads the environment, except for how to reach the network
(`HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`), as curl does.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from environs import Env, EnvError

EngineName = Literal["azure", "openai", "emulator"]

LOCAL_FRONT_ENDS = tuple(
    f"http://{host}:{port}" for host in ("localhost", "127.0.0.1") for port in (3000, 3001, 4173, 4200, 5173, 8080)
)
AZURE_REQUIRED = ("azure_openai_endpoint", "azure_openai_api_key", "azure_openai_gpt_deployment_name")
AZURE_OTHERS = (
    "azure_openai_api_version",
    "azure_openai_dalle_deployment_name",
    "azure_openai_embedding_deployment_name",
)
AZURE_SEARCH = ("azure_search_endpoint", "azure_search_api_key", "azure_search_index_name")
PLACEHOLDER = re.compile(r"<[^<>]*>|your[-_](resource|api[-_]key|key|deployment)|changeme", re.IGNORECASE)
# As browsers write it, letter by letter; apps and extensions have schemes of their own.
ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^/?#@*\\\sA-Z]+")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
ZERO_ALLOWED = ("chat_temperature", "drain_seconds", "passage_overlap_characters", "upstream_max_wait_seconds")
OLD_NAMES = {"MAX_IMAGE_BYTES": "MAX_PICTURE_BYTES"}
EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "Path": "a path, and its ~user must exist",
}
log = logging.getLogger("mockbackend")


class SettingsError(Exception):
    """Settings that cannot be used. `problems` has a line for each of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _setting(meaning: str, default: Any, sample: str = "") -> Any:
    return dataclasses.field(default=default, metadata={"meaning": meaning, "sample": sample})


@dataclass(frozen=True, slots=True)
class Settings:
    """All of the service's settings. Sizes are in bytes and times in seconds, unless a setting says otherwise."""

    backend_auth_username: str = _setting("User name of the API; if unset, one is generated and kept in DATA_DIR", "")
    backend_auth_password: str = _setting("Password of the API; if unset, one is generated and kept in DATA_DIR", "")
    data_dir: Path = _setting("Folder for everything that is stored; deleting it is a full reset", Path("./data"))

    azure_openai_endpoint: str = _setting(
        "Address of the Azure OpenAI resource", "", "https://<resource>.openai.azure.com"
    )
    azure_openai_api_key: str = _setting("API key of that resource", "", "<key>")
    azure_openai_api_version: str = _setting("Dated API version; v1 or unset for the v1 API", "", "2024-10-21")
    azure_openai_gpt_deployment_name: str = _setting("Deployment that answers chats", "", "<chat deployment>")
    azure_openai_dalle_deployment_name: str = _setting(
        "Deployment that generates images (gpt-image or DALL-E); if unset, there are no images",
        "",
        "<image deployment>",
    )
    azure_openai_embedding_deployment_name: str = _setting(
        "Deployment that embeds documents; if unset, they are searched by words only", "", "<embedding deployment>"
    )
    openai_base_url: str = _setting("Any OpenAI-compatible engine, instead of Azure", "", "http://127.0.0.1:11434/v1")
    openai_api_key: str = _setting("Its API key; has no effect on its own", "", "<key>")
    openai_model: str = _setting("Its chat model", "", "<chat model>")
    openai_image_model: str = _setting("Its image model; if unset, there are no images", "", "<image model>")
    openai_embedding_model: str = _setting(
        "Its embedding model; if unset, documents are searched by words only", "", "<embedding model>"
    )
    mock_script: str = _setting("Script for the emulator, which answers when no engine is set", "", "script.yaml")

    system_prompt: str = _setting("Text that opens every request to the model", "")
    chat_temperature: float | None = _setting("Sent to the chat model only if set", None, "0.7")
    chat_max_tokens: int | None = _setting("Longest answer in tokens; sent only if set", None, "4096")
    chat_context_tokens: int | None = _setting(
        "Context window of the chat model in tokens; if unset, learned from its first refusal", None, "128000"
    )
    chat_reasoning_effort: str = _setting("Sent to the chat model only if set", "", "low")
    agent_max_steps: int = _setting("Most model calls in one turn", 8)
    tool_timeout_seconds: float = _setting("Time limit for one tool call", 240.0)
    image_size: str = _setting("Image size, unless the request names one", "1024x1024")
    image_quality: str = _setting("Image quality; sent only if set or named by the request", "", "high")
    image_style: str = _setting("DALL-E image style; sent only if set or named by the request", "", "vivid")

    upstream_connect_timeout_seconds: float = _setting("Longest wait for a connection to the model API", 5.0)
    upstream_read_timeout_seconds: float = _setting("Longest silence of the model API before the turn fails", 90.0)
    image_timeout_seconds: float = _setting("Longest wait for an image", 180.0)
    upstream_max_tries: int = _setting("Tries of one model call before its first token", 4)
    upstream_max_wait_seconds: float = _setting("Longest wait between those tries, in total", 20.0)
    max_image_bytes: int = _setting(
        "Largest generated image; also the most bytes of images in one request", 20 * 1024 * 1024
    )

    azure_search_endpoint: str = _setting(
        "Azure AI Search service that indexes documents; if unset, they are indexed in DATA_DIR",
        "",
        "https://<service>.search.windows.net",
    )
    azure_search_api_key: str = _setting("Admin key of that service", "", "<key>")
    azure_search_index_name: str = _setting("Its index; created if it does not exist", "", "documents")
    max_file_bytes: int = _setting("Largest document", 50 * 1024 * 1024)
    max_files_per_upload: int = _setting("Most documents in one upload", 20)
    max_files_per_user: int = _setting("Most documents of one userid", 1000)
    max_user_bytes: int = _setting("Most bytes of documents of one userid", 1024 * 1024 * 1024)
    max_document_pages: int = _setting("Most pages, slides or sheets in one document", 5000)
    max_document_characters: int = _setting("Most characters of text in one document", 20_000_000)
    extraction_seconds: float = _setting("Time limit for reading one document", 120.0)
    extraction_memory_bytes: int = _setting("Memory limit for reading one document", 1024 * 1024 * 1024)
    passage_characters: int = _setting("Length of the passages that documents are split into", 1200)
    passage_overlap_characters: int = _setting("Overlap of consecutive passages", 150)
    embedding_batch_size: int = _setting("Passages in one embedding call", 64)
    embedding_concurrency: int = _setting("Embedding calls at once in one process", 4)

    public_url: str = _setting("Base URL of links to images; if unset, that of the request", "", "https://<host>")
    trusted_proxies: tuple[str, ...] = _setting(
        "Proxies whose X-Forwarded headers are trusted: addresses, networks, or *", ("127.0.0.1", "::1")
    )
    cors_allow_origins: tuple[str, ...] = _setting("Origins that browsers may call from; * for any", LOCAL_FRONT_ENDS)
    max_body_bytes: int = _setting("Largest request body", 10 * 1024 * 1024)
    max_running_turns_per_user: int = _setting("Answers running at once for one userid, in all processes", 20)
    max_running_turns: int = _setting("Answers running at once in one process", 1000)
    max_turn_seconds: float = _setting("Time limit for one answer", 600.0)
    max_message_characters: int = _setting("Longest user message, including attached text", 1_000_000)
    max_conversation_messages: int = _setting("Most messages in one conversation", 10_000)
    resumable: bool = _setting(
        "Let an answer continue after its client disconnects, unless the request says otherwise", False
    )
    keep_alive_seconds: float = _setting("Silence in a stream before a keep-alive is sent", 15.0)

    port: int | None = _setting(
        "Port of `mockbackend serve` on all addresses; if unset, it is 127.0.0.1:8000", None, "8000"
    )
    web_concurrency: int = _setting("Worker processes of `mockbackend serve`", 1)
    drain_seconds: float = _setting("Time that running answers have to finish after SIGTERM", 15.0)
    log_level: str = _setting("DEBUG, INFO, WARNING or ERROR", "INFO")

    @property
    def engine(self) -> EngineName:
        """Which model API answers."""
        if self.azure_openai_endpoint:
            return "azure"
        return "openai" if self.openai_base_url else "emulator"

    @property
    def azure_v1(self) -> bool:
        """Whether Azure is called on its v1 surface rather than on a dated one."""
        return self.azure_openai_api_version.lower() in ("", "v1", "preview")


def load_settings(env_file: Path | None = Path(".env")) -> Settings:
    """Read the environment and, where it is silent, `env_file`. SettingsError lists everything that is wrong."""
    env = Env()
    values: dict[str, Any] = {}
    problems: list[str] = []
    if env_file is not None and env_file.is_file():
        try:
            env.read_env(str(env_file), recurse=False)
        except UnicodeDecodeError:
            problems.append(f"{env_file}: not UTF-8; save it in that encoding")
    for field in dataclasses.fields(Settings):
        name = _name_in_use(env, field.name.upper())
        kind = str(field.type).removesuffix(" | None")
        values[field.name] = field.default
        if _is_set(env, name):
            try:
                values[field.name] = _parse(env, kind, name)
            except (EnvError, ValueError, RuntimeError):
                problems.append(f"{name}: must be {EXPECTED[kind]}")
    settings = Settings(**values)
    problems += _problems(settings)
    if problems:
        raise SettingsError(problems)
    return settings


def _is_set(env: Env, name: str) -> bool:
    return bool((env.str(name, None) or "").strip())


def _name_in_use(env: Env, name: str) -> str:
    old = OLD_NAMES.get(name)
    if old is None or not _is_set(env, old):
        return name
    log.warning("%s has been renamed to %s. The old name still works, but please change it.", old, name)
    return name if _is_set(env, name) else old


def _parse(env: Env, kind: str, name: str) -> Any:
    if kind == "int":
        return env.int(name)
    if kind == "float":
        return env.float(name)
    if kind == "bool":
        return env.bool(name)
    if kind == "Path":
        return env.path(name).expanduser()
    if kind == "tuple[str, ...]":
        return tuple(item for item in map(str.strip, env.str(name).split(",")) if item)
    return env.str(name).strip()


def _problems(settings: Settings) -> list[str]:
    problems: list[str] = []
    for field in dataclasses.fields(Settings):
        value = getattr(settings, field.name)
        name = field.name.upper()
        if field.metadata["sample"] and isinstance(value, str) and PLACEHOLDER.search(value):
            problems.append(f"{name}: still the placeholder {value}; set a value or remove the line")
        if isinstance(value, int | float) and not isinstance(value, bool):
            if field.name in ZERO_ALLOWED and value < 0:
                problems.append(f"{name}: must not be negative")
            if field.name not in ZERO_ALLOWED and value <= 0:
                problems.append(f"{name}: must be greater than zero")
    azure = [name for name in AZURE_REQUIRED if getattr(settings, name)]
    problems += [
        f"{name.upper()}: missing; Azure OpenAI needs it as well as {azure[0].upper()}"
        for name in AZURE_REQUIRED
        if azure and not settings.openai_base_url and not getattr(settings, name)
    ]
    search = [name for name in AZURE_SEARCH if getattr(settings, name)]
    problems += [
        f"{name.upper()}: missing; Azure AI Search needs it as well as {search[0].upper()}"
        for name in AZURE_SEARCH
        if search and not getattr(settings, name)
    ]
    if settings.passage_overlap_characters * 2 > settings.passage_characters:
        problems.append("PASSAGE_OVERLAP_CHARACTERS: must be at most half of PASSAGE_CHARACTERS")
    if settings.openai_base_url:
        problems += [
            f"{name.upper()}: conflicts with OPENAI_BASE_URL; set only one of the two engines"
            for name in (*AZURE_REQUIRED, *AZURE_OTHERS)
            if getattr(settings, name)
        ]
        if not settings.openai_model:
            problems.append("OPENAI_MODEL: missing; OPENAI_BASE_URL needs it")
    problems += [
        f"{name.upper()}: must be an http:// or https:// URL without a login"
        for name in ("azure_openai_endpoint", "openai_base_url", "azure_search_endpoint", "public_url")
        if getattr(settings, name) and not _is_http_url(getattr(settings, name))
    ]
    problems += [
        f"CORS_ALLOW_ORIGINS: {origin} is not an origin; write https://app.example (lower case, no path), or * for any"
        for origin in settings.cors_allow_origins
        if not ORIGIN.fullmatch(origin)
    ]
    if "?" in settings.public_url or "#" in settings.public_url:
        problems.append("PUBLIC_URL: must not have a query or a fragment")
    problems += [
        f"TRUSTED_PROXIES: {peer} is not an IP address, a network such as 10.0.0.0/8, or *"
        for peer in settings.trusted_proxies
        if peer != "*" and not _is_network(peer)
    ]
    if not settings.azure_v1 and not re.match(r"^\d{4}-\d{2}-\d{2}(-preview)?$", settings.azure_openai_api_version):
        problems.append("AZURE_OPENAI_API_VERSION: must be a date such as 2024-10-21, or v1")
    if bool(settings.backend_auth_username) != bool(settings.backend_auth_password):
        missing = "PASSWORD" if settings.backend_auth_username else "USERNAME"
        problems.append(f"BACKEND_AUTH_{missing}: missing; set both user name and password, or neither")
    if ":" in settings.backend_auth_username:
        problems.append("BACKEND_AUTH_USERNAME: must not contain a colon")
    if settings.port is not None and settings.port > 65535:
        problems.append("PORT: must be at most 65535")
    if settings.log_level.upper() not in LOG_LEVELS:
        problems.append("LOG_LEVEL: must be DEBUG, INFO, WARNING or ERROR")
    if settings.mock_script and not Path(settings.mock_script).is_file():
        problems.append(f"MOCK_SCRIPT: there is no file {settings.mock_script}")
    return problems


def _is_http_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    # URLs are logged, and a login in one would be too.
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def _is_network(value: str) -> bool:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True
