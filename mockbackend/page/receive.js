// Reading the stream of an answer to its end.

import { readLines } from "./stream.js";
import { linesOf } from "./ui-stream.js";

/** Apply all lines to the answer; `arrived(lines, at)` is called for each batch. Resolve to whether the end came. */
export async function receive(body, answer, signal, arrived) {
  try {
    for await (const { lines, at } of readLines(body)) {
      if (signal.aborted) return true;
      for (const line of lines) for (const [code, value] of linesOf(line, answer)) answer.apply(code, value);
      arrived(lines, at);
    }
  } catch (error) {
    if (error instanceof SyntaxError) throw new Error("The server sent a line that the page cannot read. Reload the page.");
    return signal.aborted || Boolean(answer.finish);
  }
  return Boolean(answer.finish || answer.error);
}
