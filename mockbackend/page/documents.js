// Documents that answers can cite: uploaded, and indexed by the service. Hidden if the service has no /files.

import * as api from "./api.js";
import { ask } from "./ask.js";
import { announce } from "./announce.js";
import { byId, el, icon, iconButton } from "./dom.js";
import { notice } from "./notice.js";
import { upload } from "./upload.js";

const POLL_MS = [200, 1500]; // at first, and at last
const FOLDED = "mockbackend.documents";
const low = matchMedia("(max-height: 560px)");

export const isOver = ({ status }) => ["ready", "failed"].includes(status);

/** How far the service is with a file. */
export const standing = ({ status, done, total }) => ({
  words: { queued: "waiting to be read", extracting: "being read", embedding: "being read" }[status] ?? status,
  share: status === "embedding" && total ? done / total : undefined,
});

export class Documents {
  #changed;
  #offered = Promise.resolve(false);
  #timer = 0;
  #pause = 0;
  #uploads = new Map(); // file: share sent
  #own = new Set(); // ids of the files that were uploaded here
  #read = new Set(); // ids of the files that were seen before they were read
  #rows = [];
  #asked = 0;

  /** `changed(rows)` is called with the files after each look. */
  constructor(changed) {
    this.#changed = changed;
    byId("upload").addEventListener("click", () => byId("document").click());
    byId("document").addEventListener("change", (event) => {
      for (const file of event.target.files) this.take(file).catch((error) => notice(`${file.name} was not uploaded. ${error.message}`));
      event.target.value = "";
    });
    byId("documents-fold").addEventListener("click", () => {
      const folded = !byId("document-body").hidden;
      if (!low.matches) localStorage.setItem(FOLDED, folded ? "folded" : "open");
      this.#fold(folded);
    });
    low.addEventListener("change", () => this.#fold(startsFolded()));
    this.#fold(startsFolded());
  }

  /** Find out whether the service takes files. */
  async begin() {
    this.#offered = api.offers("/files").catch(() => false);
    const offered = await this.#offered;
    byId("documents").hidden = !offered;
    if (offered) await this.#look();
  }

  /**
   * Upload a file; resolve to its row, or to null if the service takes no files. Waits until that is known.
   * `progress(share)` hears how much of it has been sent.
   */
  async take(file, progress = () => {}) {
    if (!(await this.#offered)) return null;
    const heard = (share) => {
      this.#uploads.set(file, share);
      this.#show();
      progress(share);
    };
    heard(0);
    try {
      const row = await upload(file, heard);
      this.#own.add(row.id);
      this.#read.add(row.id);
      return row;
    } finally {
      this.#uploads.delete(file);
      this.#pause = 0;
      this.#look();
    }
  }

  /** Responses may arrive out of order; only the one to the latest request counts. */
  async #look() {
    clearTimeout(this.#timer);
    const number = ++this.#asked;
    let rows = this.#rows;
    try {
      rows = await (await api.call("/files")).json();
    } catch (error) {
      if (error.status) notice(error.message);
    }
    if (number !== this.#asked) return;
    this.#tell(rows.filter(({ id, status }) => status === "failed" && this.#read.delete(id)));
    for (const row of rows) if (!isOver(row)) this.#read.add(row.id);
    this.#rows = rows;
    this.#show();
    this.#changed(rows);
    this.#pause = Math.min(Math.max(POLL_MS[0], 1.5 * this.#pause), POLL_MS[1]);
    if (rows.some((row) => !isOver(row))) this.#timer = setTimeout(() => this.#look(), this.#pause);
  }

  /** Say what could not be read. Its row says nothing else, so those of this page go. */
  #tell(failed) {
    if (!failed.length) return;
    const words = failed.map(({ name, error }) => `${name} cannot be read. ${error}`).join("\n");
    notice(words);
    announce(words);
    for (const { id } of failed) if (this.#own.delete(id)) this.#delete(id).catch(() => {});
  }

  #delete(id) {
    return api.call(`/files/${encodeURIComponent(id)}`, { method: "DELETE" });
  }

  #fold(folded) {
    byId("document-body").hidden = folded;
    byId("documents-fold").setAttribute("aria-expanded", String(!folded));
  }

  #show() {
    const shown = this.#rows.filter(({ status }) => status !== "failed");
    const sending = [...this.#uploads].map(([{ name }, share]) => entry(name, `uploading, ${Math.round(share * 100)} %`, share));
    byId("document-count").textContent = sending.length + shown.length || "";
    const focused = document.activeElement?.closest?.("#document-list li")?.dataset.id;
    byId("document-list").replaceChildren(...sending, ...shown.map((row) => this.#item(row)));
    if (focused) byId("document-list").querySelector(`[data-id="${CSS.escape(focused)}"] button`)?.focus({ preventScroll: true });
  }

  #item(row) {
    const { words, share } = standing(row);
    const item = entry(row.name, row.notice ? `${words}. ${row.notice}` : words, isOver(row) ? null : share);
    item.dataset.id = row.id;
    item.append(iconButton("trash", `Delete ${row.name}`, async () => {
      if (!(await ask(`Delete “${row.name}”?`, "Answers can no longer draw on it.", "Delete"))) return;
      await this.#delete(row.id).catch((error) => error.status === 404 || notice(error.message));
      await this.#look();
    }));
    return item;
  }
}

/** On a low screen the conversations need the room. */
function startsFolded() {
  return low.matches || localStorage.getItem(FOLDED) === "folded";
}

/** One row of the list; without a bar if `share` is null. */
function entry(name, state, share) {
  const bar = share === null ? null : el("progress", { max: "1", value: share, "aria-label": `${name}: ${state}` });
  return el("li", {}, icon("file"), el("span", { class: "document-name", title: name, dir: "auto", text: name }), el("span", { class: "document-state", text: state }), bar);
}
