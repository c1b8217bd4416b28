// A request as a curl command. It leaves out the password; curl asks for it.

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The curl command for `{path, body}`, sent by `who` to `origin`. */
export function curlOf({ path, body }, who, origin) {
  const words = ["curl -N", "-u", quote(who.login), "-H", quote(`userid: ${who.userid}`), quote(origin + path)];
  if (body !== undefined) words.push("-d", quote(JSON.stringify(body)));
  return words.join(" ");
}
