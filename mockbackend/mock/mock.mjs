// The mock's control API for tests in JavaScript: one file without dependencies, for Node, Deno, Bun and browsers.

/** @typedef {{when?: unknown, text?: string | string[], [key: string]: unknown}} Rule */
/** @typedef {{rules?: Rule[], seed?: number, now?: string, strict?: boolean, [key: string]: unknown}} Script */
/** @typedef {{on?: string, side?: "front" | "model", state?: string, wait?: number, timeout?: number}} Asked */
/** @typedef {{n: number, side: string, on: string, status: number | null, state: string, body: any, [key: string]: any}} Call */
/** @typedef {{code: string, severity: "fail" | "warn", calls: number[], what: string, advice: string}} Finding */

/**
 * A running mock: the one at `url` with `login` (`user:password`), or one that `command` starts, as
 * `["mockbackend", "mock"]`, and that `close` ends. By default MOCK_URL and MOCK_LOGIN say where it is.
 * @param {{url?: string, command?: string[], login?: string}} [options]
 */
export async function mockBackend({ url, command, login } = {}) {
  const started = command && (await start(command));
  const env = globalThis.process?.env ?? {};
  const address = (started?.url ?? url ?? env.MOCK_URL)?.replace(/\/$/, "");
  if (!address) throw new Error("Name the mock's url, or a command that starts it, or set MOCK_URL.");
  const credentials = started?.login ?? login ?? env.MOCK_LOGIN ?? "mock:mock";
  const close = async () => started?.close();
  return {
    url: address,
    emulatorUrl: `${address}/__mock__/azure`,
    login: credentials,
    /** Makes a scenario, or begins it once more. Give a name that is the same in every run, such as the test's. */
    scenario: async (/** @type {Script | Rule[]} */ script = {}, name = `test-${crypto.randomUUID()}`) => {
      const made = new Scenario(address, credentials, name.replace(/[^A-Za-z0-9_@+:-]+/g, "-").slice(-128));
      await made.rules(script);
      return made;
    },
    close,
    [Symbol.asyncDispose ?? Symbol.for("asyncDispose")]: close,
  };
}

class Scenario {
  #authorization;

  constructor(/** @type {string} */ url, /** @type {string} */ login, /** @type {string} */ name) {
    Object.assign(this, { url, login, name, userid: name, headers: { "x-mock-scenario": name } });
    this.#authorization = `Basic ${btoa(login)}`;
    this[Symbol.asyncDispose ?? Symbol.for("asyncDispose")] = () => this.delete();
  }

  /** Begins the scenario with these rules: its counters and its journal are new, and what was stored in it is gone. */
  rules = (/** @type {Script | Rule[]} */ script = {}) =>
    this.#call("PUT", "", Array.isArray(script) ? { rules: script } : { rules: [], ...script });
  /** Puts rules in front of all others; each serves once. */
  next = (/** @type {Rule[]} */ ...rules) => this.#call("POST", "/next", rules);
  /** The calls that were made, oldest first. @returns {Promise<Call[]>} */
  journal = (/** @type {Asked} */ asked = {}) => this.#call("GET", `/journal?${new URLSearchParams(/** @type {any} */ (asked))}`);
  /** Waits until that many streams are held. */
  held = (count = 1, side = "front") => this.journal({ side: /** @type {"front"} */ (side), state: "held", wait: count });
  /** Lets held streams go on, by that many lines or deltas if a count is given. Returns how many were held. */
  release = async (/** @type {number | undefined} */ count) => (await this.#call("POST", "/release", { count })).released;
  /** The verdict. @returns {Promise<{ok: boolean, findings: Finding[]}>} */
  report = () => this.#call("GET", "/report");
  delete = () => this.#call("DELETE");

  async #call(/** @type {string} */ method, path = "", /** @type {unknown} */ body = undefined) {
    const headers = { authorization: this.#authorization, "content-type": "application/json" };
    const response = await fetch(`${this.url}/__mock__/scenarios/${this.name}${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (response.ok) return text ? JSON.parse(text) : undefined;
    throw new Error(`${method} ${path || this.name}: ${response.status} ${text}`);
  }
}

async function start(/** @type {string[]} */ [program, ...words]) {
  const { spawn } = await import("node:child_process");
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "inherit"] });
  const over = new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
  const line = new Promise((resolve) => child.stdout.setEncoding("utf8").once("data", resolve));
  const first = await Promise.race([line, over]);
  if (typeof first !== "string") throw new Error(`${program} ended with ${first} before it could serve.`);
  return { ...JSON.parse(first), close: () => (child.kill(), over) };
}
