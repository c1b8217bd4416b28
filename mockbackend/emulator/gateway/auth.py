"""Authentication: a key, or an Entra token, on the family of paths that takes it."""

import secrets
from collections.abc import Mapping

from . import errors


def check_key(headers: Mapping[str, str], dated: bool, api_key: str | None) -> None:
    """Raise AzureError 401 unless the headers carry a valid key, or what looks like an Entra token.

    With `api_key` None any key is valid. A dated path reads keys from `api-key` only, v1 also from
    `Authorization: Bearer`.
    """
    key = headers.get("api-key")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = ""
    if key is None and token:
        if looks_like_entra(token):
            return
        if dated:
            raise errors.wrong_token()
        key = token
    if not valid_key(key, api_key):
        raise errors.wrong_key()


def valid_key(key: str | None, api_key: str | None) -> bool:
    """Compare in constant time; `api_key` None takes any key, but not an empty one."""
    return bool(key) and (api_key is None or secrets.compare_digest(str(key).encode(), api_key.encode()))


def looks_like_entra(token: str) -> bool:
    """Recognize a JSON web token by its outline. Its signature is not checked: nobody here could have issued it."""
    return token.startswith("eyJ") and token.count(".") == 2
