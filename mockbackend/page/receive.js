// Reading the stream of an answer to its end.

import { readLines } from "./stream.js";
import { linesOf } from "./ui-stream.js";

const LOST = "The connection was lost. The answer up to this point is stored.";

/** Apply all lines to the answer of a view, which draws them, and record them. Resolve to whether the end came. */
export async function receive(body, view, signal, recording) {
  const { answer } = view;
  try {
    for await (const { lines, at } of readLines(body)) {
      if (signal.aborted) return true;
      for (const line of lines) for (const [code, value] of linesOf(line, answer)) answer.apply(code, value);
      recording.add(lines, at);
      view.changed();
    }
  } catch (error) {
    if (error instanceof SyntaxError) throw new Error("The server sent a line that the page cannot read. Reload the page.");
    return signal.aborted || Boolean(answer.finish) || lose(answer);
  }
  return Boolean(answer.finish || answer.error) || lose(answer);
}

function lose(answer) {
  answer.error = LOST;
  return false;
}
