// An answer's parts, built from the lines of a stream or from a stored message.
// Parts: {type: "text" | "reasoning", text} · {type: "tool", id, name, argsText, args, result, done, failed, approval, open}
//        {type: "source", source}
// Data that tools showed is apart: {type, id, name, data}, the last of each type and id.

// How the model, and who joins an answer, reads of a no.
export const DENIED = "The user said no to this call.";
const NOT_ANSWERED = "The user did not answer this call.";
const reported = new Set();

/** Warn the console, once, that this page leaves out what it does not know. */
function warn(unknown) {
  if (reported.has(unknown)) return;
  reported.add(unknown);
  console.warn(`This page does not know ${unknown} and leaves them out. Reload it: the server may be newer.`);
}

const isData = (item) => typeof item?.type === "string" && item.type.startsWith("data-");

export class Answer {
  constructor() {
    this.id = null;
    this.parts = [];
    this.data = [];
    this.error = null;
    this.incomplete = null; // "stopped", "interrupted", or "stored" where nobody knows which
    this.finish = null;
    this.usage = null;
    this.progress = null;
    this.#stepText = false;
  }

  #stepText;

  /** Apply one line of the stream. */
  apply(code, value) {
    if (code !== "2") this.progress = null;
    switch (code) {
      case "f":
        this.id = value.messageId;
        this.#stepText = false;
        break;
      case "0":
        this.#words("text", value);
        break;
      case "g":
        this.#words("reasoning", value);
        break;
      case "b":
        this.#tool(value.toolCallId, value.toolName);
        break;
      case "c":
        this.#tool(value.toolCallId).argsText += value.argsTextDelta;
        break;
      case "9":
        this.#tool(value.toolCallId, value.toolName).args = value.args;
        break;
      case "a":
        this.#result(this.#tool(value.toolCallId), value.result);
        break;
      case "aui-tool-call-approval":
        this.#tool(value.toolCallId).approval = value.approval;
        break;
      case "h":
        this.parts.push({ type: "source", source: value });
        break;
      case "2":
        for (const item of value) {
          if (item.type === "incomplete") this.incomplete = item.reason;
          else if (!isData(item)) this.progress = item;
        }
        break;
      case "8":
        for (const item of value.filter(isData)) this.#show(item);
        break;
      case "3":
        this.error = value;
        break;
      case "d":
        this.finish = value.finishReason;
        this.usage = value.usage;
        // It waits for what is to become of them.
        if (this.finish === "tool-calls") for (const tool of this.#undone) tool.open = true;
        break;
      case "e": // a step's end, which is not drawn
        break;
      default:
        warn(`lines that begin with "${code}:"`);
    }
  }

  /** An answer from a message of GET /conversations/{id}. */
  static of(message) {
    const answer = new Answer();
    answer.id = message.id;
    answer.finish = "stored";
    for (const part of message.parts ?? [{ type: "text", text: message.content }]) {
      if (part.type === "text") answer.parts.push({ type: "text", text: part.text });
      else if (part.type === "reasoning") answer.parts.push({ type: "reasoning", text: part.reasoning });
      else if (part.type === "source") answer.parts.push({ type: "source", source: part.source });
      else if (part.type === "tool-invocation") {
        const { toolCallId, toolName, args, result, approval, state } = part.toolInvocation;
        const tool = answer.#tool(toolCallId, toolName);
        Object.assign(tool, { args, approval });
        if (state === "call") tool.open = true;
        else answer.#result(tool, result);
      } else if (part.type !== "step-start") warn(`parts of the type "${part.type}"`);
    }
    const notes = message.annotations ?? [];
    for (const note of notes.filter(isData)) answer.#show(note);
    const cut = notes.find((note) => note?.type === "incomplete");
    answer.incomplete = cut ? "stored" : null;
    answer.error = cut?.error ?? null;
    return answer;
  }

  /** The text of all parts. */
  get text() {
    return this.parts.filter((part) => part.type === "text").map((part) => part.text).join("\n\n");
  }

  /** The tool calls that wait for a yes or no, or for the result of another program. */
  get open() {
    return this.parts.filter((part) => part.open);
  }

  get #undone() {
    return this.parts.filter((part) => part.type === "tool" && !part.done);
  }

  /** It goes on after a wait. */
  goOn() {
    this.finish = this.error = this.incomplete = null;
  }

  /** The result of a call is known here. */
  settle(tool, result) {
    this.#result(tool, result);
  }

  /** What was open has been left: the user has written something else instead. */
  leave() {
    for (const tool of this.open) this.#result(tool, { error: NOT_ANSWERED });
  }

  /** Whether this is an image that was requested in image mode. */
  get isImage() {
    return !this.parts.some((part) => part.type === "tool") && this.text.startsWith("![Generated Image](");
  }

  #words(type, text) {
    const last = this.parts.at(-1);
    if (last?.type === type && (type !== "text" || this.#stepText)) last.text += text;
    else this.parts.push({ type, text });
    if (type === "text") this.#stepText = true;
  }

  #show({ type, id, data }) {
    const at = this.data.findIndex((one) => one.type === type && one.id === id);
    this.data.splice(at < 0 ? this.data.length : at, 1, { type, id, name: type.slice(5), data });
  }

  #tool(named, name = "") {
    // assistant-ui can take what comes of a call after a yes only as another call.
    const id = named.replace(/#result$/, "");
    let tool = this.parts.find((part) => part.type === "tool" && part.id === id);
    if (!tool) {
      tool = { type: "tool", id, name, argsText: "", args: undefined, result: undefined, done: false, failed: false, open: false };
      this.parts.push(tool);
    }
    return tool;
  }

  #result(tool, result) {
    tool.result = result;
    tool.done = true;
    tool.open = false;
    tool.failed = typeof result?.error === "string";
    tool.denied = tool.failed && result.error.startsWith(DENIED);
  }
}
