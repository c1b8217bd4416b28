// A block of code: its language, a copy button, and its colours once it is complete.

import { copyButton } from "./copy.js";
import { el } from "./dom.js";
import { highlight } from "./highlight.js";
import { nameOf } from "./languages.js";

const languageOf = (code) => /language-(\S+)/.exec(code.className)?.[1] ?? "";

/** Add a header to a code block: its language and a copy button. */
export function dress(pre) {
  const code = pre.querySelector("code") ?? pre;
  const language = nameOf(languageOf(code));
  const frame = el("figure", { class: "code", dir: "ltr" });
  pre.replaceWith(frame);
  pre.tabIndex = 0;
  pre.setAttribute("aria-label", language ? `Code, ${language}` : "Code");
  pre.setAttribute("role", "group");
  frame.append(
    el("figcaption", {}, el("span", { text: language || "code" }), copyButton(() => code.textContent, "Copy code")),
    pre,
  );
}

/** Extend the last code block in place, so that its button and a selection in it survive. */
export function grow(code, text) {
  const shown = code.textContent;
  if (text === shown) return;
  const node = code.firstChild;
  if (node && text.startsWith(shown)) node.appendData(text.slice(shown.length));
  else code.textContent = text;
}

/** The block is complete: show it in colours. */
export function colour(figure) {
  const code = figure.querySelector("code");
  const language = code && languageOf(code);
  if (language) highlight(code, language);
}
