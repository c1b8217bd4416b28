// Files that go with a message: images and text, read into data: URLs, and documents, uploaded and read by the service.

import { isOver, standing } from "./documents.js";
import { el, icon } from "./dom.js";
import { attachmentOf } from "./files.js";
import { notice } from "./notice.js";
import { held, keepHeld } from "./words.js";

export class Attachments {
  /**
   * `strip` shows those of the conversation with the id `where()`. `upload(file, progress)` resolves to the row of a
   * document, or to null where none are taken; `refuse(file)` is called with a file that cannot be attached then,
   * `changed()` when there are more or fewer or one is further, `dropped()` when one is taken off.
   */
  constructor(strip, { where, upload, refuse, changed, dropped }) {
    this.#strip = strip;
    this.#on = { where, upload, refuse, changed, dropped };
  }

  #strip; #on;
  #all = new Map(); // of each conversation: {name, contentType, url}, or {name, file, id, row, share, isLost} of a document
  #rows = [];

  get #held() {
    const id = this.#on.where();
    if (!this.#all.has(id)) this.#all.set(id, this.#restored(id));
    return this.#all.get(id);
  }

  /** Those of before a reload, which ended the uploads that had not arrived. */
  #restored(id) {
    const kept = held(id);
    const lost = kept.filter((one) => !one.url && !one.id);
    if (lost.length) {
      this.#on.dropped(id);
      notice(`Not uploaded: ${lost.map(({ name }) => name).join(", ")}. Please attach it again.`);
    }
    return kept.filter((one) => !lost.includes(one)).map((one) => (one.id ? { ...one, row: this.#row(one) } : one));
  }

  get count() {
    return this.#held.length;
  }

  /** What has to happen before they can be sent, in words, or null. */
  get obstacle() {
    const chip = this.#held.find((one) => !one.url && one.row?.status !== "ready");
    return chip ? `${chip.name} has been ${chip.id ? "read" : "uploaded"}` : null;
  }

  /** Return `{attachments, documents}`, each `{name, …}`, and forget them all. */
  take() {
    const taken = this.#held.splice(0);
    this.#changed();
    return {
      attachments: taken.filter(({ url }) => url),
      documents: taken.filter(({ url }) => !url).map(({ id, name }) => ({ id, name })),
    };
  }

  /** Hold what `take` returned. */
  give({ attachments, documents = [] }) {
    this.#held.push(...attachments, ...documents.map((file) => ({ ...file, row: this.#row(file) })));
    this.#changed();
  }

  async add(files) {
    const mine = this.#held;
    for (const file of files) {
      const read = await attachmentOf(file);
      const chip = read ?? { name: file.name || "document", file, share: 0 };
      mine.push(chip);
      if (!read) this.#upload(chip);
    }
    this.#changed();
  }

  /** The server is back: upload what did not reach it. */
  again() {
    for (const chips of this.#all.values()) for (const chip of chips) if (chip.isLost) this.#upload(chip);
  }

  /** The files of the service, as they are now; those that failed or are gone cannot be sent. */
  update(rows) {
    this.#rows = rows;
    for (const chips of this.#all.values()) for (const chip of chips) if (chip.id) chip.row = this.#row(chip);
    this.#drop(isUseless);
  }

  #row({ id }) { return this.#rows.find((row) => row.id === id); }

  async #upload(chip) {
    chip.isLost = false;
    this.show();
    try {
      const row = await this.#on.upload(chip.file, (share) => {
        chip.share = share;
        this.show();
      });
      if (row) Object.assign(chip, { id: row.id, row });
      else this.#refuse(chip);
    } catch (error) {
      chip.isLost = !error.status;
      if (error.status) {
        this.#drop((one) => one === chip);
        notice(`${chip.name} was not uploaded. ${error.message}`);
      }
    }
    this.#changed();
  }

  #refuse(chip) {
    this.#drop((one) => one === chip);
    this.#on.refuse(chip.file);
  }

  #drop(isGone) {
    for (const [id, chips] of this.#all) {
      if (!chips.some(isGone)) continue;
      chips.splice(0, Infinity, ...chips.filter((chip) => !isGone(chip)));
      this.#on.dropped(id);
    }
    this.#changed();
  }

  #changed() {
    keepHeld(this.#on.where(), this.#held.map(({ name, contentType, url, id }) => ({ name, contentType, url, id })));
    this.show();
  }

  show() {
    const focused = [...this.#strip.children].findIndex((item) => item.contains(document.activeElement));
    this.#strip.hidden = !this.count;
    this.#strip.replaceChildren(...this.#held.map((one) => this.#item(one)));
    this.#strip.children[focused]?.querySelector("button").focus();
    this.#on.changed();
  }

  #item(one) {
    const isImage = one.contentType?.startsWith("image/");
    return el("li", { class: isImage ? "" : "file" },
      isImage ? el("img", { src: one.url, alt: "" }) : icon("file"),
      el("span", { class: "name", dir: "auto", text: one.name }),
      ...(one.url ? [] : progress(one)),
      el("button", { type: "button", class: "quiet", "aria-label": `Remove ${one.name}`, title: "Remove", on: { click: () => this.#drop((other) => other === one) } }, icon("close")));
  }
}

const isUseless = ({ id, row }) => id && (!row || row.status === "failed");

/** How far a document is. */
function progress(chip) {
  const { words, share } = standingOf(chip);
  const isDone = chip.isLost || (chip.row && isOver(chip.row));
  return [el("span", { class: "state", text: words }), isDone ? null : el("progress", { max: "1", value: share, "aria-label": `${chip.name}: ${words}` })].filter(Boolean);
}

function standingOf({ id, row, share, isLost }) {
  if (row) return standing(row);
  if (isLost) return { words: "not uploaded yet" };
  return id ? { words: "being read" } : { words: `uploading, ${Math.round(share * 100)} %`, share };
}
