"""An image turn: generates one image and yields what happens."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..events import Event, Progress
from ..images.generator import ImageGenerator, ImageOptions
from ..messages import text_of
from .answer import Answer, guarded, stream_events


def image(
    answer: Answer, generator: ImageGenerator, userid: str, conversation_id: str, options: ImageOptions
) -> AsyncIterator[Event]:
    """Generate the image that the user's message describes, up to the end of the step."""
    answer.begin_step()
    answer.emit(Progress("picture", {"status": "started"}))

    async def work() -> None:
        async with guarded(answer):
            made, usage = await generator.generate(
                userid, conversation_id, text_of(answer.turn.new_messages[-1]), options
            )
            answer.emit(made)
            answer.end_step("stop", usage)

    return stream_events(answer, work)
