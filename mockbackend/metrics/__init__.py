"""What the service counts and measures. `GET /metrics` shows it; `docs/operations.md` says what to watch."""

from __future__ import annotations

from .exposition import MEDIA_TYPE, exposition
from .loop_lag import watch_loop
from .series import METRICS, Age, Counter, Gauge, Histogram
from .sharing import SharedRegions, join_workers

__all__ = ["MEDIA_TYPE", "METRICS", "SharedRegions", "exposition", "join_workers", "watch_loop"]

TURNS = Counter("turns_total", "Turns that ended, by how: a finish reason, or what stopped them.", "mode", "outcome")
TURN_SECONDS = Histogram("turn_seconds", "Time from a turn's claim to its stored end.", "mode")
FIRST_TOKEN_SECONDS = Histogram(
    "time_to_first_token_seconds", "Time from a turn's claim to its first words or image.", "mode"
)
TOKENS = Counter("tokens_total", "Tokens that the model API has reported.", "kind")
RUNNING_TURNS = Gauge("running_turns", "Turns that run.")
OPEN_STREAMS = Gauge("open_streams", "Streams of answers that clients read.", "kind")
UPSTREAM_REQUESTS = Counter(
    "upstream_requests_total", "Requests to the model API, by status; error: no response.", "kind", "status"
)
UPSTREAM_RETRIES = Counter("upstream_retries_total", "Requests to the model API that were repeated.", "reason")
UPSTREAM_SECONDS = Histogram("upstream_wait_seconds", "Time until the model API's response begins.", "kind")
HTTP_REQUESTS = Counter("http_requests_total", "Requests that were answered.", "route", "status")
LOOP_LAG_SECONDS = Histogram("event_loop_lag_seconds", "How late the event loop is, looked at every second.")
DB_POOL = Gauge("db_pool", "Connections to PostgreSQL: used, waited for, and allowed.", "state")
DB_WAIT_SECONDS = Histogram("db_wait_seconds", "Time until a connection to PostgreSQL is free.")
DB_STATEMENT_SECONDS = Histogram("db_statement_seconds", "Time of a statement, or of those of one batch.", "name")
TAKEOVERS = Counter("takeovers_total", "Turns that their process left and this one has settled.")
FENCED_WRITES = Counter("fenced_writes_total", "Writes that were refused: another process had taken the turn over.")
LEASE_AGE = Age("lease_age_seconds", "Time since a process proved to PostgreSQL that it lives.")
INDEX_QUEUE = Gauge("index_queue", "Documents that are not indexed yet.", "status")
TOOLS = Counter("tools_total", "Tool calls.", "name", "outcome")
_BUILD = Gauge("build_info", "Always 1.", "version", "engine", "storage", largest=True)


def start(version: str, engine: str, storage: str) -> None:
    """Say what runs, and make the series that alerts are about: one that is missing raises none."""
    _BUILD.set(1, version, engine, storage)
    for counter in (TAKEOVERS, FENCED_WRITES):
        counter.inc(by=0)
    RUNNING_TURNS.add(0)
    for kind in ("own", "joined"):
        OPEN_STREAMS.add(0, kind)
