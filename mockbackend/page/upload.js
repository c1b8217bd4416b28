// Uploads: a few at once, the smallest first, with their progress, which fetch does not report.

import { ApiError, GONE } from "./api.js";
import { headersOf, session } from "./session.js";

const AT_ONCE = 2; // the browser has six connections for all of the page
const waiting = [];
let running = 0;

/** Upload a file; resolve to its row. `progress(share)` is called as its bytes are sent. */
export function upload(file, progress) {
  return new Promise((resolve, reject) => {
    waiting.push({ file, progress, resolve, reject });
    waiting.sort((one, other) => one.file.size - other.file.size);
    // Files that are chosen together are sorted together.
    queueMicrotask(start);
  });
}

function start() {
  while (running < AT_ONCE && waiting.length) {
    const { file, progress, resolve, reject } = waiting.shift();
    running += 1;
    post(file, progress).then(resolve, reject).finally(() => {
      running -= 1;
      start();
    });
  }
}

function post(file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/files");
    for (const [name, value] of Object.entries(headersOf(session()))) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 1);
    request.onload = () => {
      try {
        const answer = JSON.parse(request.responseText);
        if (request.status < 300) resolve(answer[0]);
        else reject(new ApiError(request.status, answer.error.message));
      } catch {
        reject(new ApiError(request.status, `The server responded with status ${request.status}.`));
      }
    };
    request.onerror = () => reject(new ApiError(0, GONE));
    const body = new FormData();
    body.append("file", file);
    request.send(body);
  });
}
