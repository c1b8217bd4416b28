// An answer on the page: one view per part, drawn at most once per frame.

import { announce } from "./announce.js";
import { copyButton } from "./copy.js";
import { DataView } from "./data-view.js";
import { byId, el, icon } from "./dom.js";
import { MarkdownView } from "./markdown-view.js";
import { figuresOf, recordingOf } from "./recordings.js";
import { SourcesView } from "./sources-view.js";
import { ToolView } from "./tool-view.js";

const SPOKEN = 1000;

export class AnswerView {
  /** `retry` asks the same question again, `goOn(said)` says what is to become of a call that waits, `stop()` that nothing is. */
  constructor(answer, on) {
    this.answer = answer;
    this.#on = on;
    this.#body = el("div", { class: "body" });
    this.#status = el("div", { class: "status", dir: "auto", hidden: true });
    this.#actions = el("div", { class: "actions", hidden: true });
    this.element = el("li", { class: "message answer" },
      el("article", { "aria-label": "Answer" }, this.#body, this.#data.element, this.#sources.element, this.#status, this.#actions));
  }

  #on; #body; #status; #actions;
  #data = new DataView();
  #sources = new SourcesView();
  #views = [];
  #frame = 0;
  #notBefore = 0;
  #isOver = false;

  /** Draw in the next frame, or less often when drawing is slow. */
  changed() {
    this.#frame ||= requestAnimationFrame((now) => {
      this.#frame = 0;
      if (now < this.#notBefore) return this.changed();
      const began = performance.now();
      this.#drawSoon();
      this.#notBefore = began + 4 * (performance.now() - began);
      return undefined;
    });
  }

  #drawSoon() {
    this.#draw()?.then(() => this.#isOver || this.#drawSoon());
  }

  /** It goes on after a wait. */
  goOn() {
    this.answer.goOn();
    this.#isOver = false;
    this.#actions.hidden = true;
    for (const { view } of this.#views) view.goOn?.();
    this.changed();
  }

  /** The answer has ended: draw the rest now and show its buttons. */
  finish({ aloud = false } = {}) {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#isOver = true;
    this.answer.progress = null;
    const late = this.#draw();
    if (late) late.then(() => this.finish({ aloud }));
    else this.#end(aloud);
  }

  #end(aloud) {
    const { answer } = this;
    const { open } = answer;
    for (const { view, part } of this.#views) view.finish?.(part);
    // Below words that no longer grow.
    this.#sources.update(answer.parts.filter((part) => part.type === "source").map((part) => part.source));
    this.element.removeAttribute("aria-busy");
    const words = answer.error ?? INCOMPLETE[answer.incomplete] ?? (open.length ? WAITS : CUT[answer.finish]);
    const again = answer.error || ["interrupted", "stored"].includes(answer.incomplete);
    this.#stand(words, answer.error ? "status failed" : "status",
      again ? el("button", { type: "button", class: "plain", text: "Try again", on: { click: this.#on.retry } })
        : open.length > 0 && el("button", { type: "button", class: "plain", text: "Stop waiting", on: { click: () => this.#leave() } }));
    this.#actions.hidden = false;
    this.#actions.replaceChildren(
      ...(answer.text ? [copyButton(() => answer.text, "Copy answer")] : []),
      ...this.#figures(),
      // Last, since it goes away once another message follows.
      el("button", { type: "button", class: "quiet retry", "aria-label": "Answer again", title: "Answer again", on: { click: this.#on.retry } }, icon("retry")),
    );
    if (aloud) announce(answer.error ? `Error: ${answer.error}` : open.length ? `${WAITS} ${asked(open)}` : `Answer: ${this.#body.innerText.slice(0, SPOKEN)}`);
  }

  /** What is open is left as it is; the next words are the user's. */
  #leave() {
    byId("message").focus();
    this.#on.stop();
  }

  /** What the answer took, and the way to its lines. */
  #figures() {
    const words = figuresOf(this.answer.id);
    const recording = recordingOf(this.answer.id);
    const show = () => this.element.dispatchEvent(new CustomEvent("wire", { bubbles: true, detail: recording }));
    return [
      words && el("span", { class: "figures", text: words }),
      recording && el("button", { type: "button", class: "quiet", text: "Show the wire", on: { click: show } }),
    ].filter(Boolean);
  }

  /** Draw what is there; a promise if some of it comes later, and what follows it then. */
  #draw() {
    const { answer } = this;
    const shown = answer.parts.filter((part) => part.type !== "source");
    let late = null;
    for (let index = 0; index < shown.length && !late; index += 1) {
      const part = shown[index];
      const known = (this.#views[index] ??= this.#add(part));
      late = known.view.update(part.type === "tool" ? part : part.text);
    }
    this.#data.update(answer.data);
    if (!answer.finish) this.element.setAttribute("aria-busy", "true");
    const isEmpty = !shown.length || (late && !this.#body.textContent);
    this.#stand(this.#isOver ? null : progressWords(answer.progress) ?? (isEmpty ? "Thinking…" : null), "status waiting");
    return late;
  }

  /** Show how the answer stands, in a line that is new: one that stays would jump as the answer above it grows. */
  #stand(words, kind, again) {
    if (!words && this.#status.hidden) return;
    const line = el("div", { class: kind, dir: "auto", hidden: !words }, words && el("span", { text: words }), again);
    this.#status.replaceWith(line);
    this.#status = line;
  }

  #add(part) {
    const view = VIEWS[part.type]({ grows: this.answer.finish !== "stored", answer: this.#on.goOn });
    this.#body.append(view.element);
    return { view, part };
  }
}

const WAITS = "This answer waits for you.";
const asked = (open) => open.map(({ name, approval }) => (approval ? `May ${name} run?` : `${name} has no result.`)).join(" ");
const INCOMPLETE = {
  stopped: "This answer was stopped.",
  interrupted: "This answer was interrupted.",
  stored: "This answer is incomplete.",
};
const CUT = { length: "The answer reached the length limit.", "content-filter": "The content filter stopped this answer." };

const VIEWS = {
  text: (how) => new MarkdownView(how),
  tool: (how) => new ToolView(how),
  reasoning(how) {
    const words = new MarkdownView(how);
    const element = el("details", { class: "reasoning" }, el("summary", {}, icon("chevron"), el("span", { text: "Reasoning" })), words.element);
    return { element, update: (text) => words.update(text), finish: () => words.finish() };
  },
};

/** The words for a `2:` line. */
function progressWords(progress) {
  if (!progress) return null;
  if (progress.type === "picture") return "Generating the image…";
  if (progress.type === "retry") return `The model is busy; trying again in ${Math.ceil(progress.waitSeconds)} s…`;
  if (progress.type === "context") return `The oldest messages (${progress.leftOut}) no longer fit into the model's context; answering without them…`;
  return "Working…";
}
