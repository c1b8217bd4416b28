"""LangChain's standard suites for its Azure classes, on both wires: `test_langchain.py` runs them."""

from __future__ import annotations

import os
from typing import Any

from langchain_openai import AzureChatOpenAI, AzureOpenAIEmbeddings
from langchain_tests.integration_tests import (  # type: ignore[import-not-found]
    ChatModelIntegrationTests,
    EmbeddingsIntegrationTests,
)

COMMON: dict[str, Any] = {"azure_endpoint": os.environ["EMULATOR"], "api_key": "any", "max_retries": 0}


class TestChatCompletions(ChatModelIntegrationTests):  # type: ignore[misc]
    @property
    def chat_model_class(self) -> type[AzureChatOpenAI]:
        return AzureChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**COMMON, "azure_deployment": "gpt-4o", "api_version": "2024-10-21", "stream_usage": True}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True


class TestResponses(TestChatCompletions):
    @property
    def chat_model_params(self) -> dict[str, Any]:
        version = "2025-04-01-preview"
        return {**COMMON, "azure_deployment": "gpt-4o", "api_version": version, "use_responses_api": True}


class TestEmbeddings(EmbeddingsIntegrationTests):  # type: ignore[misc]
    @property
    def embeddings_class(self) -> type[AzureOpenAIEmbeddings]:
        return AzureOpenAIEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        # Else it fetches OpenAI's tokenizer.
        own = {"azure_deployment": "text-embedding-3-small", "check_embedding_ctx_length": False}
        return {**COMMON, **own, "api_version": "2024-10-21"}
