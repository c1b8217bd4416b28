// README's page and README's route: the page asks its own site, the site's route asks the backend.

import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { poll } from "./poll.mjs";

const site = "http://localhost:3000";

// Open the page, do each step, and say what was shown and answered.
export async function openExample({ file, env, say, until, ask }) {
  Object.assign(process.env, env);
  const route = await import("../readme/route.js");
  const direct = globalThis.fetch;
  const asked = (path, init) => route[init?.method ?? "GET"](new Request(new URL(path, site), init));
  globalThis.fetch = (url, init) => (String(url).startsWith("/") ? asked(url, init) : direct(url, init));
  const page = document.body.appendChild(document.createElement("main"));
  const root = createRoot(page);
  try {
    const { default: Chat } = await import(`../readme/${file}`);
    root.render(createElement(Chat));
    await poll(() => page.querySelector("input"), "the form");
    for (const words of say) {
      type(page.querySelector("input"), words);
      page.querySelector("form").dispatchEvent(new window.Event("submit", { bubbles: true, cancelable: true }));
      await poll(() => page.textContent.includes(until[words]), `${until[words]} in ${page.textContent}`);
    }
    const answers = {};
    for (const path of ask) {
      const response = await fetch(path);
      answers[path] = { status: response.status, text: await response.text() };
    }
    return { shown: [...page.querySelectorAll("p")].map((line) => line.textContent), answers };
  } finally {
    root.unmount();
    page.remove();
    globalThis.fetch = direct;
  }
}

// As a person's key strokes reach React: by the element's own setter, and an event.
function type(input, words) {
  Object.getOwnPropertyDescriptor(window.HTMLInputElement.prototype, "value").set.call(input, words);
  input.dispatchEvent(new window.Event("input", { bubbles: true }));
}
