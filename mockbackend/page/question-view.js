// The user's message: text, attachments, and an editor.

import { copyButton } from "./copy.js";
import { el, icon } from "./dom.js";
import { ownImage } from "./markdown.js";

export class QuestionView {
  /** `message` is `{id, text, attachments}`; `edit(text)` sends it again with a new text. */
  constructor(message, { edit }) {
    this.message = message;
    this.#edit = edit;
    this.#article = el("article", { "aria-label": "You" });
    this.element = el("li", { class: "message question" }, this.#article);
    this.#show();
  }

  #edit; #article;
  #unsent = false;

  /** Whether the server does not have it; it is marked then. */
  set unsent(unsent) {
    if (unsent === this.#unsent) return;
    this.#unsent = unsent;
    this.#show();
  }

  #show() {
    const { text, attachments } = this.message;
    this.#article.replaceChildren(
      ...(attachments.length ? [el("ul", { class: "attachments", "aria-label": "Attachments" }, ...attachments.map(attachment))] : []),
      ...(text ? [el("div", { class: "bubble", text })] : []),
      ...(this.#unsent ? [el("p", { class: "hint unsent", text: "Not sent" })] : []),
      el("div", { class: "actions" },
        copyButton(() => text, "Copy message"),
        el("button", { type: "button", class: "quiet", "aria-label": "Edit message", title: "Edit message", on: { click: () => this.#write() } }, icon("edit"))),
    );
  }

  #write() {
    const area = el("textarea", { "aria-label": "Edit your message", rows: "3" });
    area.value = this.message.text;
    const back = () => {
      this.#show();
      this.#article.querySelector("[aria-label='Edit message']").focus();
    };
    const send = () => {
      const text = area.value.trim();
      if (!text && !this.message.attachments.length) return;
      this.message.text = text;
      this.#show();
      this.#edit(text);
    };
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
          el("p", { class: "hint", text: "Sending this replaces everything below it." }),
          el("button", { type: "button", class: "plain", text: "Cancel", on: { click: back } }),
          el("button", { type: "button", class: "solid", text: "Send", on: { click: send } }))));
    area.focus();
  }
}

function attachment({ name, contentType, url }) {
  const source = url.startsWith("data:image/") ? url : ownImage(url);
  if (contentType.startsWith("image/") && source) return el("li", {}, el("img", { src: source, alt: name }));
  return el("li", { class: "file" }, icon("file"), el("span", { text: name }));
}
