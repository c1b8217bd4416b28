"""Who may call: a key, or an Entra token, on the path family that takes it."""

import secrets
from collections.abc import Mapping

from . import errors


def check_key(headers: Mapping[str, str], dated: bool, api_key: str | None) -> None:
    """AzureError 401 unless the headers carry a key that fits, or what looks like an Entra token.

    `api_key` None takes any key. A dated path reads keys from `api-key` only; v1 also from `Authorization: Bearer`.
    """
    key = headers.get("api-key")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = ""
    if key is None and token:
        if looks_like_entra(token):
            return
        if dated:
            raise errors.bad_token()
        key = token
    if not key or not (api_key is None or secrets.compare_digest(key.encode(), api_key.encode())):
        raise errors.bad_key()


def looks_like_entra(token: str) -> bool:
    """A JSON web token's outline. Its signature is not checked: nobody here could have issued it."""
    return token.startswith("eyJ") and token.count(".") == 2
