// A tool call: name and state, with arguments and result to unfold.

import { el, icon } from "./dom.js";
import { ToolQuestion, shown } from "./tool-question.js";

const WORDS = { running: "running…", open: "waiting" };

export class ToolView {
  /** `answer(said)` says what is to become of a call that waits. */
  constructor({ answer }) {
    this.#answer = answer;
    this.#name = el("span", { class: "tool-name" });
    this.#brief = el("span", { class: "tool-brief", dir: "auto" });
    this.#state = el("span", { class: "tool-state" });
    this.#args = el("pre", { tabindex: "0", "aria-label": "Arguments", dir: "auto" });
    this.#result = el("pre", { tabindex: "0", "aria-label": "Result", dir: "auto" });
    this.#resultTitle = el("dt", { text: "Result" });
    this.#details = el("details", { class: "tool" },
      el("summary", {}, icon("tool"), this.#name, this.#brief, this.#state, icon("chevron")),
      el("dl", {}, el("dt", { text: "Arguments" }), el("dd", {}, this.#args), this.#resultTitle, el("dd", {}, this.#result)));
    this.element = el("div", { class: "call" }, this.#details);
  }

  #answer; #details; #name; #brief; #state; #args; #result; #resultTitle;
  #question = null;

  update(part) {
    this.#name.textContent = part.name;
    this.#brief.textContent = part.args ? brief(part.args) : "";
    const state = part.open ? "open" : part.denied ? "denied" : part.failed ? "failed" : part.done ? "done" : "running";
    if (this.#details.dataset.state !== state) {
      this.#details.dataset.state = state;
      this.#state.textContent = WORDS[state] ?? state;
    }
    if (!part.open && this.#question) this.#settle();
    this.#args.textContent = part.args === undefined ? part.argsText : pretty(part.args);
    this.#result.textContent = part.done ? pretty(part.result) : "";
    this.#result.hidden = this.#resultTitle.hidden = !part.done;
  }

  /** The answer has ended, or waits: then the call may ask something. */
  finish(part) {
    if (part.open && !this.#question) {
      this.#question = new ToolQuestion(part, this.#answer);
      this.element.append(this.#question.element);
    } else if (this.#question) this.#question.busy = false;
    else if (this.#details.dataset.state === "running") this.#state.textContent = "interrupted";
  }

  /** It waits no more. Who stood at its question stands at the call. */
  #settle() {
    const { element } = this.#question;
    if (element.contains(document.activeElement)) this.#details.querySelector("summary").focus({ preventScroll: true });
    element.remove();
    this.#question = null;
  }

  /** The answer goes on. */
  goOn() {
    if (this.#question) this.#question.busy = true;
  }
}

const pretty = (value) => shown(typeof value === "string" ? value : JSON.stringify(value, null, 2) ?? "");

function brief(args) {
  const words = shown(Object.values(args).map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join(", "));
  return words.length > 60 ? `${words.slice(0, 59)}…` : words;
}
