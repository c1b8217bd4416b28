"""What each operation answers: the request is checked, then a rule of the script or the default speaks."""

from dataclasses import replace
from typing import assert_never

from .chat import completion as chat
from .chat.defaults import default_step
from .chat.request import read_chat
from .embeddings import answer as embeddings
from .gateway import wire
from .gateway.call import Call, Operation
from .gateway.error_faults import refuse
from .gateway.reply import Reply, whole
from .images import answer as images
from .images.request import read_image
from .images.store import Gallery
from .script.rules import ChatStep, EmbeddingStep, ImageStep, Rulebook


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
