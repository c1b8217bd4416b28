// The documents and pages an answer cites. The service's own files need the login, so they are fetched and saved, not opened.

import { call } from "./api.js";
import { el } from "./dom.js";
import { safeLink } from "./markdown.js";
import { notice } from "./notice.js";

export class SourcesView {
  constructor() {
    this.#list = el("ol");
    this.element = el("section", { class: "sources", "aria-label": "Sources" }, el("h3", { text: "Sources" }), this.#list);
    this.element.hidden = true;
  }

  #list;
  #shown = 0;

  update(sources) {
    for (const source of sources.slice(this.#shown)) this.#list.append(el("li", { dir: "auto" }, link(source)));
    this.#shown = sources.length;
    this.element.hidden = !this.#shown;
  }
}

function link({ url = "", title }) {
  const words = title || url;
  const own = ownFile(url);
  if (own) return el("button", { type: "button", class: "link", text: words, on: { click: () => save(own, words) } });
  const href = safeLink(url);
  return href ? el("a", { href, target: "_blank", rel: "noopener noreferrer", text: words }) : el("span", { text: words });
}

function ownFile(url) {
  try {
    const { pathname } = new URL(url, location.href);
    return /^\/files\/[^/]+\/content$/.test(pathname) ? pathname : null;
  } catch {
    return null;
  }
}

async function save(path, name) {
  try {
    const url = URL.createObjectURL(await (await call(path)).blob());
    el("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    notice(error.message);
  }
}
