// The wire panel: a request, and the raw lines of its stream with their times.

import { copyButton } from "./copy.js";
import { curlOf } from "./curl.js";
import { byId, el } from "./dom.js";
import { Recording, isWords } from "./recordings.js";
import { session } from "./session.js";

const CHUNK = 200; // rows that the browser lays out together

export class Wire {
  constructor() {
    this.#rows = byId("wire-lines");
    this.#rows.addEventListener("scroll", () => {
      const { scrollTop, scrollHeight, clientHeight } = this.#rows;
      this.#pinned = scrollHeight - scrollTop - clientHeight < 40;
    }, { passive: true });
    byId("wire-tools").append(
      copyButton(() => (this.#recording ? curlOf(this.#recording.request, session(), location.origin) : ""), "Copy as curl", "curl"),
      copyButton(() => this.#listed.map(({ line }) => `${line}\n`).join(""), "Copy the lines", "Lines"),
    );
    byId("wire-words").addEventListener("change", () => this.#again());
    byId("wire-framing").addEventListener("change", () => this.#say());
  }

  #rows;
  #recording = null;
  #read = 0; // lines of the recording that have been looked at
  #shown = 0;
  #frame = 0;
  #pinned = true;

  /** The framing in which answers are to come: the UI message stream, or the data stream as assistant-ui has it, which can ask for approval. */
  get framing() {
    return byId("wire-framing").value;
  }


  /** A request starts: show what it brings. */
  begin(request) {
    const recording = new Recording(request, () => this.changed());
    this.show(recording);
    return recording;
  }

  /** Show a recording from its first line, and what is added to it. */
  show(recording) {
    this.#recording = recording;
    const { method, path, body } = recording.request;
    byId("wire-request").textContent = `${method} ${path}`;
    byId("wire-sent").hidden = body === undefined;
    byId("wire-body").textContent = body === undefined ? "" : JSON.stringify(body, shortened, 2);
    byId("wire-empty").hidden = true;
    byId("wire-tools").hidden = false;
    this.#again();
  }

  /** Lines were added to the recording, or the panel has been opened. */
  changed() {
    if (byId("wire").hidden) return;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  get #listed() {
    const lines = this.#recording?.lines ?? [];
    return byId("wire-words").checked ? lines : lines.filter(({ line }) => !isWords(line));
  }

  #again() {
    this.#read = this.#shown = 0;
    this.#pinned = true;
    this.#rows.replaceChildren();
    this.changed();
  }

  #draw() {
    if (!this.#recording) return this.#say();
    const { lines } = this.#recording;
    const added = lines.slice(this.#read).filter(({ line }) => byId("wire-words").checked || !isWords(line));
    this.#read = lines.length;
    for (let from = 0; from < added.length;) {
      let chunk = this.#rows.lastElementChild;
      if (!chunk || chunk.childElementCount >= CHUNK) {
        chunk = el("ol", { start: String(this.#shown + 1) });
        this.#rows.append(chunk);
      }
      const until = Math.min(added.length, from + CHUNK - chunk.childElementCount);
      chunk.append(...added.slice(from, until).map(row));
      this.#shown += until - from;
      from = until;
    }
    if (this.#pinned) this.#rows.scrollTop = this.#rows.scrollHeight;
    return this.#say();
  }

  #say() {
    const lines = this.#recording?.lines ?? [];
    const hidden = lines.length - this.#shown;
    const count = `${lines.length} ${lines.length === 1 ? "line" : "lines"}${hidden > 0 && !byId("wire-words").checked ? `, ${hidden} of words hidden` : ""}`;
    byId("wire-count").textContent = lines.length ? `${count} · ${seconds(lines.at(-1).ms)} s` : this.#recording ? "waiting…" : "";
    const differs = lines.length > 0 && lines[0].line.startsWith("data:") !== (this.framing === "ui");
    byId("wire-next").hidden = !differs;
  }
}

/** What nobody reads on a screen, such as an image, is cut. */
const shortened = (_, value) => (typeof value === "string" && value.length > 2000 ? `${value.slice(0, 200)}… (${value.length} characters)` : value);

const seconds = (ms) => (ms / 1000).toFixed(3);

function row({ line, ms }) {
  return el("li", {}, el("time", { text: seconds(ms) }), el("code", {}, el("b", { text: line.slice(0, line.indexOf(":") + 1) }), line.slice(line.indexOf(":") + 1)));
}
