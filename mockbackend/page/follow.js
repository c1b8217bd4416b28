// Scrolling along with a growing conversation until the reader scrolls up.

const NEAR = 48;

export class Follow {
  /** `scroller` scrolls `content`; `toEnd` is the button that returns to the end. */
  constructor(scroller, content, toEnd) {
    this.pinned = true;
    this.#scroller = scroller;
    let last = 0;
    scroller.addEventListener("scroll", () => {
      const top = scroller.scrollTop;
      const below = scroller.scrollHeight - top - scroller.clientHeight;
      if (top < last - 1 && below > 4) this.pinned = false;
      if (below < NEAR && top >= last) this.pinned = true;
      last = top;
      toEnd.hidden = this.pinned || this.#resting || below < NEAR;
    }, { passive: true });
    toEnd.addEventListener("click", () => this.pin());
    // At once: a scroll that the browser animates would run after an answer that grows meanwhile.
    document.addEventListener("keydown", (event) => {
      if (event.key !== "End" || event.shiftKey || event.altKey || event.defaultPrevented) return;
      if (!meansAll(event.target, scroller)) return;
      event.preventDefault();
      this.pin();
    });
    // Runs between layout and paint, so every frame shows the end in place.
    const sizes = new ResizeObserver(() => {
      if (this.pinned) this.#end();
      else toEnd.hidden = this.#resting || scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
    });
    sizes.observe(content);
    sizes.observe(scroller);
  }

  #scroller;
  #resting = false; // nothing is there that grows

  /** Show the beginning of what does not grow. */
  rest() {
    this.pinned = false;
    this.#resting = true;
    this.#scroller.scrollTop = 0;
  }

  /** Scroll to the end and stay there. */
  pin() {
    this.pinned = true;
    this.#resting = false;
    this.#end();
  }

  #end() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

/** Whether a key that is pressed here means the conversation, and no text or part that scrolls by itself. */
function meansAll(target, scroller) {
  if (target.matches("input, textarea")) return target.id === "message" && !target.value;
  if (!scroller.contains(target)) return target === document.body;
  return target === scroller || target.scrollHeight <= target.clientHeight + 1 || getComputedStyle(target).overflowY === "visible";
}
