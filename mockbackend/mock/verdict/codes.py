"""What can be found, how bad it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["fail", "warn"]


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding. `meaning` says when it is found."""

    severity: Severity
    meaning: str
    advice: str


CODES = {
    "retry_after_ignored": Code(
        "fail",
        "asked again sooner than the answer's Retry-After had said",
        "Wait as long as Retry-After says before the next try.",
    ),
    "retried_refusal": Code(
        "fail",
        "a 400, 401, 403, 404 or 422 was sent again unchanged",
        "Show the error, and do not repeat a request that was refused: only 408, 409, 429 and 5xx may pass.",
    ),
    "double_send": Code(
        "fail",
        "the same text began a new turn twice within 2 s for one user, with no error or stop between",
        "Disable the send button while a message is on its way, and send from an event and not from an effect.",
    ),
    "id_lost": Code(
        "fail",
        "a list that holds an answer of another conversation came with a new id",
        "Keep the conversation's id, which is in X-Conversation-Id, and send it with every message.",
    ),
    "never_rejoined": Code(
        "fail",
        "the client of a resumable turn went away and read the history, and did not join the turn while it ran",
        "After a reload, join the running answer with GET /chat/{id}/stream (resume: true in useChat).",
    ),
    "poisoned_history": Code(
        "fail",
        "a tool call without a result was sent, and none that the service left open, or an assistant's image part",
        "Drop calls that have no result before you send the messages, and keep images in the text.",
    ),
    "result_never_sent": Code(
        "warn",
        "an answer waits for the result of a tool of the client, and none came, or a new message without it",
        "Send a result for every call of your tools, an error where there can be no other. useChat does so by"
        " addToolOutput, and goes on by sendAutomaticallyWhen.",
    ),
    "answered_unknown_call": Code(
        "fail",
        "a result or an approval was refused (422), since no answer of the conversation has such a call",
        "Send the ids of the calls as they came, to the conversation that they came in.",
    ),
    "approval_answered_twice": Code(
        "fail",
        "a yes or no was sent again after it had been taken (409 or 422)",
        "Take the buttons away once one is pressed, and read the conversation again: another tab may have answered.",
    ),
    "cut_taken_as_whole": Code(
        "warn",
        "after an answer that was cut the next list holds it as if it were whole",
        "Say that the answer is incomplete; read the conversation again, or regenerate the answer.",
    ),
    "sent_while_running": Code(
        "fail",
        "a message was sent while an answer was running in its conversation (409)",
        "Wait for the end of the answer, or stop it first.",
    ),
    "busy_storm": Code(
        "fail",
        "more than 10 calls in 10 s were answered 409, 429 or 503",
        "Back off: wait longer after each try, and give up after a few.",
    ),
    "rule_never_served": Code(
        "warn", "a rule has never served", "Remove the rule, or check its `when` against the journal."
    ),
    "unmatched_call": Code(
        "fail", "with `strict`, or in a replay: no rule fitted a call of the model", "Add a rule for this call."
    ),
    "never_released": Code("warn", "nobody released a hold, and it ran out", "Release what the test holds."),
    "login_in_the_browser": Code(
        "warn",
        "a login came beside an Origin that is not the service's: the browser holds the password",
        "Let a route of your own site add the login.",
    ),
}
