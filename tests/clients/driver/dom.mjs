// A document for React to render into, and what the clients look for in a browser's global scope. `fetch` stays Node's.

import { Window } from "happy-dom";

const window = new Window({ url: "http://localhost:3000/" });
globalThis.window = window;
for (const name of ["document", "File", "FileReader", "FormData", "HTMLElement", "HTMLIFrameElement", "Node"]) {
  Object.defineProperty(globalThis, name, { value: window[name], configurable: true, writable: true });
}

// What an <input type="file"> gives to a page. It is no array, and clients tell it from one.
globalThis.FileList = class FileList {
  constructor(files) {
    Object.assign(this, files, { length: files.length });
  }

  *[Symbol.iterator]() {
    for (let index = 0; index < this.length; index++) yield this[index];
  }
};

export const fileList = (files) => new globalThis.FileList(files.map(file));

export const file = ({ name, type, base64 }) => new window.File([Buffer.from(base64, "base64")], name, { type });

// A tool that runs in the page: its value, or the error that it throws; undefined for those that a person answers.
export function execute(executes, name, args, held) {
  if (!(name in executes)) return undefined;
  held.executed.push({ name, args });
  if (executes[name]?.throws) throw new Error(executes[name].throws);
  return executes[name];
}
