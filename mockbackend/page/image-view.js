// Images open large, and can be saved from there.

import { el } from "./dom.js";

const LOOK_MS = 30;
const PATIENCE_MS = 3000;

const sizes = new Map(); // [width, height] by path, null where it did not come in time

/** A promise for the sizes of images, by their paths, if one is still unknown; it waits for a moment only. */
export function measured(paths) {
  const fresh = paths.filter((path) => !sizes.has(path));
  if (!fresh.length) return null;
  const images = fresh.map((src) => el("img", { src }));
  const late = performance.now() + PATIENCE_MS;
  return new Promise((resolve) => {
    const look = () => {
      const isWhole = images.every((image) => image.naturalWidth || image.complete);
      if (!isWhole && performance.now() < late) return void setTimeout(look, LOOK_MS);
      images.forEach(({ naturalWidth, naturalHeight }, index) => sizes.set(fresh[index], naturalWidth ? [naturalWidth, naturalHeight] : null));
      return resolve();
    };
    look();
  });
}

/** Give an image its room before it is there, if its size is known. */
export function makeRoom(image) {
  const [width, height] = sizes.get(image.getAttribute("src")) ?? [];
  if (!width) return;
  image.style.aspectRatio = `${width} / ${height}`;
  image.style.width = `min(${width}px, ${width / height} * var(--tallest))`;
}

/** Make an image open large. One that is a link stays that link. */
export function enlargeable(image) {
  if (image.closest("a") || !image.hasAttribute("src")) return;
  const link = el("a", {
    class: "image", href: image.getAttribute("src"), title: "Show the image large",
    on: {
      click: (event) => {
        // With a key held down it opens in a tab, as any link does.
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        enlarge(image);
      },
    },
  });
  image.replaceWith(link);
  link.append(image);
}

function enlarge({ src, alt }) {
  const dialog = el("dialog", { class: "large", "aria-label": alt || "Image" },
    el("img", { src, alt }),
    el("div", { class: "buttons" },
      el("a", { class: "plain", href: src, download: "", text: "Save" }),
      el("button", { type: "button", class: "solid", text: "Close", on: { click: () => dialog.close() } })));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  // Escape closes it, and stops no answer.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
