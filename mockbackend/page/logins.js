// One login for all open tabs: handed from tab to tab of this origin, and stored in none but each tab's own session.

import { session } from "./session.js";

const channel = new BroadcastChannel("mockbackend.login");
const WAIT_MS = 150;

/** `given(who)` is called with another tab's login, `out()` when another tab signs out. */
export function listenToTabs({ given, out }) {
  channel.addEventListener("message", ({ data }) => {
    if (data.asked && session()) channel.postMessage({ who: session() });
    if (data.who) given(data.who);
    if (data.out) out();
  });
}

/** Ask the other tabs for their login; resolve once `isThere()`, or after a moment. */
export function askTabs(isThere) {
  channel.postMessage({ asked: true });
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      channel.removeEventListener("message", look);
      resolve();
    };
    const look = () => isThere() && over();
    const timer = setTimeout(over, WAIT_MS);
    channel.addEventListener("message", look);
  });
}

/** Hand a new login to the tabs that have none. */
export function handOn(who) {
  channel.postMessage({ who });
}

export function signOutTabs() {
  channel.postMessage({ out: true });
}
