"""What a start says: where the page is, the login, which engine answers, and a call to try."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..settings import Settings

EMULATED = "the EMULATOR of Azure OpenAI, not a model: no model API is configured"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104


def announcement(
    settings: Settings,
    engine: str,
    address: str | None,
    login: tuple[str, str, str],
    secret: str | None,
    *,
    is_generated: bool,
) -> str:
    """One block of lines. Nothing else of the start is for people.

    `engine` is the address of the model API; `address` is where the service listens, if that is known; `login` is the
    user name, the password and where both are kept if they are generated; `secret` is that of the link that signs in.
    """
    username, password, place = login
    url = _reachable(address, settings)
    rows = [("Page", f"{url}/")]
    if secret is not None:
        rows.append(("Signed in", f"{url}/#sign-in={secret}  (good once, for ten minutes)"))
    rows.append(("Login", username))
    rows.append(("Password", password if is_generated else "that of BACKEND_AUTH_PASSWORD"))
    if is_generated:
        rows.append(("", f"(No login is configured; this one was generated and is kept in {place}.)"))
    rows.append(("Engine", EMULATED if settings.engine == "emulator" else engine))
    credentials = f"{username}:{password}" if is_generated else username
    call = f"curl -N -u {_quoted(credentials)} -H 'userid: me' {url}/chat -d '{{\"message\": \"Hello\"}}'"
    lines = [f"{name:<10} {value}" for name, value in rows]
    return "\n".join([f"listening on {address}" if address else "serving", *lines, call])


def _reachable(address: str | None, settings: Settings) -> str:
    """The address for a browser on this machine. Plain Hypercorn does not say where it listens."""
    if address is None:
        return f"http://127.0.0.1:{settings.port or 8000}"
    found = urlsplit(address)
    return f"http://127.0.0.1:{found.port}" if found.hostname in EVERYWHERE else address


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
