"""What a call asks for by its header X-Mock, beside the rule that serves it."""

from msgspec.structs import replace

from ...mock.script.asked import model_fault
from ...mock.script.faults import ErrorFault
from ...mock.script.help import help_text
from ...mock.script.rules import ChatStep
from .call import Call


def asked_step(call: Call, step: ChatStep) -> ChatStep:
    """The step of a chat answer as the call wants it."""
    if call.asked and call.asked.help:
        return ChatStep(text=help_text())
    fault = model_fault(call.asked, "chat")
    return replace(step, fault=fault, corner=None) if fault else step


def asked_fault(call: Call) -> ErrorFault | None:
    """The fault that an image call wants."""
    fault = model_fault(call.asked, "image")
    return fault if isinstance(fault, ErrorFault) else None
