"""A picture turn: asks for one picture and yields what happens."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from ..answering import Answering, produced
from ..errors import INTERNAL, PromptRefused, UpstreamError
from ..events import Event, Progress
from ..messages import text_of
from ..pictures.making import PictureMaker, PictureOptions

log = logging.getLogger("mockbackend.turn")


def image(
    answering: Answering, maker: PictureMaker, userid: str, conversation_id: str, options: PictureOptions
) -> AsyncIterator[Event]:
    """Make the picture that the user's message describes, up to the step's end."""
    answering.begin_step()
    answering.emit(Progress("picture", {"status": "started"}))

    async def work() -> None:
        try:
            async with answering.stop.scope():
                made, usage = await maker.make(userid, conversation_id, text_of(answering.added[-1]), options)
                answering.emit(made)
                answering.end_step("stop", usage)
        except UpstreamError as error:
            if isinstance(error, PromptRefused):
                answering.refuse_prompt()
            # A call that was stopped may fail as it is closed: the stop is how it ended.
            if answering.stop.reason is None:
                answering.fail(error.message)
        except Exception:
            log.exception("the picture turn failed")
            answering.fail(INTERNAL)
        if answering.stop.reason is not None and answering.finish is None:
            answering.end_stopped()

    return produced(answering, work)
