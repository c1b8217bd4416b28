"""What is wrong where Azure OpenAI refuses an identity."""

from __future__ import annotations

import logging
import re

import openai

from ..errors import UpstreamError
from .entra import AccessTokens

NO_ROLE = (
    "The model API does not allow the service's identity this call. The operator should give that identity the role "
    '"Cognitive Services OpenAI User" on the resource of AZURE_OPENAI_ENDPOINT, and wait some minutes. The log names '
    "the identity."
)
REFUSED = (
    "The model API refused the token of the service's identity. The operator should check that AZURE_OPENAI_ENDPOINT "
    "has the resource's own name in it and belongs to the identity's tenant, and that the identity has the role "
    '"Cognitive Services OpenAI User".'
)
WITHOUT_ROLE = re.compile("does not have access to API|lacks the required data action", re.IGNORECASE)
log = logging.getLogger("mockbackend.upstream")


def is_refused_token(error: openai.AuthenticationError) -> bool:
    """Whether another token might help."""
    return not _is_without_role(error)


def refused_identity(error: Exception, tokens: AccessTokens) -> UpstreamError | None:
    """The error for a refusal of the identity, which the log names; None for any other error."""
    if _is_without_role(error):
        words = NO_ROLE
    elif isinstance(error, openai.AuthenticationError):
        words = REFUSED
    else:
        return None
    log.warning("refused: the token of %s", tokens.identity)
    return UpstreamError(words)


def _is_without_role(error: Exception) -> bool:
    """Whether the identity is known and may not do this."""
    if not isinstance(error, openai.APIStatusError) or error.status_code not in (401, 403):
        return False
    body = error.body if isinstance(error.body, dict) else {}
    return body.get("code") == "PermissionDenied" or bool(WITHOUT_ROLE.search(str(body.get("message"))))
