// Reading the stream of an answer to its end.

import { parseLine, readLines } from "./stream.js";

/** Apply all lines to the answer; `arrived(lines, at)` is called for each batch. Resolve to whether the end came. */
export async function receive(body, answer, signal, arrived) {
  try {
    for await (const { lines, at } of readLines(body)) {
      if (signal.aborted) return true;
      for (const line of lines) answer.apply(...parseLine(line));
      arrived(lines, at);
    }
  } catch (error) {
    if (error instanceof SyntaxError) throw new Error("The server sent a line that the page cannot read. Reload the page.");
    return signal.aborted || Boolean(answer.finish);
  }
  return Boolean(answer.finish || answer.error);
}
