// Files sent with a message: images and text, read into data: URLs. Other files are refused here.

import { el, icon } from "./dom.js";

const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const TEXT_BYTES = 1_000_000;

export class Attachments {
  /** `strip` shows the files; `refuse(file)` is called with a file that cannot be attached. */
  constructor(strip, refuse) {
    this.#strip = strip;
    this.#refuse = refuse;
  }

  #strip; #refuse;
  #held = [];

  get count() {
    return this.#held.length;
  }

  /** Return `{name, contentType, url}` of each file, and forget them all. */
  take() {
    const taken = this.#held;
    this.#held = [];
    this.#show();
    return taken;
  }

  /** Hold what `take` returned. */
  give(taken) {
    this.#held.push(...taken);
    this.#show();
  }

  async add(files) {
    for (const file of files) {
      const read = await attachmentOf(file);
      if (read) this.#held.push(read);
      else this.#refuse(file);
    }
    this.#show();
  }

  #show() {
    this.#strip.hidden = !this.#held.length;
    this.#strip.replaceChildren(...this.#held.map((held) =>
      el("li", { class: held.contentType.startsWith("image/") ? "" : "file" },
        held.contentType.startsWith("image/") ? el("img", { src: held.url, alt: "" }) : icon("file"),
        el("span", { class: "name", text: held.name }),
        el("button", {
          type: "button", class: "quiet", "aria-label": `Remove ${held.name}`, title: "Remove",
          on: { click: () => { this.#held = this.#held.filter((one) => one !== held); this.#show(); } },
        }, icon("close")))));
  }
}

/** An image or a text as `{name, contentType, url}`; null for any other file. */
async function attachmentOf(file) {
  const name = file.name || "attachment";
  if (IMAGES.includes(file.type)) return { name, contentType: file.type, url: await dataUrl(file) };
  if (file.size > TEXT_BYTES || file.type === "application/pdf") return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    if (text.includes("\0")) return null;
    const contentType = /^text\/[\w.+-]+$/.test(file.type) ? file.type : "text/plain";
    return { name, contentType, url: await dataUrl(new Blob([text], { type: contentType })) };
  } catch {
    return null;
  }
}

function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
