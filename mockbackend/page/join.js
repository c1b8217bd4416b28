// Joining a running answer, which as many tabs may read already as are allowed.

import * as api from "./api.js";
import { notice } from "./notice.js";
import { storedOrUnsent } from "./unsent.js";

const TOO_MANY = "Too many tabs read your running answers. Close one, or wait: this page tries again by itself.";
const AGAIN_MS = 2000;
export const LATER = Symbol("later");

/** What is stored of a conversation, and the stream of its running answer, with the path of that. */
export async function load(id, framing, signal) {
  const found = await storedOrUnsent(id, signal);
  const path = api.streamOf(id, framing);
  return { found, path, response: await join(path, signal) };
}

/** The stream of the running answer, null if none is running, LATER if too many read it. */
async function join(path, signal) {
  try {
    return await api.join(path, signal);
  } catch (error) {
    if (error.status !== 429) throw error;
    return LATER;
  }
}

/** The same once another reader has gone; undefined if this one has gone, or `isBusy()` by then. */
export async function joinLater(path, signal, isBusy) {
  const end = notice(TOO_MANY, { stays: true });
  try {
    while (true) {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      if (signal.aborted || isBusy()) return undefined;
      const response = await join(path, signal);
      if (response !== LATER) return response;
    }
  } finally {
    end();
  }
}
