// Reading the data stream line by line. Only \n ends a line; a packet may end anywhere.

/** Batches of complete lines, `{lines: [text], at}`; `at` is performance.now() when the last byte arrived. */
export async function* readLines(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const at = performance.now();
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const lines = rest.split("\n");
      rest = done ? "" : lines.pop();
      const whole = lines.filter((line) => line.trim());
      if (whole.length) yield { lines: whole, at };
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Parse a line into `[code, value]`; throw a SyntaxError if it is not one. */
export function parseLine(line) {
  const colon = line.indexOf(":");
  if (colon < 1) throw new SyntaxError(`Not a line of the data stream: ${line.slice(0, 80)}`);
  return [line.slice(0, colon), JSON.parse(line.slice(colon + 1))];
}
