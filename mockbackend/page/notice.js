// Messages over the page: what went wrong, or what works again. Those that come together stand together.

import { byId } from "./dom.js";

const SHOWN_MS = 6000;
const AT_ONCE = 4;

let shown = []; // {words, stays, good}

/** Show a message for a few seconds; with `stays`, until a `good` one or another that stays. Returns how to take it away. */
export function notice(words, { stays = false, good = false } = {}) {
  const mine = { words, stays, good };
  shown = [...shown.filter((one) => one.words !== words && !good && !one.good && !(stays && one.stays)), mine].slice(-AT_ONCE);
  draw();
  const end = () => {
    shown = shown.filter((one) => one !== mine);
    draw();
  };
  if (!stays) setTimeout(end, SHOWN_MS);
  return end;
}

function draw() {
  const bar = byId("notice");
  bar.hidden = !shown.length;
  // What it said stays in it, out of sight.
  if (!shown.length) return;
  bar.textContent = shown.map(({ words }) => words).join("\n");
  bar.classList.toggle("good", shown.some(({ good }) => good));
}
