// Whether the server responds: checked now and then, and often while it does not.

import { announce } from "./announce.js";
import { notice } from "./notice.js";

const QUIET_MS = 15_000;
const GONE_MS = 1_500;

export class Presence {
  /** `back` is called once the server responds again. */
  constructor(back) {
    this.#back = back;
    this.#later(QUIET_MS);
    addEventListener("offline", () => this.gone());
    document.addEventListener("visibilitychange", () => !document.hidden && this.#ask());
  }

  #back;
  #timer = 0;
  #words = "";

  /** The server did not respond: say so, and ask until it does. */
  gone() {
    this.#say("The server is not responding. Your messages are safe; the page continues by itself once the server is back.");
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

/** An empty text if the server is ready, else what to say about it. */
async function standing() {
  try {
    const response = await fetch("/readyz", { credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (response.ok) return "";
    return response.status === 503
      ? "The server is restarting. The page continues by itself once it is back."
      : "The server has a problem. The page continues by itself once it is solved.";
  } catch {
    return "The server is not responding. Your messages are safe; the page continues by itself once the server is back.";
  }
}
