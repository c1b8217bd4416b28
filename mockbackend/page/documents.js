// Documents that answers can cite: uploaded with progress and indexed by the service. Hidden if the service has no /files.

import * as api from "./api.js";
import { byId, el, icon, iconButton } from "./dom.js";
import { notice } from "./notice.js";
import { headersOf, session } from "./session.js";

const POLL_MS = 1500;

export class Documents {
  #offered = Promise.resolve(false);
  #timer = 0;
  #uploads = new Map(); // name: fraction sent

  constructor() {
    byId("upload").addEventListener("click", () => byId("document").click());
    byId("document").addEventListener("change", (event) => {
      for (const file of event.target.files) this.take(file);
      event.target.value = "";
    });
  }

  /** Find out whether the service takes files. */
  async begin() {
    this.#offered = api.offers("/files").catch(() => false);
    const offered = await this.#offered;
    byId("documents").hidden = !offered;
    if (offered) await this.#refresh();
  }

  /** Upload a file; resolve to false if the service takes no files. Waits until that is known. */
  async take(file) {
    if (!(await this.#offered)) return false;
    this.#upload(file).catch((error) => notice(error.message));
    return true;
  }

  /** XMLHttpRequest reports upload progress; fetch does not. */
  #upload(file) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const over = (error) => {
        this.#uploads.delete(file.name);
        this.#refresh();
        if (error) reject(error);
        else resolve();
      };
      request.open("POST", "/files");
      for (const [name, value] of Object.entries(headersOf(session()))) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded, total }) => {
        this.#uploads.set(file.name, loaded / total);
        this.#show();
      };
      request.onload = () => over(request.status < 300 ? null : new Error(words(request)));
      request.onerror = () => over(new Error(`${file.name} could not be uploaded. Check the connection and try again.`));
      const body = new FormData();
      body.append("file", file);
      this.#uploads.set(file.name, 0);
      this.#show();
      request.send(body);
    });
  }

  #rows = [];
  #asked = 0;

  /** Responses may arrive out of order; only the one to the latest request counts. */
  async #refresh() {
    clearTimeout(this.#timer);
    const number = ++this.#asked;
    try {
      const rows = await (await api.call("/files")).json();
      if (number !== this.#asked) return;
      this.#rows = rows;
    } catch (error) {
      notice(error.message);
    }
    this.#show();
    if (this.#rows.some((row) => !["ready", "failed"].includes(row.status))) this.#timer = setTimeout(() => this.#refresh(), POLL_MS);
  }

  #show() {
    const sending = [...this.#uploads].map(([name, share]) => entry(name, `uploading, ${Math.round(share * 100)} %`, share));
    byId("document-list").replaceChildren(...sending, ...this.#rows.map((row) => this.#item(row)));
  }

  #item(row) {
    const busy = !["ready", "failed"].includes(row.status);
    const share = row.total ? row.done / row.total : undefined;
    const words = row.status === "failed" ? row.error : row.notice ? `${row.status}. ${row.notice}` : row.status;
    const item = entry(row.name, words, busy ? share : null);
    item.append(iconButton("trash", `Delete ${row.name}`, async () => {
      await api.call(`/files/${encodeURIComponent(row.id)}`, { method: "DELETE" }).catch((error) => notice(error.message));
      await this.#refresh();
    }));
    return item;
  }
}

/** One row of the list; without a bar if `share` is null. */
function entry(name, state, share) {
  const bar = share === null ? null : el("progress", { max: "1", value: share, "aria-label": `${name}: ${state}` });
  return el("li", {}, icon("file"), el("span", { class: "document-name", title: name, text: name }), el("span", { class: "document-state", text: state }), bar);
}

function words(request) {
  try {
    return JSON.parse(request.responseText).error.message;
  } catch {
    return `The server responded with status ${request.status}.`;
  }
}
