// A document for React to render into, and what the clients look for in a browser's global scope. `fetch` stays Node's.

import { Window } from "happy-dom";

const window = new Window({ url: "http://localhost:3000/" });
globalThis.window = window;
for (const name of ["document", "FileList", "FileReader", "File", "HTMLElement", "HTMLIFrameElement", "Node"]) {
  Object.defineProperty(globalThis, name, { value: window[name], configurable: true, writable: true });
}

// A file as a browser gives it to a page.
export function fileList(files) {
  const list = new window.FileList();
  for (const { name, type, base64 } of files) list.push(file({ name, type, base64 }));
  return list;
}

export function file({ name, type, base64 }) {
  return new window.File([Buffer.from(base64, "base64")], name, { type });
}
