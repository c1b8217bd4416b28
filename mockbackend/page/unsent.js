// Messages that the server does not have yet: sent from here, also while another conversation is on the page.

import * as api from "./api.js";
import { waitsIn } from "./going-on.js";
import { keepUnsent, unsent, waitingIn } from "./words.js";

/** A stored conversation; an empty one where nothing of it has reached the server yet. */
export async function storedOrUnsent(id, signal) {
  try {
    return await api.conversation(id, { signal });
  } catch (error) {
    if (error.status === 404 && unsent(id).length) return { messages: [] };
    throw error;
  }
}

/** The body of POST /chat for a message of a conversation. */
export function bodyOf(id, { id: messageId, text, attachments, documents = [] }, mode) {
  const message = { id: messageId, role: "user", content: text };
  if (attachments.length) message.experimental_attachments = attachments;
  const body = { id, messages: [message], mode, resumable: true, approvals: true };
  return documents.length ? { ...body, file_ids: documents.map((file) => file.id) } : body;
}

/** Send a message. Documents that have been deleted since it was sent for the first time are left out. */
async function post(request, signal) {
  try {
    return await api.begin(request, signal);
  } catch (error) {
    const named = request.body.file_ids ?? [];
    if (error.status !== 422 || !named.length) throw error;
    const rows = await (await api.call("/files", { signal })).json();
    request.body.file_ids = named.filter((id) => rows.some((row) => row.id === id));
    if (request.body.file_ids.length === named.length) throw error;
    return api.begin(request, signal);
  }
}

/** A turn on its way to the server, which can be stopped before it has arrived. */
export class Sending {
  constructor(id, request) {
    this.#id = id;
    this.#request = request;
  }

  #id; #request;
  #isOnItsWay = true;
  #isUnwanted = false;

  /** Send it; one that is not wanted any more is stopped as soon as the server has it. */
  async post(signal) {
    try {
      const response = await post(this.#request, signal);
      if (this.#isUnwanted) api.stop(this.#id).catch(() => {});
      return response;
    } finally {
      this.#isOnItsWay = false;
    }
  }

  /** Have it stopped, if it is still on its way. */
  stop() {
    this.#isUnwanted ||= this.#isOnItsWay;
    return this.#isOnItsWay;
  }
}

const working = new Map(); // the AbortController of each conversation whose messages are being sent here

/** Send what waits in all conversations but the open one, each message when the answer before it ends; `began(id)` tells of each. */
export function sendElsewhere(open, began) {
  for (const id of waitingIn()) {
    if (id === open || working.has(id)) continue;
    const work = new AbortController();
    working.set(id, work);
    // What cannot be sent now goes on waiting until its conversation is opened, or the server is back.
    send(id, work.signal, began).catch(() => {}).finally(() => working.get(id) === work && working.delete(id));
  }
}

/** The conversation is opened, or deleted: leave its messages alone. */
export function leaveAlone(id) {
  working.get(id)?.abort();
  working.delete(id);
}

/** The conversation is gone: nothing of it is sent any more. */
export function forget(id) {
  leaveAlone(id);
  keepUnsent(id, []);
}

async function send(id, signal, began) {
  for (;;) {
    const running = await api.join(api.streamOf(id), signal);
    await running?.text();
    const turn = unsent(id).find(({ waiting }) => waiting);
    if (!turn || signal.aborted) return;
    if (running) continue;
    // It asks something: what waits here waits on until somebody has answered.
    if (waitsIn(await api.conversation(id, { signal }))) return;
    try {
      const response = await post({ method: "POST", path: api.chatIn(), body: bodyOf(id, turn.message, turn.mode) }, signal);
      replace(id, turn, []);
      response.body.cancel();
      began(id);
    } catch (error) {
      // Another tab was faster: its answer is waited for.
      if (error.status === 409) continue;
      if (error.status) replace(id, turn, [{ ...turn, waiting: false }]);
      throw error;
    }
  }
}

function replace(id, { message }, turns) {
  keepUnsent(id, unsent(id).flatMap((one) => (one.message.id === message.id ? turns : [one])));
}
