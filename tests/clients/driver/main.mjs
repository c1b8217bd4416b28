// Renders a client's own hook, does to it what a person would, and says what it holds: one command a line, as JSON.
// CLIENT names the packages, and with them the file beside this one that knows that hook.

import "./dom.mjs";
import { createInterface } from "node:readline";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { openExample } from "./example.mjs";
import { poll } from "./poll.mjs";

const FILES = { "ai-sdk-4": "ai-sdk-4", "assistant-ui": "assistant-ui" };
const { Chat, act, look, read, words: wordsOf } = await import(`./${FILES[process.env.CLIENT] ?? "ai-sdk-ui"}.mjs`);

const chats = new Map();
const requests = [];
const connections = new Set();
const problems = [];
process.on("unhandledRejection", (reason) => problems.push(String(reason?.stack ?? reason)));

const fetchOfNode = globalThis.fetch;
globalThis.fetch = async (url, init = {}) => {
  const request = { method: init.method ?? "GET", url: String(url), body: init.body && JSON.parse(init.body) };
  requests.push(request);
  const connection = new AbortController();
  connections.add(connection);
  const signal = AbortSignal.any([connection.signal, ...(init.signal ? [init.signal] : [])]);
  const response = await fetchOfNode(url, { ...init, signal });
  request.status = response.status;
  request.framing = response.headers.get("x-vercel-ai-ui-message-stream") ? "ui" : "data";
  return response;
};

const commands = {
  async mount({ chat, options }) {
    const held = { finished: [], errors: [], data: [], executed: [], pending: undefined, settled: true };
    const page = document.body.appendChild(document.createElement("main"));
    const root = createRoot(page);
    root.render(createElement(Chat, { options, held }));
    chats.set(chat, { held, page, root });
    await poll(() => held.chat, "the first rendering");
  },

  // Leaving the page. What it held goes with it, and its connections are closed, as a browser does.
  async unmount({ chat }) {
    const { held, page, root } = chats.get(chat);
    for (const connection of connections) connection.abort();
    connections.clear();
    // A page that is left runs no further; here the hook has to come to its end first.
    const isOver = () => held.settled && !["submitted", "streaming"].includes(look(held.chat, held).status);
    await poll(isOver, "the hook's end", 1).catch(() => {});
    root.unmount();
    page.remove();
    chats.delete(chat);
  },

  // send, edit, regenerate, stop: the hook's promise is kept, not waited for.
  act({ chat, what, ...given }) {
    const { held } = chats.get(chat);
    held.settled = false;
    held.pending = Promise.resolve(act[what](held.chat, given, held))
      .catch((error) => problems.push(String(error?.stack ?? error)))
      .finally(() => (held.settled = true));
  },

  // Until all of these are so: the hook's status, words in a message, this number of answers, the last act's promise; and what
  // the hook holds is what the page shows, since React may render a moment later.
  async wait({ chat, status, words, responses, settled = true, seconds = 15 }) {
    const { held, page } = chats.get(chat);
    const isSo = () => {
      const seen = look(held.chat, held);
      return (
        page.textContent === seen.messages.map((message) => `${message.role}: ${wordsOf(message)}`).join("") &&
        (!status || seen.status === status) &&
        (!words || page.textContent.includes(words)) &&
        (!responses || requests.filter((request) => request.status).length >= responses) &&
        (!settled || held.settled)
      );
    };
    await poll(isSo, () => JSON.stringify(state({ chat })), seconds);
    return state({ chat });
  },

  state,
  read,
  example: openExample,

  forget() {
    requests.length = 0;
    problems.length = 0;
  },
};

function state({ chat }) {
  const { held, page } = chats.get(chat);
  const { finished, errors, data, executed } = held;
  return { ...look(held.chat, held), finished, errors, data, executed, shown: page.textContent, requests, problems };
}

function reply(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

reply({ value: "ready" });
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...given } = JSON.parse(line);
  try {
    reply({ value: (await commands[command](given)) ?? null });
  } catch (error) {
    reply({ error: String(error?.stack ?? error) });
  }
}
process.exit(0);
