"""What a call of the model is answered with, whichever wire it came by: a rule's step, or the default answer."""

from dataclasses import dataclass

from msgspec.structs import replace

from ...mock.script import faults
from ...mock.script.history import read_history
from ...mock.script.matching import Facts
from ...mock.script.raw import Raw
from ...mock.script.rules import ChatItem, ChatRule, ChatStep
from ...mock.store import Serving
from ..gateway.asked import asked_step
from ..gateway.call import Call
from ..gateway.error_faults import error_reply
from ..gateway.replay import recorded, replay
from ..gateway.reply import Reply
from .answer import AZURE_NAMES, Answer, Names, build_answer
from .conversation import Conversation
from .defaults import default_step
from .request import ChatRequest


@dataclass(frozen=True, slots=True)
class Served:
    """An answer, the step that it is of, and the fault that is in it."""

    step: ChatStep
    answer: Answer
    fault: faults.StreamFault | None

    @property
    def delay(self) -> float:
        """How long the answer takes if it is not streamed, in seconds: as long as the stream would have taken."""
        between = 1 / self.step.tokens_per_second if self.step.tokens_per_second else 0
        return self.step.first_token_after + between * max(0, len(self.answer.deltas) - 1)


def serve(request: ChatRequest, names: Names = AZURE_NAMES) -> Served | Reply:
    """The answer to a request; a reply, or AzureError, where a fault replaces it."""
    conversation = request.conversation
    call = request.call
    facts = facts_of(call, conversation)
    serving = None if call.asked and call.asked.help else call.mocked.serve(ChatRule, facts)
    step = asked_step(call, serving.answer(ChatItem).step(conversation.step) if serving else ChatStep())
    fault = step.model_fault
    if isinstance(fault, faults.ErrorFault):
        if error := error_reply(fault, request.call):
            return error
        fault = None
    if step.is_default:
        default = default_step(request)
        words = {"reasoning": default.reasoning, "text": default.text, "citations": default.citations}
        step = replace(step, **words, tool_calls=default.tool_calls)
    return Served(step, build_answer(request, step, names), fault)


def recorded_reply(call: Call) -> Reply | None:
    """What was recorded for this call, whatever Azure would say to it; None where nothing was, or only words are."""
    if call.mocked.script.recording is None or call.asked:
        return None
    history = read_history(call.body)
    asked = {"turn": history.turn, "step": history.step, "tool_result": history.tool_result}
    facts = call.mocked.facts(call.deployment.name, history.text, call.body, **asked)

    def raw_in(serving: Serving[ChatRule] | None) -> Raw | None:
        return recorded(serving.answer(ChatItem).step(history.step - 1).raw, call) if serving else None

    # It is counted only if it is sent.
    if raw_in(call.mocked.upcoming(ChatRule, facts)) is None:
        return None
    raw = raw_in(call.mocked.serve(ChatRule, facts))
    return replay(raw) if raw else None


def facts_of(call: Call, conversation: Conversation) -> Facts:
    """What rules can ask of a chat call."""
    return call.mocked.facts(
        call.deployment.name,
        conversation.question.text,
        call.body,
        turn=sum(message.role == "user" for message in conversation.messages),
        step=conversation.step + 1,
        tool_result=conversation.tool_result,
    )
