// The side panels: the list (on a phone) and the wire.

import { byId } from "./dom.js";

const narrow = matchMedia("(max-width: 820px)");

export class Panels {
  /** `wireOpened` is called when the wire panel opens. */
  constructor(wireOpened) {
    this.#wireOpened = wireOpened;
    byId("menu").addEventListener("click", () => this.list(true));
    byId("shade").addEventListener("click", () => this.list(false));
    byId("shut-list").addEventListener("click", () => this.list(false));
    byId("wire-toggle").addEventListener("click", () => this.wire(byId("wire").hidden));
    byId("shut-wire").addEventListener("click", () => this.wire(false));
    narrow.addEventListener("change", () => {
      this.list(false, false);
      this.wire(!byId("wire").hidden, false);
    });
    this.list(false, false);
  }

  #wireOpened;

  /** Show or hide the list; on a wide screen it is always visible. */
  list(shown, focus = true) {
    const drawn = shown && narrow.matches;
    document.documentElement.classList.toggle("list-open", drawn);
    byId("sidebar").inert = narrow.matches && !shown;
    byId("main").inert = drawn;
    byId("shade").hidden = !drawn;
    byId("menu").setAttribute("aria-expanded", String(drawn));
    if (narrow.matches && focus) byId(shown ? "search" : "menu").focus();
  }

  wire(shown, focus = true) {
    byId("wire").hidden = !shown;
    // On a phone the panel covers the conversation.
    byId("main").inert = shown && narrow.matches;
    byId("wire-toggle").setAttribute("aria-pressed", String(shown));
    document.documentElement.classList.toggle("wire-open", shown);
    if (shown) this.#wireOpened();
    if (focus) byId(shown ? "shut-wire" : "wire-toggle").focus();
  }

  /** Close the list if it covers the page; return whether it did. */
  shutList() {
    const open = document.documentElement.classList.contains("list-open");
    if (open) this.list(false);
    return open;
  }

  shutWire() {
    if (!byId("wire").hidden) this.wire(false);
  }
}
