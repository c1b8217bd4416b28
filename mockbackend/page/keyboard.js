// The keyboard of a phone: the page ends above it, so it never hides the message that is being written.

/** Keep the page as high as what is visible. Browsers that resize the page by themselves need nothing. */
export function stayAboveKeyboard() {
  const view = window.visualViewport;
  if (!view) return;
  const fit = () => {
    // A page that is magnified shows a part of itself on purpose.
    const covered = view.scale < 1.01 && view.height < innerHeight - 1;
    document.documentElement.style.setProperty("--visible", covered ? `${view.height}px` : "100dvh");
    // Safari scrolls the page up to show the field, which now stands higher by itself.
    if (covered) scrollTo(0, 0);
  };
  view.addEventListener("resize", fit);
  view.addEventListener("scroll", fit);
}
