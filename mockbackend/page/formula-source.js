// Where formulas stand in Markdown: \( … \), \[ … \], $$ … $$, and $ … $ unless it reads like money or a shell's variable.

const CLOSE = { "\\(": "\\)", "\\[": "\\]", $$: "$$", $: "$" };
// Up to the end of a formula. A backslash takes the next sign with it.
const ENDS = {
  "\\(": /(?:[^\\]|\\[^)])*\\\)/y,
  "\\[": /(?:[^\\]|\\[^\]])*\\\]/y,
  $$: /(?:[^\\$]|\\[^]|\$(?!\$))*\$\$/y,
  $: /(?:[^\\$`]|\\[^])*\$/y,
};
const LONGEST = 3000;
const BLOCK = /^( {0,3})(\$\$|\\\[)/;
// A blank line or code ends every formula.
const BREAK = /\n[ \t]*(?:\n|```|~~~)/;
// What follows a closing $: an ordinal or a plural is fine (the $n$th), other words and a call are not.
const GOES_ON = /^(?!(?:th|st|nd|rd|s)(?![\p{L}\p{N}]))[\p{L}\p{N}({[_$]/u;
const WORDS = /\p{L}{2,}[\s,;:.!?]+\p{L}{2,}/u;

/** The formula at the start of an inline text, `{raw, tex, display}`, or null; `before` is what stands in front of it. */
export function formulaAt(text, before = "") {
  const open = opening(text);
  const end = open ? closing(text, open) : -1;
  if (end < 0) return null;
  const raw = text.slice(0, end);
  const tex = raw.slice(open.length, -open.length);
  if (!tex.trim() || BREAK.test(tex)) return null;
  if (open[0] === "$" && WORDS.test(tex) && !tex.includes("\\")) return null;
  if (open === "$" && !isFormula(tex, before, text.slice(end, end + 3))) return null;
  return { raw, tex, display: open === "$$" || open === "\\[" };
}

/** The formula that fills the lines at the start of a text, in the same shape, or null. */
export function formulaBlock(text) {
  const indent = BLOCK.exec(text)?.[1];
  const found = indent === undefined ? null : formulaAt(text.slice(indent.length));
  const rest = found && /^[ \t]*(?:\n+|$)/.exec(text.slice(indent.length + found.raw.length));
  return rest ? { ...found, raw: indent + found.raw + rest[0] } : null;
}

/** What begins like a formula of its own lines and has no end: its source, up to the end of the block; else "". */
export function openBlock(text) {
  const [begun, indent] = BLOCK.exec(text) ?? [];
  if (begun === undefined) return "";
  const end = closing(text.slice(indent.length), begun.trimStart());
  if (end > 0 && !BREAK.test(text.slice(0, indent.length + end))) return "";
  const until = BREAK.exec(text)?.index ?? text.length;
  return text.slice(0, until) + (/^\n+/.exec(text.slice(until))?.[0] ?? "");
}

/** The same of a formula within a line. */
export function openInline(text) {
  const open = opening(text);
  return open?.[0] === "\\" && closing(text, open) < 0 ? /^.*/.exec(text)[0] : "";
}

/** A text in pieces, `{raw, isFormula}`. */
export function* pieces(text) {
  let before = "";
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const ticks = /^`*/.exec(rest)[0];
    const found = ticks ? null : formulaAt(rest, before);
    const raw = found?.raw ?? (ticks ? code(rest, ticks) : /^(?:[^$\\`]+|\\?[^]|\\)/.exec(rest)[0]);
    yield { raw, isFormula: Boolean(found) };
    before = raw.slice(-2);
    at += raw.length;
  }
}

/** A span of code, or its opening alone where it has no end. */
function code(text, ticks) {
  const end = text.indexOf(ticks, ticks.length);
  return end < 0 ? ticks : text.slice(0, end + ticks.length);
}

function opening(text) {
  if (text[0] === "$") return text[1] === "$" ? "$$" : "$";
  const two = text.slice(0, 2);
  return two in CLOSE ? two : null;
}

/** Where the formula ends that starts with `open`, or -1. */
function closing(text, open) {
  const near = text.slice(0, LONGEST);
  const ends = ENDS[open];
  ends.lastIndex = open.length;
  return near.includes(CLOSE[open], open.length) && ends.test(near) ? ends.lastIndex : -1;
}

function isFormula(tex, before, after) {
  if (/^[\s"'’”),;:!?%]|\s$|"/.test(tex) || /[\p{L}\p{N}$]$/u.test(before) || GOES_ON.test(after)) return false;
  // "$5 and 6$" is money.
  return !/^\d/.test(tex) || !/\p{L}{2,}/u.test(tex) || /[\\^_=]/.test(tex);
}
