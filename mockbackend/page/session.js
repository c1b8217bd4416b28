// The current login, kept for this tab only and gone with it.

const KEY = "mockbackend.session";

/** `{login, password, userid}`, or null. */
export function session() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

export function keep(who) {
  sessionStorage.setItem(KEY, JSON.stringify(who));
}

export function forget() {
  sessionStorage.removeItem(KEY);
}

/** The headers of a call by this user. Non-ASCII letters are sent as UTF-8. */
export function headersOf(who) {
  if (!who) return {};
  return { authorization: `Basic ${btoa(bytes(`${who.login}:${who.password}`))}`, userid: bytes(who.userid) };
}

function bytes(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
