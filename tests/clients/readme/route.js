const { BACKEND_URL, BACKEND_AUTH_USERNAME, BACKEND_AUTH_PASSWORD } = process.env;
const authorization = `Basic ${btoa(`${BACKEND_AUTH_USERNAME}:${BACKEND_AUTH_PASSWORD}`)}`;

export async function POST(request) {
  const { pathname, search } = new URL(request.url);
  const { method, signal } = request;
  const headers = { authorization, userid: "ada", "content-type": "application/json" }; // the user who is signed in
  const body = method === "POST" ? await request.text() : undefined;
  return fetch(BACKEND_URL + pathname.replace("/api", "") + search, { method, headers, body, signal });
}
export const GET = POST;
