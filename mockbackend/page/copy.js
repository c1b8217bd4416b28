// A copy button that confirms what it did.

import { announce } from "./announce.js";
import { el, icon } from "./dom.js";

/** A button that copies what `text()` returns. */
export function copyButton(text, label, words = "") {
  const button = el("button", { type: "button", class: "quiet", "aria-label": label, title: label }, icon("copy"), words && el("span", { text: words }));
  button.addEventListener("click", async () => {
    const done = await copy(text());
    announce(done ? "Copied." : "The browser does not allow copying.");
    button.replaceChildren(icon(done ? "check" : "copy"), ...(words ? [el("span", { text: done ? "Copied" : words })] : []));
    setTimeout(() => button.replaceChildren(icon("copy"), ...(words ? [el("span", { text: words })] : [])), 1500);
  });
  return button;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages served over plain HTTP have no clipboard API.
    const area = el("textarea", { class: "visually-hidden", "aria-hidden": "true" });
    area.value = text;
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus?.();
    return done;
  }
}
