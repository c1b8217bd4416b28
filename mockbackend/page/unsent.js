// The turns of a conversation that the server does not have: they stay on the page, to be sent again.

import * as api from "./api.js";
import { Answer } from "./answer.js";
import { keepUnsent, unsent } from "./words.js";

/** A stored conversation; an empty one where nothing of it has reached the server yet. */
export async function storedOrUnsent(id, signal) {
  try {
    return await api.conversation(id, { signal });
  } catch (error) {
    if (error.status === 404 && unsent(id).length) return { messages: [] };
    throw error;
  }
}

/** Remember those of the turns that are unsent. */
export function keepTurns(id, turns) {
  const left = turns.filter((turn) => turn.unsent);
  keepUnsent(id, left.map(({ question, mode }) => ({ message: question.message, mode })));
}

/** Show those that are not among the stored messages: `add(message, mode)` adds a turn, `say(turn, answer)` its answer. */
export function showUnsent(id, messages, turns, add, say) {
  for (const { message, mode } of unsent(id)) {
    const stored = messages.find((one) => one.id === message.id);
    if (stored?.content === message.text) continue;
    // An edit that was not sent stands in its old place.
    const turn = turns.find(({ question }) => question.message.id === message.id) ?? add(message, mode);
    Object.assign(turn, { mode, unsent: true });
    turn.question.message = message;
    turn.question.unsent = true;
    const answer = new Answer();
    answer.error = "This message was not sent.";
    say(turn, answer);
  }
  keepTurns(id, turns);
}
