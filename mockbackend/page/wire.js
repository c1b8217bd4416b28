// The wire panel: the raw lines of the stream, with their times.

import { copyButton } from "./copy.js";
import { curlOf } from "./curl.js";
import { byId, el } from "./dom.js";
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
      copyButton(() => (this.#request ? curlOf(this.#request, session(), location.origin) : ""), "Copy as curl", "curl"),
      copyButton(() => this.#lines.map(({ line }) => `${line}\n`).join(""), "Copy the lines", "Lines"),
    );
  }

  #rows;
  #request = null;
  #lines = [];
  #shown = 0;
  #began = 0;
  #frame = 0;
  #pinned = true;

  /** A request starts: show its stream from now on. */
  begin(request) {
    this.#request = request;
    this.#lines = [];
    this.#shown = 0;
    this.#began = performance.now();
    this.#pinned = true;
    this.#rows.replaceChildren();
    byId("wire-request").textContent = `${request.method} ${request.path}`;
    byId("wire-empty").hidden = true;
    byId("wire-tools").hidden = false;
    this.#later();
  }

  add(lines, at) {
    for (const line of lines) this.#lines.push({ line, ms: at - this.#began });
    this.#later();
  }

  /** Draw what arrived while the panel was closed. */
  opened() {
    this.#later();
  }

  #later() {
    if (byId("wire").hidden) return;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    while (this.#shown < this.#lines.length) {
      let chunk = this.#rows.lastElementChild;
      if (!chunk || chunk.childElementCount >= CHUNK) {
        chunk = el("ol", { start: String(this.#shown + 1) });
        this.#rows.append(chunk);
      }
      const until = Math.min(this.#lines.length, this.#shown + CHUNK - chunk.childElementCount);
      chunk.append(...this.#lines.slice(this.#shown, until).map(row));
      this.#shown = until;
    }
    const count = this.#lines.length;
    byId("wire-count").textContent = count ? `${count} ${count === 1 ? "line" : "lines"} · ${seconds(this.#lines.at(-1).ms)} s` : "waiting…";
    if (this.#pinned) this.#rows.scrollTop = this.#rows.scrollHeight;
  }
}

const seconds = (ms) => (ms / 1000).toFixed(3);

function row({ line, ms }) {
  return el("li", {}, el("time", { text: seconds(ms) }), el("code", {}, el("b", { text: line.slice(0, line.indexOf(":") + 1) }), line.slice(line.indexOf(":") + 1)));
}
