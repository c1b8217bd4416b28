// The emulator's panel: what can be asked of it, the rules that are loaded, and the journal, live.

import * as api from "./api.js";
import { byId, el } from "./dom.js";
import { notice } from "./notice.js";
import { session } from "./session.js";

const REST_MS = 1000; // between two looks at the journal, at least
const SHARE = 10; // a look may take a tenth of the time
const ENTRIES = 100; // the newest, which are shown

// A fault as a line says it, with numbers to be changed.
const EXAMPLES = {
  status: "status 429 retry_after 1", delay: "delay 3", cut: "cut 3", end: "end 3", hold: "hold 3", split: "split 3",
  silence: "silence after 3 seconds 20", repeat: "repeat 2", late_error: "late_error 3", drop: "drop tool_result",
  unknown_line: "unknown_line 2", buffered: "buffered",
};

export class Mock {
  /** `ask(line)` puts a line at the start of the message. */
  constructor(ask) {
    this.#ask = ask;
  }

  #ask;
  #timer = 0;
  #isOpen = false;
  #drawn = "";

  /** The panel has been opened or shut. */
  async show(isOpen) {
    this.#isOpen = isOpen;
    clearTimeout(this.#timer);
    if (!isOpen) return;
    if (!byId("mock-corners").childElementCount) await this.#list().catch(() => {});
    this.#look();
  }

  async #list() {
    const { wire, corners } = await api.mock("asked.json");
    const faults = Object.entries(wire).filter(([name]) => name in EXAMPLES);
    byId("mock-corners").replaceChildren(...Object.entries(corners).map(([name, { seen }]) => this.#button(name, `corner ${name}`, seen)));
    byId("mock-faults").replaceChildren(...faults.map(([name, meaning]) => this.#button(EXAMPLES[name], EXAMPLES[name], meaning)));
  }

  #button(label, asked, about) {
    return el("li", {}, el("button", { type: "button", title: about, text: label, on: { click: () => this.#ask(`/mock ${asked}`) } }));
  }

  async #look() {
    const began = performance.now();
    try {
      const name = await this.#scenario();
      const at = `scenarios/${encodeURIComponent(name)}`;
      const [state, entries] = await Promise.all([api.mock(at), api.mock(`${at}/journal`)]);
      this.#draw(name, state, entries.slice(-ENTRIES).reverse());
    } catch {
      // The list reports what is wrong.
    }
    const rest = Math.max(REST_MS, (performance.now() - began) * SHARE);
    if (this.#isOpen && session()) this.#timer = setTimeout(() => this.#look(), rest);
  }

  /** The scenario of this page's calls. */
  async #scenario() {
    const names = await api.mock("scenarios");
    const { userid } = session();
    return names.includes(userid) ? userid : "default";
  }

  #draw(name, { script, rules, problems }, entries) {
    const drawn = JSON.stringify([name, script, rules, problems, entries]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    byId("mock-scenario").textContent = name;
    byId("mock-problems").hidden = !problems.length;
    byId("mock-problems").textContent = problems.map((one) => one.message ?? String(one)).join("\n");
    byId("mock-no-rules").hidden = rules.length > 0;
    byId("mock-rules").replaceChildren(...rules.map(({ index, served }) => rule(script.rules[index], served)));
    byId("mock-journal").replaceChildren(...entries.map((one) => this.#entry(name, one)));
  }

  #entry(name, { n, side, on, method, path, status, lines, state, rule: served }) {
    const about = [
      status || "…", lines ? `${lines} ${lines === 1 ? "line" : "lines"}` : "",
      Number.isInteger(served) && served >= 0 ? `rule ${served + 1}` : "", state,
    ];
    return el("li", { class: `${side} ${state}`, value: String(n) },
      el("b", { text: side === "front" ? on : `model: ${on}` }), el("code", { text: `${method} ${path}` }),
      el("span", { text: about.filter(Boolean).join(" · ") }),
      side === "front" && state === "held" && el("button", { type: "button", class: "plain", text: "Release", on: { click: () => this.#release(name) } }));
  }

  #release(name) {
    api.mock(`scenarios/${encodeURIComponent(name)}/release`, { method: "POST", body: {} }).catch((error) => notice(error.message));
  }
}

function rule(written, served) {
  return el("li", {}, el("code", { text: JSON.stringify(written) }), el("span", { text: served === 1 ? "served once" : `served ${served} times` }));
}
