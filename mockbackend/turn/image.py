"""An image turn: generates one image and writes what happens to the answer."""

from __future__ import annotations

from ..errors import UpstreamError
from ..events import ImageMade, Progress, Usage
from ..images.generator import ImageGenerator, ImageOptions
from ..storage import Turn
from .answer import Answer, guarded
from .budget import Budget, ImageCall


async def image(answer: Answer, budget: Budget, generator: ImageGenerator, prompt: str, options: ImageOptions) -> None:
    """Generate the image that the prompt describes, up to the end of the step."""
    turn = answer.turn
    answer.begin_step()
    answer.emit(Progress("picture", {"status": "started"}))
    async with guarded(answer):
        await generator.check_room(turn.userid)
        made, usage = await generate(generator, budget, turn, prompt, options)
        answer.emit(made)
        answer.end_step("stop", usage)


async def generate(
    generator: ImageGenerator, budget: Budget, turn: Turn, prompt: str, options: ImageOptions
) -> tuple[ImageMade, Usage]:
    """Generate one image for the turn, and count it. Raises TurnError."""
    call = ImageCall()
    await budget.begin(call)
    try:
        return await generator.generate(turn.userid, turn.conversation_id, prompt, options)
    except UpstreamError as error:
        if not error.costs:
            call.fail()
        raise
