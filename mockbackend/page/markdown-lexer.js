// The parser of Markdown, with an end to what a text may cost: a hostile one would hold the page up for minutes.

import { Lexer, Tokenizer } from "./vendor/marked.esm.js";

const SIGNS = /[*_~`[\]<$\\@&:!]|www/g;
// Signs times length, since each sign is looked up in the rest: what is always parsed, the most of one paragraph, and
// of all that are not small.
const SMALL = 50_000;
const MOST = 1_000_000;
const MOST_IN_ALL = 4_000_000;
const DEEPEST = 40;
const LONGEST_HEADING = 1000;

/** What costs too much, or stands behind what cost too much, stays as it came. */
export class BoundedLexer extends Lexer {
  #spent = 0;
  #depth = 0;

  inlineTokens(text, tokens = []) {
    const cost = text.length * (text.match(SIGNS)?.length ?? 0);
    if (cost > SMALL) {
      if (cost > MOST || this.#spent + cost > MOST_IN_ALL) return plain(text, tokens);
      this.#spent += cost;
    }
    return super.inlineTokens(text, tokens);
  }

  blockTokens(text, tokens = [], isClipped = false) {
    if (this.#depth > DEEPEST) return plain(text, tokens);
    this.#depth += 1;
    try {
      return super.blockTokens(text, tokens, isClipped);
    } finally {
      this.#depth -= 1;
    }
  }
}

/** An underlined heading is looked for in the next lines, not in all that come. */
export const bounds = {
  tokenizer: {
    lheading(text) {
      return Tokenizer.prototype.lheading.call(this, text.slice(0, LONGEST_HEADING));
    },
  },
};

function plain(text, tokens) {
  if (text) tokens.push({ type: "text", raw: text, text, escaped: false });
  return tokens;
}
