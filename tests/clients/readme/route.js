const { BACKEND_URL, BACKEND_AUTH_USERNAME, BACKEND_AUTH_PASSWORD } = process.env;
const authorization = `Basic ${btoa(`${BACKEND_AUTH_USERNAME}:${BACKEND_AUTH_PASSWORD}`)}`;

export async function POST(request) {
  const { pathname, search } = new URL(request.url);
  const { method, signal } = request;
  const isJson = request.headers.get("content-type")?.startsWith("application/json");
  if (method === "POST" && !isJson) return new Response(null, { status: 415 }); // a form of another site's
  const headers = { authorization, userid: "ada", "content-type": "application/json" }; // the user who is signed in
  for (const name of ["x-mock-scenario", "x-mock"]) if (request.headers.has(name)) headers[name] = request.headers.get(name); // tests
  const body = method === "POST" ? await request.text() : undefined;
  return fetch(BACKEND_URL + pathname.replace("/api", "") + search, { method, headers, body, signal });
}
export const GET = POST;
