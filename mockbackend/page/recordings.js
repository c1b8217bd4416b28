// What came over the wire for an answer, and what the answer took. Lines are kept while the page is open, figures for the tab.

const KEY = "mockbackend.figures";
const ANSWERS = 30; // whose lines are kept
const FIGURES = 200;
const WORDS = /^(?:[0g]:|data: \{"type":"(?:text|reasoning)-delta")/;

const kept = new Map();

/** Whether a line carries words of the answer. */
export const isWords = (line) => WORDS.test(line);

export class Recording {
  /** `request` is `{method, path, body}`; `changed()` is called when lines have been added. */
  constructor(request, changed) {
    this.request = request;
    this.#changed = changed;
  }

  #changed;

  lines = []; // {line, ms since the request}
  firstWord = null;
  #began = performance.now();

  add(lines, at) {
    const ms = at - this.#began;
    for (const line of lines) this.lines.push({ line, ms });
    if (this.firstWord === null && lines.some(isWords)) this.firstWord = ms;
    this.#changed();
  }

  /** The answer has ended: from now on its id leads here. */
  keep({ id, usage }) {
    if (!id) return;
    kept.delete(id);
    kept.set(id, this);
    if (kept.size > ANSWERS) kept.delete(kept.keys().next().value);
    // Who joined an answer has not seen its beginning.
    const whole = this.request.method === "POST";
    const taken = { usage, firstWord: whole ? this.firstWord : null, whole: whole ? this.lines.at(-1)?.ms : null };
    const all = [...figures().filter(([known]) => known !== id), [id, taken]];
    try {
      sessionStorage.setItem(KEY, JSON.stringify(all.slice(-FIGURES)));
    } catch {
      // The tab's storage is full: a reload would lose them, and no words.
    }
  }
}

/** The recording of an answer, undefined for what came before the page was opened. */
export const recordingOf = (id) => kept.get(id);

/** An answer's tokens and seconds in words, "" where nothing is known. */
export function figuresOf(id) {
  const { usage, firstWord, whole } = new Map(figures()).get(id) ?? {};
  return [
    usage?.inputTokens || usage?.outputTokens ? `${usage.inputTokens} tokens in, ${usage.outputTokens} out` : "",
    Number.isFinite(firstWord) ? `first word after ${seconds(firstWord)}` : "",
    Number.isFinite(whole) ? `${seconds(whole)} in all` : "",
  ].filter(Boolean).join(" · ");
}

/** Forget what this tab remembers. */
export function forgetFigures() {
  sessionStorage.removeItem(KEY);
}

const seconds = (ms) => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;

function figures() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}
