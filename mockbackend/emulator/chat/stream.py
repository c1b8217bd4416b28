"""The parts of a chat stream, at the pace that a step asks for."""

from collections.abc import Iterable, Iterator

from ...mock.script.rules import ChatStep
from ...mock.store.holds import Gate
from ..gateway import wire
from ..gateway.reply import Pause, Piece
from .chunks import Chunk, Phase

Part = Chunk | Piece


def paced_parts(chunks: Iterable[Chunk], step: ChatStep) -> Iterator[Part]:
    """The whole stream without a fault: chunks, pauses and [DONE]."""
    between = 1 / step.tokens_per_second if step.tokens_per_second else 0
    begun = False
    gate = Gate(step.hold)
    for chunk in chunks:
        if chunk.phase is Phase.ROLE and step.first_token_after:
            yield Pause(step.first_token_after)
        if chunk.phase in (Phase.DELTA, Phase.FINISH):
            # At the latest before the finish, where there are fewer deltas.
            if chunk.phase is Phase.FINISH and gate.left:
                gate.left = 0
            while gate.is_closed:
                yield gate
            gate.passed()
        if chunk.phase is Phase.DELTA:
            if between and begun:
                yield Pause(between)
            begun = True
        yield chunk
    yield wire.DONE
