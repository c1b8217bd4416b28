// The same page in other tabs of this browser: they are told of turns and changes.

const channel = new BroadcastChannel("mockbackend");

/** `{began: id}` or `{changed: true}`, to the other tabs. */
export function tell(news) {
  channel.postMessage(news);
}

export function hear(heard) {
  channel.addEventListener("message", (event) => heard(event.data));
}
