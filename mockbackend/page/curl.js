// A request as a line for a shell. The password is not in it: curl asks for it.

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The curl call of `{method, path, body}`, made by `who` at `origin`. */
export function curlOf({ path, body }, who, origin) {
  const words = ["curl -N", "-u", quote(who.login), "-H", quote(`userid: ${who.userid}`), quote(origin + path)];
  if (body !== undefined) words.push("-d", quote(JSON.stringify(body)));
  return words.join(" ");
}
