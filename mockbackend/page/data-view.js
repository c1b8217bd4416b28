// The data that tools show beside an answer's words, as JSON under its name.

import { el } from "./dom.js";

export class DataView {
  constructor() {
    this.#list = el("dl");
    this.element = el("section", { class: "data", "aria-label": "Data", hidden: true }, this.#list);
  }

  #list;
  #shown = [];

  /** Show these parts, `{name, data}`; one that has been replaced stands where it stood. */
  update(parts) {
    for (const [index, part] of parts.entries()) {
      const known = (this.#shown[index] ??= this.#add(part));
      if (known.part === part) continue;
      known.part = part;
      known.block.textContent = JSON.stringify(part.data, null, 2);
    }
    this.element.hidden = !parts.length;
  }

  #add({ name }) {
    const block = el("pre", { tabindex: "0", "aria-label": name, dir: "auto" });
    this.#list.append(el("dt", { text: name }), el("dd", {}, block));
    return { part: null, block };
  }
}
