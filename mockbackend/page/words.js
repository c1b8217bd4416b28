// Words that the server does not have: drafts, edits, and messages that were not sent. They survive a reload of this tab.

import { session } from "./session.js";

const KEY = "mockbackend.words";

/** The draft of a conversation, "" for the next new one. */
export const draft = (id) => mine().drafts[id ?? ""] ?? "";

export function keepDraft(id, text) {
  keep(({ drafts }) => put(drafts, id ?? "", text));
}

/** Whether the draft of a conversation is to be sent as soon as its documents have been read. */
export const isDue = (id) => Boolean(mine().due[id ?? ""]);

export function keepDue(id, due) {
  keep(({ due: all }) => put(all, id ?? "", due));
}

/** The messages of a conversation that were not sent, each `{message: {id, text, attachments, documents}, mode, waiting}`. */
export const unsent = (id) => mine().unsent[id] ?? [];

export function keepUnsent(id, turns) {
  keep(({ unsent: all }) => put(all, id, turns.length ? turns : ""));
}

/** The ids of the conversations in which messages wait for an answer to end. */
export const waitingIn = () => Object.entries(mine().unsent).flatMap(([id, turns]) => (turns.some((turn) => turn.waiting) ? [id] : []));

/** The conversations that have messages which were not sent, each `{id, title}`. */
export const unsentConversations = () => Object.entries(mine().unsent).map(([id, [{ message }]]) => ({ id, title: message.text || "Attachments" }));

/** Whether a message asked for an image. */
export const asksForImage = (messageId) => Boolean(mine().images[messageId]);

export function keepImage(messageId) {
  keep(({ images }) => put(images, messageId, true));
}

/** The text of a message that is being edited, or undefined. */
export const edited = (messageId) => mine().edits[messageId];

export function keepEdit(messageId, text) {
  keep(({ edits }) => put(edits, messageId, text));
}

const HELD = "mockbackend.held"; // apart: images may fill the storage

/** The files that go with the next message of a conversation. */
export function held(id) {
  try {
    const { userid, files } = JSON.parse(sessionStorage.getItem(HELD));
    return (userid === session()?.userid && files[id ?? ""]) || [];
  } catch {
    return [];
  }
}

export function keepHeld(id, list) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(HELD));
    const files = kept?.userid === session()?.userid ? (kept?.files ?? {}) : {};
    put(files, id ?? "", list.length ? list : "");
    sessionStorage.setItem(HELD, JSON.stringify({ userid: session()?.userid, files }));
  } catch {
    // They are too large: a reload would lose them.
  }
}

/** Forget all of it, as the one who signs out expects. */
export function forgetWords() {
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem(HELD);
}

function put(all, id, value) {
  if (value) all[id] = value;
  else delete all[id];
}

function keep(change) {
  const kept = mine();
  change(kept);
  const words = JSON.stringify({ userid: session()?.userid, ...kept });
  try {
    sessionStorage.setItem(KEY, words);
  } catch {
    // The tab's storage is full: what is on the page stays there, and a reload would lose it.
  }
}

function mine() {
  const nothing = { drafts: {}, due: {}, unsent: {}, edits: {}, images: {} };
  try {
    const { userid, ...kept } = JSON.parse(sessionStorage.getItem(KEY)) ?? {};
    return userid === session()?.userid ? { ...nothing, ...kept } : nothing;
  } catch {
    return nothing;
  }
}
