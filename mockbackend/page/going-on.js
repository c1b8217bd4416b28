// Going on with an answer that waits: what is sent of one of its calls, and whether a stored conversation waits.

import * as api from "./api.js";
import { DENIED } from "./answer.js";

const SKIPPED = "The user skipped this call.";

/**
 * The body of POST /chat that goes on with an answer. `said` is `{call, approved, reason}` for a yes or no,
 * `{call}` for a call that is not made at all.
 */
export function bodyOn(id, answer, { call, approved, reason }) {
  const part = { type: `tool-${call.name}`, toolCallId: call.id };
  if (approved === undefined) Object.assign(part, { state: "output-error", errorText: SKIPPED });
  else Object.assign(part, { state: "approval-responded", approval: { id: call.approval.id, approved, ...(reason && { reason }) } });
  return { id, messages: [{ id: answer.id, role: "assistant", parts: [part] }], resumable: true, approvals: true };
}

/** Send it. What the user has said is shown from here, since nothing of it comes again. */
export async function sendOn(request, answer, { call, approved, reason }, signal) {
  const response = await api.begin(request, signal);
  if (approved === undefined) answer.settle(call, { error: SKIPPED });
  else if (!approved) answer.settle(call, { error: reason ? `${DENIED} The reason: ${reason}` : DENIED });
  return response;
}

/** Whether a stored conversation waits for its user. */
export function waitsIn({ messages }) {
  return Boolean(messages.at(-1)?.parts?.some((part) => part.toolInvocation?.state === "call"));
}
