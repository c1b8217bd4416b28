// A line of words over the page: what went wrong, and what came back.

import { byId } from "./dom.js";

let timer = 0;

/** Show it for some seconds; `stays` until the next one. */
export function notice(words, { stays = false, good = false } = {}) {
  const bar = byId("notice");
  clearTimeout(timer);
  bar.textContent = words;
  bar.classList.toggle("good", good);
  bar.hidden = !words;
  if (!stays) timer = setTimeout(() => { bar.hidden = true; }, 6000);
}
