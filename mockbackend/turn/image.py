"""A picture turn: asks for one picture and yields what happens."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..answering import Answering, attempt, produced
from ..events import Event, Progress
from ..messages import text_of
from ..pictures.making import PictureMaker, PictureOptions


def image(
    answering: Answering, maker: PictureMaker, userid: str, conversation_id: str, options: PictureOptions
) -> AsyncIterator[Event]:
    """Make the picture that the user's message describes, up to the step's end."""
    answering.begin_step()
    answering.emit(Progress("picture", {"status": "started"}))

    async def work() -> None:
        async with attempt(answering):
            made, usage = await maker.make(userid, conversation_id, text_of(answering.added[-1]), options)
            answering.emit(made)
            answering.end_step("stop", usage)

    return produced(answering, work)
