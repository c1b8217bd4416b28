import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Readable } from "node:stream";

import { POST } from "./route.js";

createServer(async (request, response) => {
  const { method, headers, url } = request;
  if (url === "/chat.js") return response.setHeader("content-type", "text/javascript").end(readFileSync("chat.js"));
  if (!url.startsWith("/api/")) return response.setHeader("content-type", "text/html").end(readFileSync("page.html"));
  const body = method === "POST" ? Readable.toWeb(request) : undefined;
  const answer = await POST(new Request(`http://localhost${url}`, { method, headers, body, duplex: "half" }));
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body) Readable.fromWeb(answer.body).on("error", () => response.destroy()).pipe(response);
  else response.end();
}).listen(3000);
