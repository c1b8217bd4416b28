// Reading the UI message stream of AI SDK 5 and later: its frames as the lines of the data stream that say the same.

import { DENIED } from "./answer.js";
import { parseLine } from "./stream.js";

/** The lines, `[code, value]`, for a frame of either stream. */
export function linesOf(frame, answer) {
  if (!frame.startsWith("data:") && !frame.startsWith(":")) return [parseLine(frame)];
  const said = frame.replace(/^data: ?/, "");
  // A comment keeps the connection alive.
  if (frame.startsWith(":") || said === "[DONE]") return [];
  const chunk = JSON.parse(said);
  const { type, toolCallId, toolName } = chunk;
  switch (type) {
    case "start": return [["f", { messageId: chunk.messageId }]];
    case "start-step": return [["f", { messageId: answer.id }]];
    case "text-delta": return [["0", chunk.delta]];
    case "reasoning-delta": return [["g", chunk.delta]];
    case "tool-input-start": return [["b", { toolCallId, toolName }]];
    case "tool-input-delta": return [["c", { toolCallId, argsTextDelta: chunk.inputTextDelta }]];
    case "tool-input-available": return [["9", { toolCallId, toolName, args: chunk.input }]];
    case "tool-output-available": return [["a", { toolCallId, result: chunk.output }]];
    case "tool-output-error": return [["a", { toolCallId, result: { error: chunk.errorText } }]];
    case "tool-approval-request": return [["aui-tool-call-approval", { toolCallId, approval: { id: chunk.approvalId } }]];
    case "tool-output-denied": return [["a", { toolCallId, result: { error: DENIED } }]];
    case "source-url": return [["h", { sourceType: "url", id: chunk.sourceId, url: chunk.url, title: chunk.title }]];
    case "source-document": return [["h", { sourceType: "url", id: chunk.sourceId, url: chunk.providerMetadata?.mockbackend?.url, title: chunk.title }]];
    case "error": return [["3", chunk.errorText]];
    case "finish": return [["d", { finishReason: chunk.finishReason, usage: chunk.messageMetadata?.usage }]];
    case "text-start": case "text-end": case "reasoning-start": case "reasoning-end": case "finish-step": return [];
    default: return type.startsWith("data-") ? [dataLine(chunk)] : [[type, null]];
  }
}

// What the service itself reports is transient too, and has no id.
function dataLine({ type, id, data, transient }) {
  if (id === undefined) return ["2", [{ type: type.slice(5), ...data }]];
  return [transient ? "2" : "8", [{ type, id, data }]];
}
