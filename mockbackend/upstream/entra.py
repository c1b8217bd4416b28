"""Access tokens of Microsoft Entra, which take the place of keys (`AZURE_OPENAI_AUTH=entra`).

`DefaultAzureCredential` finds the identity: a managed identity of App Service, Container Apps or a virtual machine, a
workload identity of AKS, or the user who has signed in with `az login`. A token is renewed beside the turns, which wait
only while there is no good one. Each time there is a new credential: an old one might return what it has in its cache,
as long as that is valid by its own clock.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextvars
import logging
import time
from dataclasses import dataclass

import orjson

from ..errors import UpstreamError
from ..log import printable
from ..settings import Settings, SettingsError

# Azure OpenAI, the second on its v1 surface where the first is refused, and Azure AI Search.
OPENAI_SCOPES = ("https://cognitiveservices.azure.com/.default", "https://ai.azure.com/.default")
SEARCH_SCOPES = ("https://search.azure.com/.default",)
# For one attempt. A developer's `az` takes seconds.
TOKEN_SECONDS = 15.0
# A token is renewed when no more than this is left of it, or half of its life.
RENEWED_SECONDS = 900.0
# By then a request that carries it has been received.
SPARE_SECONDS = 5.0
# Between attempts while there is no newer token, and between looks at the clock, which may jump.
AGAIN_SECONDS, LOOK_SECONDS = 30.0, 60.0
# A token that is refused is replaced at once only if it is older than that.
YOUNG_SECONDS = 60.0
EXTRA_MISSING = (
    "AZURE_OPENAI_AUTH: the package azure-identity is not installed. Start with "
    "`uv run --extra entra mockbackend serve`, or run `pip install azure-identity`"
)
NO_IDENTITY = (
    "The service got no access token for {service}. The operator should check AZURE_OPENAI_AUTH: there must be a "
    "managed identity (AZURE_CLIENT_ID names a user-assigned one), or a user who has signed in with `az login`."
)
TOO_SLOW = (
    "The service got no access token for {service} in time, since the identity's endpoint does not respond. Please "
    "try again. The operator should check AZURE_OPENAI_AUTH."
)
log = logging.getLogger("mockbackend.upstream")


@dataclass(frozen=True, slots=True)
class _Token:
    """A token, with its times by the wall clock. It is never shown."""

    value: str
    received: float
    expires: float

    def is_good(self) -> bool:
        """Whether a request may still carry it."""
        return time.time() < self.expires - min(SPARE_SECONDS, (self.expires - self.received) / 4)

    def is_due(self) -> bool:
        """Whether it should be renewed."""
        return time.time() > self.expires - min(RENEWED_SECONDS, (self.expires - self.received) / 2)


class AccessTokens:
    """The tokens for one service, of which there is one at a time. The first is on its way once this is made.

    `scopes` are tried in turn where the service refuses a fresh token. Raises SettingsError without the extra.
    """

    def __init__(self, service: str, scopes: tuple[str, ...]) -> None:
        try:
            # Imported late, because it belongs to an extra.
            from azure.identity.aio import DefaultAzureCredential
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("azure", "msal", "cryptography"):
                raise
            raise SettingsError([EXTRA_MISSING]) from error
        self._credential = DefaultAzureCredential
        self._service = service
        self._scopes = scopes
        self._scope = 0
        self._accepted = False
        self._closed = False
        self._token: _Token | None = None
        self._problem: UpstreamError | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._attempt = self._begin_renewal()

    async def close(self) -> None:
        """Stop renewing."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
        self._attempt.cancel()
        await asyncio.wait({self._attempt})

    @property
    def identity(self) -> str:
        """Who the token is of, for the log."""
        return identity_of(self._token.value) if self._token else "no identity"

    async def get(self) -> str:
        """A token that is good now. Raises UpstreamError if no token can be had."""
        if self._token is None or not self._token.is_good():
            # All wait for the same attempt, and it goes on without them.
            await asyncio.wait({self._begin()})
            if self._token is None or not self._token.is_good():
                problem = self._problem or UpstreamError(NO_IDENTITY.format(service=self._service))
                # Its own for each: one that is raised twice keeps the frames of both.
                raise UpstreamError(problem.message, reason=problem.reason)
        return self._token.value

    def accept(self, accepted: str) -> None:
        """Note that the service has accepted a token, and with it the scope, if it is the present one."""
        if self._token and self._token.value == accepted:
            self._accepted = True

    def refuse(self, refused: str) -> bool:
        """Drop the token, which the service has refused. Whether another may do: a newer one, or of another scope."""
        token = self._token
        if token is None or token.value != refused:
            # Another request that carried it was refused before.
            return True
        if time.time() - token.received > YOUNG_SECONDS:
            log.warning("%s refused a token of %s; asking for a new one", self._service, self.identity)
        elif not self._accepted and self._scope + 1 < len(self._scopes):
            self._scope += 1
            log.warning("%s refused the token's audience; asking for %s", self._service, self._scopes[self._scope])
        else:
            if self._scope and not self._accepted:
                self._scope, self._token = 0, None
            return False
        self._token = None
        return True

    def _begin(self) -> asyncio.Task[None]:
        """The attempt under way, or another."""
        if self._attempt.done():
            self._attempt = self._begin_renewal()
        return self._attempt

    def _begin_renewal(self) -> asyncio.Task[None]:
        # Its lines in the log belong to no request.
        return self._loop.create_task(self._renew(), context=contextvars.Context())

    async def _renew(self) -> None:
        scope = -1
        try:
            # What was refused meanwhile may have changed the scope, and a token is good for its own alone.
            while scope != self._scope:
                scope = self._scope
                await self._ask(scope)
        finally:
            self._look_later()

    async def _ask(self, number: int) -> None:
        """Ask for a token of that scope, and take it if that is still the scope."""
        scope, old = self._scopes[number], self._token
        limit = asyncio.timeout(TOKEN_SECONDS)
        try:
            async with limit, self._credential() as credential:
                found = await credential.get_token_info(scope)
            if number != self._scope:
                return
            token = _Token(found.token, time.time(), float(found.expires_on))
            if old is None or token.value != old.value:
                self._token, self._problem = token, None
                left = token.expires - token.received
                log.info("a token for %s, of %s, is good for %.0f s", self._service, self.identity, left)
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                said = f"nothing within {TOKEN_SECONDS:g} s"
                self._problem = UpstreamError(TOO_SLOW.format(service=self._service), reason="timeout")
            else:
                said = printable(str(error))[:2000]
                self._problem = UpstreamError(NO_IDENTITY.format(service=self._service))
            log.warning("no token for %s (%s): %s: %s", self._service, scope, type(error).__name__, said)

    def _look_later(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self._closed:
            return
        seconds = AGAIN_SECONDS
        if (token := self._token) and not token.is_due():
            seconds = token.expires - min(RENEWED_SECONDS, (token.expires - token.received) / 2) - time.time()
        elif token:
            # It is due, and there is no newer one: several attempts until its end.
            seconds = min(AGAIN_SECONDS, max(0.5, (token.expires - time.time()) / 4))
        seconds = min(seconds + 0.01, LOOK_SECONDS)
        self._timer = self._loop.call_later(seconds, self._look, context=contextvars.Context())

    def _look(self) -> None:
        if self._token is None or self._token.is_due():
            self._begin()
        else:
            self._look_later()


def identity_of(token: str) -> str:
    """The identity that a token names in its claims, which nobody checks here."""
    try:
        payload = token.split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        names = {
            "": claims.get("xms_mirid") or claims.get("upn") or claims.get("unique_name"),
            "client id ": claims.get("appid") or claims.get("azp"),
            "object id ": claims.get("oid"),
        }
    except (IndexError, ValueError, binascii.Error, AttributeError):
        return "an identity that it does not name"
    return ", ".join(f"{kind}{printable(str(name))[:200]}" for kind, name in names.items() if name) or "an identity"


def open_tokens(settings: Settings) -> AccessTokens | None:
    """The tokens for Azure OpenAI, if the settings want some."""
    if settings.engine != "azure" or settings.azure_openai_auth != "entra":
        return None
    return AccessTokens("Azure OpenAI", OPENAI_SCOPES if settings.azure_v1 else OPENAI_SCOPES[:1])
