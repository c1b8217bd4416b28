// Markdown text that grows while it is shown. Only the last block is parsed and drawn again.

import { colour, dress, grow } from "./code-block.js";
import { el } from "./dom.js";
import { ready, typeset } from "./formulas.js";
import { enlargeable, makeRoom, measured } from "./image-view.js";
import { blocks, imagesOf, render } from "./markdown.js";

// A block of code whose last line is its fence.
const CLOSED = /^ {0,3}(`{3,}|~{3,})[^]*\n {0,3}\1[`~]*[ \t]*\n*$/;

export class MarkdownView {
  /** A text that `grows` is drawn once its images have their sizes; one that is whole is not held up by them. */
  constructor({ grows = true } = {}) {
    this.element = el("div", { class: "markdown" });
    this.#grows = grows;
    this.#drawn = [];
    this.#text = "";
    this.#tail = 0;
  }

  #grows;
  #drawn; // {raw, type, node} of each block
  #text;
  #tail; // where the last block begins in the text
  #waiting = null; // until formulas can be typeset, and images have their sizes: neither jumps
  #coloured = 0; // how many blocks are complete, their code in colours

  /** Show a text that starts with the text shown before; a promise if that comes later. */
  update(whole) {
    const text = whole.replace(/\r\n?/g, "\n");
    if (text !== this.#text) {
      if (!text.startsWith(this.#text)) this.#clear();
      this.#text = text;
      if (!this.#waiting) this.#grow();
    }
    return this.#waiting;
  }

  #grow() {
    const kept = Math.max(0, this.#drawn.length - 1);
    const tail = this.#text.slice(this.#tail);
    const late = [ready(tail), this.#grows ? measured(imagesOf(tail)) : null].filter(Boolean);
    if (!late.length) return this.#draw(kept, blocks(tail));
    this.#waiting = Promise.all(late).then(() => {
      this.#waiting = null;
      this.#grow();
    });
    return undefined;
  }

  /** The text is complete, and all of it drawn: link definitions at its end may change what comes before. */
  finish() {
    const tokens = blocks(this.#text);
    if (Object.keys(tokens.links).length) {
      this.#clear(this.#text);
      this.#draw(0, tokens);
    }
    this.#colour(this.#drawn.length);
  }

  #draw(from, tokens) {
    const shown = tokens.filter((token) => token.type !== "space" && token.type !== "def");
    const fresh = [];
    shown.forEach((token, index) => {
      const before = this.#drawn[from + index];
      if (before && before.raw === token.raw) return;
      if (before?.type === "code" && token.type === "code" && before.lang === token.lang) {
        grow(before.node.querySelector("code"), token.text);
        before.raw = token.raw;
        return;
      }
      fresh.push({ token, place: from + index });
    });
    render(fresh.map(({ token }) => token)).forEach((node, index) => {
      const { token, place } = fresh[index];
      const before = this.#drawn[place];
      node.querySelectorAll("pre").forEach(dress);
      node.querySelectorAll("table").forEach((table) => {
        const frame = el("div", { class: "table", tabindex: "0", role: "group", "aria-label": "Table" });
        table.replaceWith(frame);
        frame.append(table);
      });
      node.querySelectorAll("img").forEach((image) => {
        makeRoom(image);
        enlargeable(image);
      });
      typeset(node);
      if (before) before.node.replaceWith(node);
      else this.element.append(node);
      this.#drawn[place] = { raw: token.raw, type: token.type, lang: token.lang, node };
    });
    for (const gone of this.#drawn.splice(from + shown.length)) gone.node.remove();
    let after = 0;
    for (let index = tokens.length - 1; index >= 0; index -= 1) {
      after += tokens[index].raw.length;
      if (tokens[index] === shown.at(-1)) break;
    }
    if (shown.length) this.#tail = this.#text.length - after;
    const last = shown.at(-1);
    this.#colour(this.#drawn.length - (last?.type === "code" && CLOSED.test(last.raw) ? 0 : 1));
  }

  #colour(until) {
    for (; this.#coloured < until; this.#coloured += 1) this.#drawn[this.#coloured].node.querySelectorAll("figure.code").forEach(colour);
  }

  #clear(text = "") {
    this.#drawn = [];
    this.element.replaceChildren();
    this.#text = text;
    this.#tail = 0;
    this.#coloured = 0;
  }
}
