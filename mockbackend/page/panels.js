// The side panels: the list (on a phone), the wire and the emulator, of which one is shown.

import { byId } from "./dom.js";

const narrow = matchMedia("(max-width: 820px)");

export class Panels {
  /** `wireOpened()` is called when the wire panel opens, `mockShown(isOpen)` when the emulator's opens or shuts. */
  constructor(wireOpened, mockShown) {
    this.#wireOpened = wireOpened;
    this.#mockShown = mockShown;
    byId("menu").addEventListener("click", () => this.list(true));
    byId("shade").addEventListener("click", () => this.list(false));
    byId("shut-list").addEventListener("click", () => this.list(false));
    byId("wire-toggle").addEventListener("click", () => this.wire(byId("wire").hidden));
    byId("shut-wire").addEventListener("click", () => this.wire(false));
    byId("emulated").addEventListener("click", () => this.mock(byId("mock").hidden));
    byId("shut-mock").addEventListener("click", () => this.mock(false));
    narrow.addEventListener("change", () => {
      this.list(false, false);
      for (const name of ["wire", "mock"]) if (!byId(name).hidden) this.#aside(name, true);
    });
    this.list(false, false);
  }

  #wireOpened;
  #mockShown;

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
    if (shown && !byId("mock").hidden) this.mock(false, false);
    this.#aside("wire", shown);
    byId("wire-toggle").setAttribute("aria-pressed", String(shown));
    if (shown) this.#wireOpened();
    if (focus) byId(shown ? "shut-wire" : "wire-toggle").focus();
  }

  mock(shown, focus = true) {
    if (shown && !byId("wire").hidden) this.wire(false, false);
    this.#aside("mock", shown);
    byId("emulated").setAttribute("aria-pressed", String(shown));
    this.#mockShown(shown);
    if (focus) byId(shown ? "shut-mock" : "emulated").focus();
  }

  #aside(name, shown) {
    byId(name).hidden = !shown;
    // On a phone the panel covers the conversation.
    byId("main").inert = shown && narrow.matches;
    document.documentElement.classList.toggle("wire-open", shown);
  }

  /** Close the list if it covers the page; return whether it did. */
  shutList() {
    const open = document.documentElement.classList.contains("list-open");
    if (open) this.list(false);
    return open;
  }

  /** Close the panel beside the conversation. */
  shutAside() {
    if (!byId("wire").hidden) this.wire(false);
    if (!byId("mock").hidden) this.mock(false);
  }

  /** Close the emulator's panel where it covers the conversation. */
  uncover() {
    if (narrow.matches && !byId("mock").hidden) this.mock(false, false);
  }
}
