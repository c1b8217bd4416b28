// Formulas as MathML, by Temml, which is loaded when the first one is seen.

import { pieces } from "./formula-source.js";

const OPTIONS = { throwOnError: true, trust: false, strict: false, maxSize: [12, 144], maxExpand: 500 };
// What a macro's text costs is its length times its uses.
const DEFINES = /\\(?:[egx]?def|let|futurelet|(?:re)?newcommand|providecommand|global|long)(?![a-zA-Z])/;
const LONGEST_WITH_MACROS = 100;
const DEEPEST = 60;
const MOST = 3000;
const KEPT = 1000;
const SLICE_MS = 8;
const AT_ONCE_MS = 40;
const PATIENCE_MS = 1500;
const MATHML = "http://www.w3.org/1998/Math/MathML";

const known = new Map(); // MathML by source; null for what is broken
let waiting = []; // elements whose turn comes in a later slice
let library = null;
let hasFailed = false;
let spent = 0;

/** A promise for the library if a text has formulas and the library is still to come; it waits for a moment only. */
export function ready(text) {
  if (globalThis.temml || hasFailed || !/\$|\\[([]/.test(text) || !hasFormula(text)) return null;
  const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS); });
  return Promise.race([load(), late]).then(() => { hasFailed = !globalThis.temml; }, () => { hasFailed = true; });
}

function hasFormula(text) {
  for (const { isFormula } of pieces(text)) if (isFormula) return true;
  return false;
}

/** Show the formulas below `root`, at once if they are known or time is left in this frame. */
export function typeset(root) {
  // One has begun: by its end the library is there.
  if (root.querySelector(".open-formula")) load();
  for (const element of root.querySelectorAll(".formula")) {
    if (known.has(keyOf(element)) || (globalThis.temml && !waiting.length && spent < AT_ONCE_MS)) show(element);
    else later(element);
  }
}

function later(element) {
  if (waiting.push(element) > 1) return;
  load().then(slice, () => { waiting = []; });
}

/** Typeset for a few milliseconds, then let the page draw. */
function slice() {
  const began = performance.now();
  while (waiting.length && performance.now() - began < SLICE_MS) {
    const element = waiting.shift();
    if (element.isConnected) show(element);
  }
  if (waiting.length) setTimeout(slice, SLICE_MS);
}

function show(element) {
  const key = keyOf(element);
  if (!known.has(key)) {
    const began = performance.now();
    if (!spent) requestAnimationFrame(() => { spent = 0; });
    if (known.size >= KEPT) known.clear();
    known.set(key, mathOf(element.textContent, element.classList.contains("display")));
    spent += performance.now() - began;
  }
  const math = known.get(key);
  if (!math) return;
  element.replaceChildren(math.cloneNode(true));
  widths.observe(element);
}

/** What is wider than its place can be scrolled, by the keyboard too. */
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const isWide = target.scrollWidth > target.clientWidth + 1;
    target.classList.toggle("wide", isWide);
    if (isWide) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

const keyOf = (element) => `${element.className}:${element.textContent}`;

/** The MathML of a formula, with its signs around it; null if it is broken or asks for too much. */
function mathOf(source, displayMode) {
  const marks = source.startsWith("$") && !source.startsWith("$$") ? 1 : 2;
  const tex = source.slice(marks, -marks);
  if (DEFINES.test(tex) && tex.length > LONGEST_WITH_MACROS) return null;
  const place = document.createElement("span");
  try {
    globalThis.temml.render(tex, place, { ...OPTIONS, displayMode, wrap: displayMode ? "none" : "tex" });
  } catch {
    return null;
  }
  const math = place.firstElementChild;
  return math && isHarmless(math) ? math : null;
}

/** Whether it holds nothing but mathematics, not too deep and not too much; names that a formula gives are removed. */
function isHarmless(math) {
  let level = [math];
  let nodes = 0;
  for (let depth = 0; level.length; depth += 1) {
    nodes += level.length;
    if (depth > DEEPEST || nodes > MOST) return false;
    for (const node of level) {
      if (node.namespaceURI !== MATHML && node.localName !== "span") return false;
      for (const name of ["id", "href", "src"]) node.removeAttribute(name);
    }
    level = level.flatMap((node) => [...node.children]);
  }
  return true;
}

function load() {
  library ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: "/page/vendor/temml.min.js", onload: resolve });
    script.onerror = () => {
      library = null;
      script.remove();
      reject(new Error("The library is not there."));
    };
    document.head.append(script);
  });
  library.catch(() => {});
  return library;
}
