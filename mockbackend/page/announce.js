// Announcements for screen readers.

import { byId } from "./dom.js";

/** Say it politely, once. */
export function announce(words) {
  const region = byId("announcer");
  // The same words twice would be no change.
  region.textContent = region.textContent === words ? `${words}\u00a0` : words;
}
