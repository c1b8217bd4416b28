// The user's message: text, attachments, and an editor.

import { copyButton } from "./copy.js";
import { el, icon } from "./dom.js";
import { enlargeable } from "./image-view.js";
import { ownImage } from "./markdown.js";
import { edited, keepEdit } from "./words.js";

export class QuestionView {
  /**
   * `message` is `{id, text, attachments, documents}`; `edit(text)` sends it again with a new text and returns whether it can,
   * `takeBack()` takes a waiting one away.
   */
  constructor(message, { edit, takeBack }) {
    this.message = message;
    this.#edit = edit;
    this.#takeBack = takeBack;
    this.#article = el("article", { "aria-label": "You" });
    this.element = el("li", { class: "message question" }, this.#article);
    if (edited(message.id) === undefined) this.#show();
    else this.#write(edited(message.id));
  }

  #edit; #takeBack; #article;
  #state = "";

  /** "unsent", "unsent edit" or "waiting" if the server does not have it, else "". */
  set state(state) {
    if (state === this.#state) return;
    this.#state = state;
    if (!this.#article.querySelector(".editor")) this.#show();
  }

  /** Stand in another list. Who writes here writes on. */
  moveTo(list, next) {
    const focused = this.element.contains(document.activeElement) ? document.activeElement : null;
    list.insertBefore(this.element, next);
    focused?.focus({ preventScroll: true });
  }

  #show() {
    const { text, attachments, documents = [] } = this.message;
    const files = [...attachments, ...documents];
    this.#article.replaceChildren(
      ...(files.length ? [el("ul", { class: "attachments", "aria-label": "Attachments" }, ...files.map(attachment))] : []),
      ...(text ? [el("div", { class: "bubble", dir: "auto", text })] : []),
      ...this.#standing(),
      el("div", { class: "actions" },
        copyButton(() => text, "Copy message"),
        el("button", { type: "button", class: "quiet", "aria-label": "Edit message", title: "Edit message", on: { click: () => this.#write() } }, icon("edit"))),
    );
  }

  #standing() {
    if (!this.#state) return [];
    const isWaiting = this.#state === "waiting";
    return [el("p", { class: isWaiting ? "hint waits" : "hint waits unsent" },
      el("span", { text: isWaiting ? "Waiting for the answer to end" : "Not sent" }),
      this.#state !== "unsent edit" && el("button", { type: "button", class: "link", text: "Take back", on: { click: () => this.#takeBack() } }))];
  }

  #write(words = this.message.text) {
    const area = el("textarea", { "aria-label": "Edit your message", rows: "3", dir: "auto" });
    area.value = words;
    const { id } = this.message;
    const back = () => {
      keepEdit(id, undefined);
      this.#show();
      this.#article.querySelector("[aria-label='Edit message']").focus();
    };
    const send = () => {
      const text = area.value.trim();
      if (!text && !this.message.attachments.length) return;
      if (!this.#edit(text)) return;
      keepEdit(id, undefined);
      this.#show();
    };
    area.addEventListener("input", () => keepEdit(id, area.value));
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") back();
      else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.#article.replaceChildren(
      el("div", { class: "editor" }, area,
        el("div", { class: "buttons" },
          el("p", { class: "hint", text: this.#state === "waiting" ? "" : "Sending this replaces everything below it." }),
          el("button", { type: "button", class: "plain", text: "Cancel", on: { click: back } }),
          el("button", { type: "button", class: "solid", text: "Send", on: { click: send } }))));
    if (this.element.isConnected) area.focus();
  }
}

function attachment({ name, contentType = "", url = "" }) {
  const source = url.startsWith("data:image/") ? url : ownImage(url);
  if (contentType.startsWith("image/") && source) {
    const item = el("li", {}, el("img", { src: source, alt: name }));
    enlargeable(item.firstChild);
    return item;
  }
  return el("li", { class: "file" }, icon("file"), el("span", { dir: "auto", text: name }));
}
