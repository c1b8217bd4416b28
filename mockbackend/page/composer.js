// The message box: text, mode, attachments, send and stop.

import { announce } from "./announce.js";
import { Attachments } from "./attachments.js";
import { byId } from "./dom.js";
import { notice } from "./notice.js";
import { draft, isDue, keepDraft, keepDue } from "./words.js";

export class Composer {
  /**
   * `send({text, mode, attachments, documents})`, `stop()`; `upload(file, progress)` resolves to the row of a document,
   * or to null where none are taken; `where()` is the id of the conversation that a draft belongs to, `opening()` whether that takes no message yet.
   */
  constructor({ send, stop, upload, where, opening }) {
    this.#send = send;
    this.#where = where;
    this.#opening = opening;
    this.#stop = stop;
    this.#area = byId("message");
    this.#form = byId("composer");
    this.#attachments = new Attachments(byId("attached"), {
      where, upload,
      refuse: (file) => notice(`${file.name} cannot be attached. Choose an image (PNG, JPEG, GIF or WebP) or a text file.`),
      changed: () => this.ready(),
      dropped: (id) => keepDue(id, false),
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#area.addEventListener("input", () => this.#changed());
    byId("later").querySelector("button").addEventListener("click", () => {
      this.#changed();
      this.focus();
    });
    this.#area.addEventListener("paste", (event) => {
      if (!event.clipboardData.files.length) return;
      event.preventDefault();
      this.attach(event.clipboardData.files);
    });
    byId("stop").addEventListener("click", () => this.#stop());
    byId("attach").addEventListener("click", () => byId("file").click());
    byId("file").addEventListener("change", (event) => {
      this.attach(event.target.files);
      event.target.value = "";
    });
    byId("modes").addEventListener("change", () => this.#modeChanged());
  }

  #send; #stop; #where; #opening; #area; #form; #attachments;
  #running = false;

  get mode() {
    return this.#form.elements.mode.value;
  }

  set mode(mode) {
    this.#form.elements.mode.value = mode;
    this.#modeChanged();
  }

  set running(running) {
    const focused = document.activeElement === byId("stop");
    this.#running = running;
    byId("stop").hidden = !running;
    this.ready();
    if (focused) this.focus();
  }

  set images(possible) {
    byId("modes").hidden = !possible;
    if (!possible) this.mode = "chat";
  }

  focus() {
    this.#area.focus();
  }

  /** Fill in text as if it had been typed. */
  write(text) {
    this.#area.value = text;
    this.#changed();
    this.focus();
  }

  /** Show the draft of the conversation that is open now. */
  restore() {
    this.#area.value = draft(this.#where());
    this.#fit();
    this.#attachments.show();
  }

  /** Put a line for the mock at the start of the message, in place of those that are there. */
  ask(line) {
    const message = this.#area.value.replace(/^(\/mock\b[^\n]*(\n|$))*/, "");
    this.write(`${line}\n${message}`);
  }

  /** Put a message that was not sent back into the box, before what stands there. */
  takeBack({ text, attachments, documents }, mode) {
    keepDue(this.#where(), false);
    this.mode = mode;
    this.#attachments.give({ attachments, documents });
    this.write([text, this.#area.value].filter(Boolean).join("\n"));
  }

  /** Send what waited for its conversation and its documents, if they are there by now. */
  ready() {
    this.#sendable();
    if (isDue(this.#where()) && !this.#attachments.obstacle) this.#submit();
  }

  /** The documents of the service, as they are now. */
  documents(rows) {
    this.#attachments.update(rows);
  }

  /** The server is back. */
  back() {
    this.#attachments.again();
  }

  async attach(files) {
    if (this.mode === "image") this.mode = "chat";
    await this.#attachments.add([...files]);
    this.focus();
  }

  #submit() {
    const text = this.#area.value.trim();
    if (!text && !this.#attachments.count) return;
    if (this.#opening()) {
      // It goes once the conversation is there.
      keepDue(this.#where(), true);
      return;
    }
    if (this.#attachments.obstacle) {
      keepDue(this.#where(), true);
      this.#sendable();
      announce(byId("later").firstElementChild.textContent);
      return;
    }
    const { mode } = this;
    this.#area.value = "";
    this.#changed();
    this.#send({ text, mode, ...this.#attachments.take() });
    // An image is asked for once; the next words are for the chat again.
    this.mode = "chat";
  }

  /** While an answer runs, the button is there for what can wait for its end. */
  #sendable() {
    const send = byId("send");
    send.hidden = this.#running && !this.#area.value.trim() && !this.#attachments.count;
    const { obstacle } = this.#attachments;
    byId("later").hidden = !obstacle || !isDue(this.#where());
    byId("later").firstElementChild.textContent = `This message is sent once ${obstacle}.`;
    const words = this.#running ? "Send when the answer ends" : "Send";
    send.setAttribute("aria-label", words);
    send.title = `${words} (Enter)`;
  }

  #modeChanged() {
    const image = this.mode === "image";
    this.#area.placeholder = image ? "Describe an image" : "Write a message";
    byId("attach").hidden = image;
    if (image && this.#attachments.count) {
      keepDue(this.#where(), false);
      this.#attachments.take();
      notice("Images are generated from text alone, so the attachments were removed.");
    }
  }

  /** What is being changed is not to go by itself. */
  #changed() {
    keepDue(this.#where(), false);
    keepDraft(this.#where(), this.#area.value);
    this.#fit();
    this.#sendable();
  }

  #fit() {
    this.#area.style.height = "auto";
    this.#area.style.height = `${Math.min(this.#area.scrollHeight, innerHeight * 0.4)}px`;
  }
}
