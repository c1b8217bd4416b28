"""The recorder: it gives each call of the model its place in a turn's file, and writes what it was answered."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import orjson

from .. import context
from ..script.history import read_history
from ..script.load import RECORDING
from ..script.names import DEFAULT
from ..script.raw import Raw
from ..store import MockStore
from .secrets import Secrets
from .tap import Held, Tap
from .turn_file import Call, TurnFile, slug, write
from .yaml_text import to_yaml

log = logging.getLogger("mockbackend.mock")
# By the end of their path.
KINDS = {"chat/completions": "chat", "responses": "chat", "images/generations": "image", "embeddings": "embedding"}
# What a scenario has beside its rules, for all of its turns.
DRAWN = ("seed", "now", "engine")
SEED_FILE = "seed.yaml"
SEED_HEAD = b"# Ids are drawn from the seed, and the clock stands still, so that every replay is equal.\n"
# What is larger could not be replayed; and what all folders may have together.
MAX_SCENARIO_BYTES = 40 * 1024 * 1024
MAX_BYTES = 1024 * 1024 * 1024
# Turns that may still ask the model, in this process: one that waits for its client goes on in the same file.
MAX_OPEN = 500
ENDINGS = (".yaml", ".sse", ".png", ".jpg", ".webp", ".gif")


class Recorder:
    """The recorder of one process. `secrets` are values that must not stand in a file."""

    def __init__(self, folder: Path, store: MockStore, secrets: Iterable[str]) -> None:
        self.store = store
        self._folder = folder
        self._secrets = Secrets(secrets)
        self._held = Held()
        self._turns: OrderedDict[tuple[str, str], TurnFile] = OrderedDict()
        # Files are written in the order of what they are of.
        self._writing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._said: set[str] = set()
        if store.is_first:
            store.recorded.clear()

    def begin(self, path: str, body: bytes) -> Tap | None:
        """Begin to record a call, which this context makes; None where there is nothing to record."""
        wire = next((wire for wire in KINDS if path.endswith(f"/{wire}")), None)
        call = _call(wire, body) if wire else None
        if wire is None or call is None:
            return None
        scenario, answer = self._scenario()
        file = self._turns.get((scenario, answer)) if answer else None
        if file is None:
            folder = self._folder if scenario == DEFAULT else self._folder / scenario
            words = self._secrets.hide(call.text)
            name = self.store.recorded.add(scenario, slug(words if call.kind != "embedding" else f"embedding {words}"))
            if name is None:
                self._say("there are too many turns in %s to record more; name another by X-Mock-Scenario", folder)
                return None
            file = TurnFile(folder, name)
            if answer:
                self._turns[scenario, answer] = file
                if len(self._turns) > MAX_OPEN:
                    self._turns.popitem(last=False)
        elif answer:
            self._turns.move_to_end((scenario, answer))
        file.calls.append(call)

        def done(raw: Raw | None) -> None:
            if raw is None:
                self._say("an answer of %s is too long to be recorded", file.folder / file.name)
            self._start(scenario, file, lambda: file.take(call, raw, self._secrets))

        return Tap(wire, self._held, done)

    def take_image(self, url: str, content: bytes | None) -> None:
        """Take an image that was fetched from a URL; None if that failed."""
        part_of = context.part_of()
        file = self._turns.get((part_of.scenario, part_of.answer)) if part_of and part_of.answer else None
        if part_of and file:

            def files() -> Iterator[tuple[str, bytes]]:
                # Looked for here, once the answer that names it has been read.
                for call in [one for one in file.calls if one.url == url][-1:]:
                    yield from file.take_image(call, content)

            self._start(part_of.scenario, file, files)

    def _scenario(self) -> tuple[str, str | None]:
        """The scenario of what is done in this context, and the answer, which is the same after a wait."""
        part_of = context.part_of()
        if part_of is None:
            return DEFAULT, None
        if part_of.turn is None and not part_of.sent:
            return self.store.scenarios.last_of(part_of.userid) or DEFAULT, None
        return part_of.scenario, part_of.answer

    def _start(self, scenario: str, file: TurnFile, files: Callable[[], Iterator[tuple[str, bytes]]]) -> None:
        task = asyncio.create_task(self._record(scenario, file, files))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _record(self, scenario: str, file: TurnFile, files: Callable[[], Iterator[tuple[str, bytes]]]) -> None:
        async with self._writing:
            try:
                named = await asyncio.to_thread(lambda: [*files(), (f"{file.name}.yaml", file.text(self._secrets))])
                # The script of a turn takes the place of the one before.
                grown = sum(len(content) - file.sizes.get(name, 0) for name, content in named)
                of_scenario, of_all = self.store.recorded.grow(scenario, file.name, grown)
                if of_scenario > MAX_SCENARIO_BYTES or of_all > MAX_BYTES:
                    self.store.recorded.grow(scenario, file.name, -grown)
                    words = "%s is full, and nothing more is recorded there; name another by X-Mock-Scenario"
                    self._say(words, file.folder)
                    return
                file.sizes |= {name: len(content) for name, content in named}
                seed = self._seed(scenario)
                await asyncio.to_thread(_write_all, file.folder, [*seed, *named])
            except OSError as error:
                self._say("%s cannot be written (%s); this is not recorded", file.folder, error.strerror or error)
            except Exception:
                log.exception("MOCK_RECORD: an answer could not be recorded")

    def _seed(self, scenario: str) -> list[tuple[str, bytes]]:
        script = self.store.scenarios.document(scenario)
        drawn = {key: script[key] for key in DRAWN if script.get(key) is not None}
        text = SEED_HEAD + to_yaml({"recording": RECORDING, **drawn, "rules": []})
        return [(SEED_FILE, text)] if drawn else []

    def _say(self, words: str, *values: object) -> None:
        """Warn, once."""
        line = words % values
        if line not in self._said:
            self._said.add(line)
            log.warning("MOCK_RECORD: %s", line)

    async def close(self) -> None:
        """Wait until all is written, and close the store. The last process names the files that nobody has written."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        names = self.store.recorded.names()
        if self.store.close() and names and (stale := await asyncio.to_thread(self._stale, names)):
            log.warning(
                "MOCK_RECORD: nothing has written these files this time; delete them if nobody needs them: %s",
                ", ".join(stale),
            )

    def _stale(self, names: list[tuple[str, str]]) -> list[str]:
        written = {(scenario, name) for scenario, name in names}
        scenarios = {scenario for scenario, _ in written}
        found: list[str] = []
        for folder in (self._folder, *(one for one in sorted(self._folder.iterdir()) if one.is_dir())):
            scenario = DEFAULT if folder == self._folder else folder.name
            for file in sorted(folder.iterdir()):
                is_ours = file.name == SEED_FILE and scenario in scenarios
                if file.suffix in ENDINGS and not is_ours and (scenario, file.name.partition(".")[0]) not in written:
                    found.append(str(file.relative_to(self._folder)))
        return found


def _write_all(folder: Path, files: list[tuple[str, bytes]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files:
        path = folder / name
        if name != SEED_FILE or not path.exists() or path.read_bytes() != content:
            write(folder, name, content)


def _call(wire: str, body: bytes) -> Call | None:
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    kind = KINDS[wire]
    if kind == "chat":
        history = read_history(asked)
        return Call(kind, history.text, history.turn, history.step)
    if kind == "image":
        return Call(kind, str(asked.get("prompt", "")))
    given = asked.get("input")
    return Call(kind, "\n".join(map(str, given)) if isinstance(given, list) else str(given))
