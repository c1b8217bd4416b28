// A tool call: name and state, with arguments and result to unfold.

import { el, icon } from "./dom.js";

export class ToolView {
  constructor() {
    this.#name = el("span", { class: "tool-name" });
    this.#brief = el("span", { class: "tool-brief", dir: "auto" });
    this.#state = el("span", { class: "tool-state" });
    this.#args = el("pre", { tabindex: "0", "aria-label": "Arguments", dir: "auto" });
    this.#result = el("pre", { tabindex: "0", "aria-label": "Result", dir: "auto" });
    this.#resultTitle = el("dt", { text: "Result" });
    this.element = el("details", { class: "tool" },
      el("summary", {}, icon("tool"), this.#name, this.#brief, this.#state, icon("chevron")),
      el("dl", {}, el("dt", { text: "Arguments" }), el("dd", {}, this.#args), this.#resultTitle, el("dd", {}, this.#result)));
  }

  #name; #brief; #state; #args; #result; #resultTitle;

  update(part) {
    this.#name.textContent = part.name;
    this.#brief.textContent = part.args ? brief(part.args) : "";
    const state = part.done ? (part.failed ? "failed" : "done") : "running";
    if (this.element.dataset.state !== state) {
      this.element.dataset.state = state;
      this.#state.textContent = state === "running" ? "running…" : state;
    }
    this.#args.textContent = part.args === undefined ? part.argsText : pretty(part.args);
    this.#result.textContent = part.done ? pretty(part.result) : "";
    this.#result.hidden = this.#resultTitle.hidden = !part.done;
  }

  finish() {
    if (this.element.dataset.state === "running") this.#state.textContent = "interrupted";
  }
}

const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function brief(args) {
  const words = Object.values(args).map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join(", ");
  return words.length > 60 ? `${words.slice(0, 59)}…` : words;
}
