"""An image call: Azure's checks, then the image, as a rule or the default has it."""

import asyncio
import base64
from dataclasses import replace

from ...mock.script import faults
from ...mock.script.raw import IMAGE, IMAGE_URL
from ...mock.script.rules import ImageItem, ImageRule
from ..gateway import errors, wire
from ..gateway.asked import asked_fault
from ..gateway.call import Call
from ..gateway.error_faults import error_reply
from ..gateway.replay import recorded, replay
from ..gateway.reply import Reply
from .answer import dalle_document, gpt_image_document
from .drawing import UnusableImage, coarse, draw, edit
from .request import ImageRequest, read_image
from .store import ImageStore, StoredImage
from .stream import image_stream


async def handle_image(call: Call, store: ImageStore) -> Reply:
    """The reply to a call that has passed the gateway; AzureError where Azure refuses the request."""
    if reply := _recorded(call, store):
        return reply
    request = read_image(call)
    facts = call.mocked.facts(call.deployment.name, request.prompt, call.body)
    serving = call.mocked.serve(ImageRule, facts)
    rule = serving.answer(ImageItem) if serving else ImageItem()
    fault = asked_fault(call) or rule.model_fault
    if isinstance(fault, faults.ErrorFault):
        if error := error_reply(fault, call):
            return replace(error, delay=rule.delay)
        fault = None
    if rule.image:
        media_type, content = _content(rule.image)
    else:
        # In a thread: drawing takes tens of milliseconds.
        media_type, content = "image/png", await asyncio.to_thread(_drawn, request)
    if request.stream:
        partial = [await asyncio.to_thread(coarse, content, index) for index in range(request.partial)]
        return Reply(image_stream(request, partial, content, rule.delay), wire.azure_headers(wire.EVENT_STREAM))
    if call.deployment.is_dalle:
        url = None
        if request.url:
            token = store.add(call.mocked.scenario, StoredImage(content, media_type, fault))
            url = rule.url or f"{call.origin}/generated/{token}.png"
        document = dalle_document(request, content, url, rule.revised_prompt)
    else:
        document = gpt_image_document(request, content)
    return Reply.json(document, delay=rule.delay)


def _drawn(request: ImageRequest) -> bytes:
    if not request.images:
        return draw(request.prompt, request.size, request.file_format, request.transparent)
    try:
        return edit(request.prompt, request.images[0], request.mask, request.size, request.file_format)
    except UnusableImage as error:
        raise errors.invalid_request(str(error), error.param, "invalid_image_file") from None


def _content(url: str) -> tuple[str, bytes]:
    header, _, encoded = url.partition(",")
    return header.removeprefix("data:").partition(";")[0], base64.b64decode(encoded)


def _recorded(call: Call, store: ImageStore) -> Reply | None:
    """What was recorded for this prompt, whatever Azure would say to it, with the image that stands beside it."""
    prompt = call.body.get("prompt")
    if call.mocked.script.recording is None or call.asked or not isinstance(prompt, str):
        return None
    facts = call.mocked.facts(call.deployment.name, prompt, call.body)
    upcoming = call.mocked.upcoming(ImageRule, facts)
    if upcoming is None or recorded(upcoming.answer(ImageItem).raw, call) is None:
        return None
    serving = call.mocked.serve(ImageRule, facts)
    rule = serving.answer(ImageItem) if serving else ImageItem()
    if not (raw := recorded(rule.raw, call)):
        return None
    # An image that could not be fetched is nowhere.
    media_type, content = _content(rule.image) if rule.image else ("image/png", b"")
    body = raw.body.replace(IMAGE, base64.b64encode(content))
    if IMAGE_URL in body:
        at_url = None if isinstance(rule.model_fault, faults.ErrorFault) else rule.model_fault
        fault = at_url if content else faults.ImageGone()
        token = store.add(call.mocked.scenario, StoredImage(content, media_type, fault))
        body = body.replace(IMAGE_URL, f"{call.origin}/generated/{token}.png".encode())
    return replay(raw, body)
