// Images open large, and can be saved from there.

import { el } from "./dom.js";

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
