// Messages to the same page in other tabs: turns that began, and changes.

const channel = new BroadcastChannel("mockbackend");

/** Send `{began: id}` or `{changed: true}` to the other tabs. */
export function tell(news) {
  channel.postMessage(news);
}

export function hear(heard) {
  channel.addEventListener("message", (event) => heard(event.data));
}
