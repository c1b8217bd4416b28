"""What can be set.

A setting is a field of `Settings`: its name in lower case, its default, and a line that explains it, which `env.sample`
repeats.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

EngineName = Literal["azure", "openai", "emulator"]

LOCAL_FRONT_ENDS = tuple(
    f"http://{host}:{port}" for host in ("localhost", "127.0.0.1") for port in (3000, 3001, 4173, 4200, 5173, 8080)
)


def _setting(meaning: str, default: Any, sample: str = "") -> Any:
    return dataclasses.field(default=default, metadata={"meaning": meaning, "sample": sample})


@dataclass(frozen=True, slots=True)
class Settings:
    """All of the service's settings. Sizes are in bytes and times in seconds, unless a setting says otherwise."""

    backend_auth_username: str = _setting("User name of the API; if unset, one is generated and stored", "")
    backend_auth_password: str = _setting("Password of the API; if unset, one is generated and stored", "")
    data_dir: Path = _setting("Folder for everything that is stored; deleting it is a full reset", Path("./data"))

    database_url: str = _setting(
        "PostgreSQL database for everything that is stored, in place of DATA_DIR",
        "",
        "postgresql://<user>:<password>@<host>/<database>",
    )
    database_direct_url: str = _setting(
        "Address of that database past its connection pooler, for changing the tables; if unset, DATABASE_URL",
        "",
        "postgresql://<user>:<password>@<host>/<database>",
    )
    database_pool_size: int = _setting("Most connections of one process to the database", 4)

    azure_openai_endpoint: str = _setting(
        "Address of the Azure OpenAI resource", "", "https://<resource>.openai.azure.com"
    )
    azure_openai_api_key: str = _setting("API key of that resource", "", "<key>")
    azure_openai_auth: Literal["key", "entra"] = _setting(
        "key, or entra for tokens of Microsoft Entra in place of the keys of Azure OpenAI and Azure AI Search", "key"
    )
    azure_openai_api_version: str = _setting("Dated API version; v1 or unset for the v1 API", "", "2024-10-21")
    azure_openai_api: Literal["chat", "responses"] = _setting(
        "How chats are asked: chat, or responses for models that speak only the Responses API", "chat"
    )
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
    openai_api: Literal["chat", "responses"] = _setting("How its chats are asked: chat or responses", "chat")
    openai_model: str = _setting("Its chat model", "", "<chat model>")
    openai_image_model: str = _setting("Its image model; if unset, there are no images", "", "<image model>")
    openai_embedding_model: str = _setting(
        "Its embedding model; if unset, documents are searched by words only", "", "<embedding model>"
    )
    mock_script: str = _setting(
        "Script for the emulator, or a folder of them, as a recording is; the emulator answers when no engine is set",
        "",
        "script.yaml",
    )
    mock_record: str = _setting("Folder in which the model's answers are recorded, to be replayed", "", "recordings")

    system_prompt: str = _setting("Text that opens every request to the model", "")
    chat_temperature: float | None = _setting("Sent to the chat model only if set", None, "0.7")
    chat_max_tokens: int | None = _setting("Longest answer in tokens; sent only if set", None, "4096")
    chat_context_tokens: int | None = _setting(
        "Context window of the chat model in tokens; if unset, learned from its first refusal", None, "128000"
    )
    chat_reasoning_effort: str = _setting("Sent to the chat model only if set", "", "low")
    agent_max_steps: int = _setting("Most model calls in one turn", 8)
    max_tool_calls_per_turn: int = _setting("Most tool calls in one turn", 16)
    max_images_per_turn: int = _setting("Most images that the model may generate in one turn", 4)
    max_data_parts_per_turn: int = _setting("Most data parts that the tools of one turn may add to its answer", 100)
    max_data_bytes_per_turn: int = _setting(
        "Most bytes of data that the tools of one turn may show; each part counts 100 more", 1024 * 1024
    )
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
        "Azure AI Search service that indexes documents; if unset, they are indexed where they are stored",
        "",
        "https://<service>.search.windows.net",
    )
    azure_search_api_key: str = _setting("Admin key of that service", "", "<key>")
    azure_search_index_name: str = _setting("Its index; created if it does not exist", "", "documents")
    max_file_bytes: int = _setting("Largest document", 50 * 1024 * 1024)
    max_files_per_upload: int = _setting("Most documents in one upload", 20)
    max_files_per_user: int = _setting("Most documents of one userid", 1000)
    max_user_bytes: int = _setting("Most bytes of documents and images of one userid", 1024 * 1024 * 1024)
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
    max_incoming_bytes_per_user: int = _setting(
        "Bytes of JSON bodies held at once for one userid, in one process", 64 * 1024 * 1024
    )
    max_incoming_bytes: int = _setting("Bytes of JSON bodies held at once in one process", 256 * 1024 * 1024)
    max_running_turns_per_user: int = _setting("Answers running at once for one userid, in all processes", 20)
    max_running_turns: int = _setting("Answers running at once in one process", 1000)
    max_joins_per_user: int = _setting(
        "Connections that follow running answers beside their senders, of one userid in one process", 100
    )
    max_turn_seconds: float = _setting("Time limit for one answer", 600.0)
    max_message_characters: int = _setting("Longest user message, including attached text", 1_000_000)
    max_conversation_messages: int = _setting("Most messages in one conversation", 10_000)
    max_conversations_per_user: int = _setting("Most conversations of one userid", 10_000)
    max_turns_per_user_per_day: int | None = _setting("Most turns of one userid in a day (UTC)", None, "200")
    max_tokens_per_user_per_day: int | None = _setting(
        "Most tokens of one userid in a day (UTC), input and output together", None, "1000000"
    )
    max_images_per_user_per_day: int | None = _setting("Most generated images of one userid in a day (UTC)", None, "50")
    max_cost_per_user_per_day: float | None = _setting(
        "Highest cost of one userid in a day (UTC), at the prices that are set", None, "5.00"
    )
    price_per_million_input_tokens: float | None = _setting(
        "Price of a million input tokens of the chat model, in any currency", None, "2.50"
    )
    price_per_million_output_tokens: float | None = _setting(
        "Price of a million output tokens, in that currency", None, "10.00"
    )
    price_per_image: float | None = _setting("Price of a generated image, in that currency", None, "0.04")
    price_per_million_embedding_tokens: float | None = _setting(
        "Price of a million tokens of the embedding model, in that currency; if unset, that of input tokens",
        None,
        "0.13",
    )
    resumable: bool = _setting(
        "Let an answer continue after its client disconnects, unless the request says otherwise", False
    )
    keep_alive_seconds: float = _setting("Silence in a stream before a keep-alive is sent", 15.0)

    bind_host: str = _setting(
        "Address that `mockbackend serve` listens on; if unset, all where PORT is set, else 127.0.0.1", "", "127.0.0.1"
    )
    port: int | None = _setting(
        "Port of `mockbackend serve` on all addresses; if unset, it is 127.0.0.1:8000", None, "8000"
    )
    web_concurrency: int = _setting("Worker processes of `mockbackend serve`", 1)
    drain_seconds: float = _setting("Time that running answers have to finish after SIGTERM", 15.0)
    log_level: str = _setting("DEBUG, INFO, WARNING or ERROR", "INFO")
    log_format: Literal["text", "json"] = _setting("Lines of the log: text or json", "text")
    otel_exporter_otlp_endpoint: str = _setting(
        "Address that traces are sent to, by OTLP over HTTP; if unset, nothing is traced", "", "http://127.0.0.1:4318"
    )
    otel_service_name: str = _setting("Name of the service in traces", "mockbackend")

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
