// Whether the server is there: asked quietly now and then, and often once it is gone.

import { announce } from "./announce.js";
import { notice } from "./notice.js";

const QUIET_MS = 15_000;
const GONE_MS = 1_500;

export class Presence {
  /** `back` is called once the server answers again. */
  constructor(back) {
    this.#back = back;
    this.#later(QUIET_MS);
    addEventListener("offline", () => this.gone());
    document.addEventListener("visibilitychange", () => !document.hidden && this.#ask());
  }

  #back;
  #timer = 0;
  #words = "";

  /** No answer came: say so, and ask until one does. */
  gone() {
    this.#say("The server is not answering. Nothing that was said is lost; this page goes on by itself once it is back.");
    this.#later(GONE_MS);
  }

  async #ask() {
    const words = await standing();
    if (words) this.#say(words);
    else if (this.#words) {
      this.#words = "";
      document.documentElement.classList.remove("gone");
      notice("The server is back.", { good: true });
      announce("The server is back.");
      this.#back();
    }
    this.#later(words ? GONE_MS : QUIET_MS);
  }

  #say(words) {
    if (words === this.#words) return;
    this.#words = words;
    document.documentElement.classList.add("gone");
    notice(words, { stays: true });
    announce(words);
  }

  #later(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (document.hidden && !this.#words ? this.#later(QUIET_MS) : this.#ask()), ms);
  }
}

/** Empty where the server can serve, else what to say of it. */
async function standing() {
  try {
    const response = await fetch("/readyz", { credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (response.ok) return "";
    return response.status === 503
      ? "The server is restarting. This page goes on by itself once it is back."
      : "The server is not well. This page goes on by itself once it is back.";
  } catch {
    return "The server is not answering. Nothing that was said is lost; this page goes on by itself once it is back.";
  }
}
