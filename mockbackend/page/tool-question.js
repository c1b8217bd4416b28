// What a tool call that waits asks of the user: a yes or no, or to skip what this page cannot run.

import { el } from "./dom.js";
import { newId } from "./ids.js";

export class ToolQuestion {
  /** `answer({call, approved, reason})` says what the user wants. */
  constructor(call, answer) {
    const words = `question-${newId()}`;
    this.#answer = (said) => {
      // The buttons go, and the focus stays at what they were about.
      if (this.element.contains(document.activeElement)) this.element.focus({ preventScroll: true });
      answer({ call, ...said });
    };
    this.element = el("div", { class: "tool-question", role: "group", tabindex: "-1", "aria-labelledby": words },
      el("p", { id: words, dir: "auto", text: call.approval ? `May this run? It would ${spoken(call.name)}.` : `${call.name} runs in another program, which has not answered yet. This page cannot run it.` }),
      withArguments(call.args),
      call.approval ? this.#yesOrNo(call) : el("div", { class: "buttons" }, this.#button("Skip", "plain", {}, `Skip ${call.name}`)));
  }

  #answer;

  #yesOrNo(call) {
    const reason = el("input", { type: "text", "aria-label": "Reason for a no (optional)", placeholder: "Reason for a no (optional)", maxlength: "1000", dir: "auto", autocomplete: "off" });
    const no = (event) => {
      event.preventDefault();
      this.#answer({ approved: false, reason: reason.value.trim() });
    };
    return el("form", { class: "buttons", on: { submit: no } }, reason, el("button", { class: "plain", text: "No" }), this.#button(`Yes, ${spoken(call.name)}`, "solid", { approved: true }));
  }

  #button(text, kind, said, label) {
    return el("button", { type: "button", class: kind, text, "aria-label": label, on: { click: () => this.#answer(said) } });
  }

  /** While the answer goes on, nothing can be said. */
  set busy(busy) {
    for (const control of this.element.querySelectorAll("button, input")) control.disabled = busy;
  }
}

/** `send_mail` and `sendMail` as people say it. */
const spoken = (name) => name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[_-]+/g, " ").trim().toLowerCase();

/** The arguments by their names. */
function withArguments(args) {
  const named = Object.entries(args ?? {});
  if (!named.length) return el("p", { class: "hint", text: "Without arguments." });
  return el("dl", {}, ...named.flatMap(([name, value]) => [
    el("dt", { text: name }),
    el("dd", {}, el("pre", { tabindex: "0", "aria-label": name, dir: "auto", text: shown(typeof value === "string" ? value : JSON.stringify(value, null, 2)) })),
  ]));
}

/** A text in which nothing turns the direction of reading: what is agreed to is what stands there. */
export const shown = (text) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16)}`);
