"""The rows of the comparison. Each measures both sides in turn, round by round."""

from collections.abc import Callable

from bench.measure import Effort
from bench.rows.history import history
from bench.rows.processes import memory, start
from bench.rows.tokens import burst, paced
from bench.rows.turns import emulator, first_delta, postgres, short_turns
from bench.table import Figure

ROWS: dict[str, Callable[[Effort], list[Figure]]] = {
    "burst": burst,
    "paced": paced,
    "first": first_delta,
    "short": short_turns,
    "postgres": postgres,
    "emulator": emulator,
    "history": history,
    "memory": memory,
    "start": start,
}
