"""What each operation answers: the request is checked, then a rule of the script or the default speaks."""

from dataclasses import replace
from typing import assert_never

from . import chat, embeddings, images, wire
from .calls import Call, Operation
from .chat_request import read_chat
from .defaults import default_step
from .gallery import Gallery
from .image_request import read_image
from .refusals import refuse
from .reply import Reply, whole
from .rules import ChatStep, EmbeddingStep, ImageStep, Rulebook


async def answer(call: Call, rulebook: Rulebook, gallery: Gallery) -> Reply:
    """The reply to a call that has passed the gateway; AzureError where it is refused."""
    match call.operation:
        case Operation.CHAT:
            return _chat(call, rulebook)
        case Operation.EMBEDDING:
            return await _embedding(call, rulebook)
        case Operation.IMAGE:
            return await _image(call, rulebook, gallery)
        case _:
            assert_never(call.operation)


def _chat(call: Call, rulebook: Rulebook) -> Reply:
    request = read_chat(call)
    conversation = request.conversation
    steps = rulebook.serve(rulebook.script.chat, call.deployment.name, conversation.question.text)
    step = steps[min(conversation.step, len(steps) - 1)] if steps else ChatStep()
    refused = refuse(step.fault, call)
    if refused:
        return refused
    if step.silent:
        spoken = default_step(request)
        step = replace(step, text=spoken.text, tool_calls=spoken.tool_calls)
    return chat.reply_to(request, step)


async def _embedding(call: Call, rulebook: Rulebook) -> Reply:
    texts = embeddings.input_texts(call)
    steps = rulebook.serve(rulebook.script.embedding, call.deployment.name, "\n".join(texts))
    step = steps[0] if steps else EmbeddingStep()
    refused = refuse(step.fault, call)
    if refused:
        return refused
    body = wire.json_bytes(await embeddings.answer(call, texts))
    return whole(body, wire.azure_headers(wire.JSON), delay=step.delay)


async def _image(call: Call, rulebook: Rulebook, gallery: Gallery) -> Reply:
    request = read_image(call)
    steps = rulebook.serve(rulebook.script.image, call.deployment.name, request.prompt)
    step = steps[0] if steps else ImageStep()
    refused = refuse(step.fault, call)
    if refused:
        return replace(refused, delay=step.delay)
    body = wire.json_bytes(await images.answer(request, step, gallery))
    return whole(body, wire.azure_headers(wire.JSON), delay=step.delay)
