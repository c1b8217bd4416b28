// Formulas as a part of Markdown: an extension of the parser that keeps their backslashes, stars and bars.

import { Tokenizer } from "./vendor/marked.esm.js";
import { formulaAt, formulaBlock, openBlock, openInline, pieces } from "./formula-source.js";

const BAR = "\uE07C"; // stands for | in the formulas of a table, whose cells it would end
const ROWS = /^[^\n|]*\|[^\n]*\n[ \t]*(?:\|[ \t]*)?:?-/;
const NEAR = 3000; // how far ahead a formula that ends a paragraph is looked for
const masks = new Map();

const whole = (text) => text.replaceAll(BAR, "|");

const block = {
  name: "formulaBlock",
  level: "block",
  start(text) {
    const [near] = text.slice(0, NEAR).split("\n\n", 1);
    for (const { index } of near.matchAll(/\n(?= {0,3}(?:\$\$|\\\[))/g)) {
      const rest = text.slice(index + 1);
      if (formulaBlock(rest) || openBlock(rest)) return index + 1;
    }
    return undefined;
  },
  tokenizer(text) {
    const found = formulaBlock(text);
    if (found) return { type: "formulaBlock", ...found };
    const raw = openBlock(text);
    return raw ? { type: "formulaBlock", raw, tex: null } : undefined;
  },
};

const inline = {
  name: "formula",
  level: "inline",
  tokenizer(text, tokens) {
    const found = formulaAt(text, tokens.at(-1)?.raw.slice(-2));
    if (found) return { type: "formula", ...found };
    const raw = openInline(text);
    return raw ? { type: "formula", raw, tex: null } : undefined;
  },
};

/** The extension; `escape` makes text safe in HTML. */
export function extension(escape) {
  const source = ({ raw, tex, display }) => {
    const words = escape(whole(raw).trim());
    return `<span class="${tex === null ? "open-formula" : display ? "formula display" : "formula"}">${words}</span>`;
  };
  return {
    extensions: [
      { ...block, renderer: (token) => `<p>${source(token)}</p>\n` },
      { ...inline, renderer: source },
    ],
    tokenizer: {
      inlineText(text) {
        const dollar = text.indexOf("$", 1);
        return Tokenizer.prototype.inlineText.call(this, dollar < 0 ? text : text.slice(0, dollar));
      },
      emStrong(text, masked, before) {
        return Tokenizer.prototype.emStrong.call(this, text, hidden(text, masked), before);
      },
      del(text, masked, before) {
        return Tokenizer.prototype.del.call(this, text, hidden(text, masked), before);
      },
      table(text) {
        if (!ROWS.test(text)) return undefined;
        const end = text.indexOf("\n\n");
        const rows = end < 0 ? text : text.slice(0, end);
        const barred = rows.split("\n").map((row) => Array.from(pieces(row), hideBars).join("")).join("\n");
        const token = Tokenizer.prototype.table.call(this, barred + text.slice(rows.length));
        return token && { ...token, raw: text.slice(0, token.raw.length) };
      },
    },
  };
}

/** Forget what was found in the texts before. */
export function begin() {
  masks.clear();
}

/** The parser's mask of a text, which covers formulas as well: no star in them ends an emphasis. */
function hidden(text, masked) {
  if (!/\$|\\[([]/.test(text)) return masked;
  let found = masks.get(masked);
  if (!found) {
    let at = masked.length - text.length;
    found = masked.slice(0, at);
    for (const { raw, isFormula } of pieces(text)) {
      found += isFormula ? "a".repeat(raw.length) : masked.slice(at, at + raw.length);
      at += raw.length;
    }
    masks.set(masked, found);
  }
  return found;
}

const hideBars = ({ raw, isFormula }) => (isFormula ? raw.replaceAll("|", BAR) : raw);
