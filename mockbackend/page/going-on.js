// Going on with an answer that waits: what is sent of one of its calls, and whether a stored conversation waits.

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

/** Whether a stored conversation waits for its user. */
export function waitsIn({ messages }) {
  return Boolean(messages.at(-1)?.parts?.some((part) => part.toolInvocation?.state === "call"));
}
