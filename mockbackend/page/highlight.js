// Colours in code. They are found in a worker, which is started by the first block that has a known language.

import { el } from "./dom.js";
import { grammars } from "./languages.js";

const LONGEST = 20_000;
const PATIENCE_MS = 5000;
// The classes of the style sheet, and what the grammars call it.
const KINDS = {
  comment: ["comment", "quote"],
  keyword: ["keyword", "name", "selector-tag", "meta", "doctag", "operator"],
  string: ["string", "regexp", "char", "link", "addition"],
  number: ["number", "literal", "symbol", "bullet", "deletion"],
  title: ["title", "built_in", "type", "class", "section", "selector-id", "selector-class", "selector-pseudo"],
  attribute: ["attr", "attribute", "property", "variable", "template-variable", "template-tag", "subst-name"],
};
const CLASSES = new Map(Object.entries(KINDS).flatMap(([kind, names]) => names.map((name) => [name, `code-${kind}`])));

let worker = null;
let isBusy = false;
const jobs = [];

/** Colour a `<code>` whose text is complete, when its turn comes. Very long code stays as it is. */
export function highlight(code, language) {
  const languages = grammars(language);
  if (!languages || code.textContent.length > LONGEST) return;
  jobs.push({ code, text: code.textContent, languages });
  next();
}

async function next() {
  if (isBusy) return;
  isBusy = true;
  while (jobs.length) {
    const { code, text, languages } = jobs.shift();
    if (!code.isConnected) continue;
    const runs = await found(text, languages);
    if (runs && code.textContent === text) code.replaceChildren(...coloured(text, runs));
  }
  isBusy = false;
}

/** What the worker finds; null if it fails or takes too long. */
function found(text, languages) {
  return new Promise((resolve) => {
    worker ??= new Worker("/page/highlight-worker.js", { type: "module" });
    const end = () => {
      clearTimeout(timer);
      worker.terminate();
      worker = null;
      resolve(null);
    };
    const timer = setTimeout(end, PATIENCE_MS);
    worker.onerror = end;
    worker.onmessage = ({ data }) => {
      clearTimeout(timer);
      resolve(data);
    };
    worker.postMessage({ text, languages });
  });
}

function coloured(text, runs) {
  let at = 0;
  return runs.map(([length, kind]) => {
    const words = text.slice(at, (at += length));
    return CLASSES.has(kind) ? el("span", { class: CLASSES.get(kind), text: words }) : words;
  });
}
