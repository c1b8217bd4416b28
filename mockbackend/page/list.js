// The list of conversations: open, pin, rename, delete, search, load more.

import { addressOf } from "./address.js";
import * as api from "./api.js";
import { ask } from "./ask.js";
import { byId, el, iconButton } from "./dom.js";
import { openMenu } from "./menu.js";
import { notice } from "./notice.js";
import { unsentConversations } from "./words.js";

const DAY = 86_400_000;

export class List {
  /** Callbacks: `open(id)` to open one, `gone(id)` after a deletion, `changed(row)` after a rename or a pin. */
  constructor({ open, gone, changed }) {
    this.#on = { open, gone, changed };
    this.#place = byId("list");
    // The next page is loaded before its place is in sight.
    this.#sight = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.#more(), { root: this.#place, rootMargin: "300px" });
    const field = byId("search");
    let timer = 0;
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#search(field.value.trim()), 200);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !field.value) return;
      event.stopPropagation();
      field.value = "";
      this.#search("");
    });
  }

  #on; #place; #sight;
  #rows = [];
  #next = null;
  #words = "";
  #current = null;
  #asked = 0;

  set current(id) {
    this.#current = id;
    for (const item of this.#place.querySelectorAll("[data-id]")) {
      const link = item.querySelector(".open");
      if (item.dataset.id === id) link?.setAttribute("aria-current", "page");
      else link?.removeAttribute("aria-current");
    }
  }

  /** Load again as many as are shown. */
  async refresh() {
    const number = (this.#asked += 1);
    try {
      const { rows, next } = await api.listed(this.#words, this.#rows.length);
      if (number !== this.#asked) return;
      this.#rows = rows;
      this.#next = next;
      this.#show();
    } catch (error) {
      if (error.status) notice(error.message);
      if (number === this.#asked) this.#show();
    }
  }

  /** The row of a conversation, if it is listed. */
  row(id) { return this.#rows.find((row) => row.id === id); }

  /** The conversations of which the server may have nothing yet: no other row leads there. */
  get #unsent() {
    return this.#words ? [] : unsentConversations().filter(({ id }) => !this.row(id));
  }

  #search(words) {
    this.#words = words;
    this.#rows = [];
    this.#place.scrollTop = 0;
    return this.refresh();
  }

  async #more() {
    const number = this.#asked;
    this.#sight.disconnect();
    try {
      const { rows, next } = await api.conversations(this.#next);
      if (number !== this.#asked) return;
      const first = this.#rows.length;
      const pressed = document.activeElement?.closest?.("#list .more");
      this.#rows.push(...rows.filter((row) => !this.#rows.some((known) => known.id === row.id)));
      this.#next = next;
      this.#show();
      if (pressed) this.#place.querySelectorAll(".open")[first]?.focus();
    } catch (error) {
      if (error.status) notice(error.message);
    }
  }

  #show() {
    if (this.#place.querySelector("input")) return; // a title is being edited
    const focused = document.activeElement?.closest?.("[data-id]")?.dataset.id;
    const groups = new Map();
    for (const row of [...this.#unsent, ...this.#rows]) {
      const name = this.#words ? "Found" : group(row);
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(row);
    }
    this.#place.replaceChildren(...[...groups].map(([name, rows]) =>
      el("section", { "aria-label": name }, el("h2", { text: name }), el("ul", {}, ...rows.map((row) => this.#item(row))))));
    if (!groups.size) this.#place.append(el("p", { class: "none", text: this.#words ? "Nothing found." : "No conversations yet." }));
    this.#sight.disconnect();
    if (this.#next) {
      const more = el("button", { type: "button", class: "plain more", text: "Show more", on: { click: () => this.#more() } });
      this.#place.append(more);
      this.#sight.observe(more);
    }
    this.current = this.#current;
    if (focused) this.#place.querySelector(`[data-id="${CSS.escape(focused)}"] .open`)?.focus({ preventScroll: true });
  }

  #item(row) {
    const open = el("a", {
      class: "open", href: addressOf(row.id), title: row.title, text: row.title, dir: "auto",
      on: {
        click: (event) => {
          // With a key it is a link like any other.
          if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
          event.preventDefault();
          this.#on.open(row.id);
        },
      },
    });
    const stored = [
      { label: row.is_pinned ? "Unpin" : "Pin", icon: "pin", act: () => this.#change(row, () => api.pin(row.id, !row.is_pinned)) },
      { label: "Rename", icon: "edit", act: () => this.#rename(item, row) },
    ];
    const more = iconButton("more", `Options for ${row.title}`, () => openMenu(more, [
      ...(row.updated_at ? stored : []),
      { label: "Delete", icon: "trash", danger: true, act: () => this.#delete(row) },
    ]), { "aria-haspopup": "menu", "aria-expanded": "false" });
    const item = el("li", { "data-id": row.id }, open, more);
    return item;
  }

  async #change(row, call) {
    try {
      this.#on.changed(await call());
    } catch (error) {
      notice(error.message);
    }
    await this.refresh();
    this.#place.querySelector(`[data-id="${CSS.escape(row.id)}"] .open`)?.focus();
  }

  #rename(item, row) {
    const field = el("input", { "aria-label": "New title", maxlength: "200", dir: "auto" });
    field.value = row.title;
    let done = false;
    const end = (keep) => {
      if (done) return;
      done = true;
      const title = field.value.trim();
      item.replaceWith(this.#item(row));
      if (keep && title && title !== row.title) this.#change(row, () => api.rename(row.id, title));
      else this.#place.querySelector(`[data-id="${CSS.escape(row.id)}"] .open`)?.focus();
    };
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) end(true);
      if (event.key === "Escape") {
        event.stopPropagation();
        end(false);
      }
    });
    field.addEventListener("blur", () => end(true));
    item.replaceChildren(field);
    field.select();
  }

  async #delete(row) {
    if (!(await ask(`Delete “${row.title}”?`, "This deletes its messages and images for good.", "Delete"))) return;
    try {
      await api.remove(row.id);
    } catch (error) {
      if (error.status !== 404) return notice(error.message);
    }
    this.#on.gone(row.id);
    return this.refresh();
  }
}

/** The heading under which a row is listed. */
function group(row) {
  if (!row.updated_at) return "Not sent yet";
  if (row.is_pinned) return "Pinned";
  const today = new Date().setHours(0, 0, 0, 0);
  if (row.updated_at >= today) return "Today";
  return row.updated_at >= today - DAY ? "Yesterday" : "Earlier";
}
