// Markdown to elements. Model output is untrusted: its HTML is shown as text, the rendered result is sanitised, and
// images load only from this service.

import { el } from "./dom.js";
import * as formulas from "./formula-markdown.js";
import { BoundedLexer, bounds } from "./markdown-lexer.js";
import { Marked } from "./vendor/marked.esm.js";
import DOMPurify from "./vendor/purify.es.js";

const IMAGE = /\/images\/([A-Za-z0-9_-]{32})$/;
const HARMLESS = /^<\/?(?:br|sub|sup|kbd|mark)\s*\/?>$/i;
const TAGS = [
  "p", "br", "hr", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a", "img", "input",
  "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "sub", "sup", "kbd", "mark", "span", "div",
];
const ATTRIBUTES = ["href", "src", "alt", "title", "align", "start", "type", "checked", "disabled", "class", "loading", "dir"];

// Blocks that run from left to right or from right to left, as their first words do.
const DIRECTED = new Set(["P", "UL", "OL", "BLOCKQUOTE", "TABLE", "H3", "H4", "H5", "H6"]);

const AT_ONCE = 200;

const escape = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const marked = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => (HARMLESS.test(text.trim()) ? text : escape(text)),
    heading({ tokens, depth }) {
      // Headings of an answer rank below the page's own.
      const tag = `h${Math.min(6, depth + 2)}`;
      return `<${tag}>${this.parser.parseInline(tokens)}</${tag}>\n`;
    },
    code({ text, lang }) {
      const language = /^[\w+#.-]+/.exec(lang ?? "")?.[0];
      return `<pre><code${language ? ` class="language-${language}"` : ""}>${escape(text)}</code></pre>`;
    },
    image({ href, text }) {
      const own = ownImage(href);
      if (own) return `<img src="${own}" alt="${escape(text)}" loading="lazy">`;
      const words = escape(text || "image");
      return safeLink(href) ? `<a href="${escape(href)}">${words}</a>` : words;
    },
  },
}, bounds, formulas.extension(escape));

/** The path of an image of this service, however its own address is written; null for any other URL. */
export function ownImage(href) {
  try {
    const found = IMAGE.exec(new URL(href, location.href).pathname);
    return found ? `/images/${found[1]}` : null;
  } catch {
    return null;
  }
}

/** The paths of this service's images in a text. */
export function imagesOf(text) {
  return [...text.matchAll(/!\[[^\]]*\]\(([^\s)]+)/g)].map(([, href]) => ownImage(href)).filter(Boolean);
}

/** The URL if a link may lead there (absolute, http, https or mailto), else null. */
export function safeLink(href) {
  try {
    const url = new URL(href);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

// The fragment is inert: nothing loads before its address has been checked here.
DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.nodeName === "A") {
    const href = safeLink(node.getAttribute("href") ?? "");
    if (href) {
      node.setAttribute("target", "_blank");
      node.setAttribute("rel", "noopener noreferrer");
    } else node.removeAttribute("href");
  } else if (node.nodeName === "IMG") {
    const own = ownImage(node.getAttribute("src") ?? "");
    if (own) node.setAttribute("src", own);
    else node.removeAttribute("src");
  } else if (node.nodeName === "INPUT") {
    node.setAttribute("type", "checkbox");
    node.setAttribute("disabled", "");
    node.setAttribute("aria-label", node.hasAttribute("checked") ? "done" : "to do");
  }
  if (DIRECTED.has(node.nodeName) && !node.parentElement?.closest("ul, ol, blockquote")) node.setAttribute("dir", "auto");
  if (node.hasAttribute?.("class") && !/^(?:language-[\w+#.-]+|formula|formula display|open-formula|block)$/.test(node.className)) node.removeAttribute("class");
});

/** The blocks of a text. A text nested too deeply to parse becomes one block of plain text. */
export function blocks(text) {
  formulas.begin();
  try {
    return new BoundedLexer(marked.defaults).lex(text);
  } catch {
    return Object.assign([{ type: "plain", raw: text }], { links: {} });
  }
}

/** Render each block to an element of its own. */
export function render(tokens) {
  const drawn = [];
  // The sanitiser costs by the call, and what fails is drawn block by block.
  for (let at = 0; at < tokens.length; at += AT_ONCE) {
    const some = tokens.slice(at, at + AT_ONCE);
    drawn.push(...(sanitised(some) ?? some.flatMap((token) => sanitised([token]) ?? plain(token))));
  }
  return drawn;
}

/** The elements of blocks; null where one is nested too deeply to draw. */
function sanitised(tokens) {
  try {
    const html = tokens.map((token) => `<div class="block">${marked.parser([token])}</div>`).join("");
    const fragment = DOMPurify.sanitize(html, {
      ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ATTRIBUTES, ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false, RETURN_DOM_FRAGMENT: true,
    });
    return fragment.childNodes.length === tokens.length ? [...fragment.children] : null;
  } catch {
    return null;
  }
}

function plain(token) {
  return el("div", { class: "block" }, el("p", { text: token.raw }));
}
