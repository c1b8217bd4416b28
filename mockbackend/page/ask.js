// A dialog that confirms what cannot be undone.

import { el } from "./dom.js";

/** Resolve to whether the user confirmed. */
export function ask(title, words, yes) {
  return new Promise((resolve) => {
    const dialog = el("dialog", { class: "ask", "aria-labelledby": "ask-title" },
      el("form", { method: "dialog" },
        el("h2", { id: "ask-title", dir: "auto", text: title }),
        el("p", { text: words }),
        el("div", { class: "buttons" },
          el("button", { value: "no", class: "plain", text: "Cancel" }),
          el("button", { value: "yes", class: "danger solid", text: yes }))));
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
