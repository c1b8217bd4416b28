// Calls to the service. Every failure is an ApiError whose message can be shown to the user.

import { headersOf, session } from "./session.js";

export class ApiError extends Error {
  /** `status` is 0 if the server did not respond. */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const GONE = "The server cannot be reached.";

const listeners = { gone: () => {}, unauthorized: () => {} };

/** Set what to call when the server does not respond (`gone`) or rejects the login (`unauthorized`). */
export function listen(found) {
  Object.assign(listeners, found);
}

/** Make a call; resolve to its response if the status is 2xx. */
export async function call(path, { method = "GET", body, signal, who = session() } = {}) {
  const headers = headersOf(who);
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    // Without "omit" the browser opens its own login dialog on a 401.
    response = await fetch(path, {
      method, headers, signal, credentials: "omit", cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    listeners.gone();
    throw new ApiError(0, GONE);
  }
  if (response.ok) return response;
  const failure = new ApiError(response.status, await words(response));
  if (response.status === 401) listeners.unauthorized(failure);
  throw failure;
}

async function words(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `The server responded with status ${response.status}.`;
  }
}

const json = async (path, options) => (await call(path, options)).json();
const at = (id) => `/conversations/${encodeURIComponent(id)}`;

/** A page of conversations: `{rows, next}`; `next` is the path of the next page, or null. */
export async function conversations(path, options = {}) {
  const response = await call(path, options);
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("link") ?? "");
  return { rows: await response.json(), next: next ? next[1] : null };
}

const PAGE = 30;
const MAX_PAGE = 200;

/** The first conversations, those with these words if there are some: a page, or as many as are `shown` already. */
export async function listed(words, shown) {
  const query = words ? `&q=${encodeURIComponent(words)}` : "";
  const found = { rows: [], next: `/conversations?limit=${Math.min(Math.max(PAGE, shown), MAX_PAGE)}${query}` };
  do {
    const { rows, next } = await conversations(found.next);
    found.rows.push(...rows);
    found.next = next;
  } while (found.next && found.rows.length < shown);
  return found;
}

export const conversation = (id, options) => json(`${at(id)}?protocol=data`, options);
export const rename = (id, title) => json(at(id), { method: "PATCH", body: { title } });
export const pin = (id, isPinned) => json(`${at(id)}/pin`, { method: "POST", body: { is_pinned: isPinned } });
export const stop = (id) => json(`${at(id)}/stop`, { method: "POST" });
export const remove = (id) => call(at(id), { method: "DELETE" });
/** A call of the mock's control API. */
export const mock = (path, options) => json(`/__mock__/${path}`, options);
export const health = () => json("/health");
/** The login, `{login, password}`, for the secret of the link that the server printed at its start. */
export const signIn = (secret) => json("/sign-in", { method: "POST", body: { secret } });
export const begin = ({ method, path, body }, signal) => call(path, { method, body, signal });
/** The framing that the page reads: the data stream, with the lines that ask for approval. */
export const FRAMING = "assistant-ui";
/** Where a message of the user is sent, and an answer to a call that waits for it. */
export const chatIn = (framing = FRAMING) => `/chat?protocol=${framing}`;
/** Where the running answer of a conversation can be joined. */
export const streamOf = (id, framing = FRAMING) => `/chat/${encodeURIComponent(id)}/stream?protocol=${framing}`;
/** The stream of the running answer, or null if no answer is running. */
export async function join(path, signal) {
  const response = await call(path, { signal });
  return response.status === 204 ? null : response;
}

/** Whether this version of the service has the path; the page hides what it does not offer. */
export async function offers(path) {
  const described = await json("/openapi.json", { who: null });
  return path in described.paths;
}
