// Files that go into a message itself, and those that it names.

const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const TEXT_BYTES = 1_000_000;

/** An image or a text as `{name, contentType, url}`; null for any other file. */
export async function attachmentOf(file) {
  const name = file.name || "attachment";
  if (IMAGES.includes(file.type)) return { name, contentType: file.type, url: await dataUrl(file) };
  if (file.size > TEXT_BYTES || file.type === "application/pdf") return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    if (text.includes("\0")) return null;
    const contentType = /^text\/[\w.+-]+$/.test(file.type) ? file.type : "text/plain";
    return { name, contentType, url: await dataUrl(new Blob([text], { type: contentType })) };
  } catch {
    return null;
  }
}

/** The documents that a stored message names, each `{id, name}`. */
export const documentsOf = ({ annotations = [] }) => annotations.find((note) => note?.type === "documents")?.documents ?? [];

function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
