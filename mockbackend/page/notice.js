// A message over the page: what went wrong, or what works again.

import { byId } from "./dom.js";

let timer = 0;

/** Show a message for a few seconds; with `stays`, until the next one. */
export function notice(words, { stays = false, good = false } = {}) {
  const bar = byId("notice");
  clearTimeout(timer);
  bar.textContent = words;
  bar.classList.toggle("good", good);
  bar.hidden = !words;
  if (!stays) timer = setTimeout(() => { bar.hidden = true; }, 6000);
}
