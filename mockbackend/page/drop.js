// Files dragged onto the page.

import { byId } from "./dom.js";

/** Call `take(files)` with what is dropped on `target`. */
export function takeDrops(target, take) {
  let depth = 0;
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const shown = (over) => { byId("drop").hidden = !over; };
  target.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    shown(true);
  });
  target.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth -= 1;
    if (depth <= 0) shown(false);
  });
  target.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  target.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    shown(false);
    take(event.dataTransfer.files);
  });
}
