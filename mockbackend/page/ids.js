// Ids of conversations and messages.

/** Browsers offer randomUUID only over TLS and on localhost. */
export function newId() {
  const bytes = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"));
  return crypto.randomUUID?.() ?? bytes().join("");
}
