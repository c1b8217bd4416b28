// The list of shortcuts.

import { el } from "./dom.js";

const SHORTCUTS = [
  ["Enter", "Send the message; while an answer runs, it waits for its end"],
  ["Shift+Enter", "A new line"],
  ["Escape", "Stop the answer, or close what is open"],
  ["Ctrl+K", "Search conversations"],
  ["Ctrl+Shift+O", "New conversation"],
  ["? or Ctrl+/", "This list; ? outside a text"],
];

/** Show the list, unless a dialog is open. */
export function showShortcuts() {
  if (document.querySelector("dialog[open]")) return;
  const dialog = el("dialog", { class: "ask shortcuts", "aria-labelledby": "shortcuts-title" },
    el("h2", { id: "shortcuts-title", text: "Shortcuts" }),
    el("dl", {}, ...SHORTCUTS.map(([keys, meaning]) => el("div", {}, el("dt", {}, el("kbd", { text: keys })), el("dd", { text: meaning })))),
    el("div", { class: "buttons" }, el("button", { type: "button", class: "solid", text: "Close", on: { click: () => dialog.close() } })));
  // Escape closes it, and stops no answer.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  // On a low screen the button, which has the focus, would be shown in place of the heading.
  dialog.scrollTop = 0;
}
