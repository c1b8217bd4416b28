// The address of each conversation: a link to it opens in any tab.

/** The id of the conversation in the address of the page. */
export function wanted() {
  return new URLSearchParams(location.search).get("c");
}

export function addressOf(id) {
  return id ? `/?c=${encodeURIComponent(id)}` : "/";
}

/** Make it the address of the page. */
export function goTo(id) {
  if (id !== wanted()) history.pushState(null, "", addressOf(id));
}
