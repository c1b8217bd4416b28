// A small menu below a button: arrow keys, Escape, and focus back to where it was.

import { el, icon } from "./dom.js";

let shut = () => {};

/** Open a menu below `button`. `items` are `{label, icon, act, danger?}`. */
export function openMenu(button, items) {
  const wasOpen = button.getAttribute("aria-expanded") === "true";
  shut();
  if (wasOpen) return;
  const close = (refocus) => {
    menu.remove();
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    if (refocus) button.focus();
    shut = () => {};
  };
  const outside = (event) => {
    if (!menu.contains(event.target) && !button.contains(event.target)) close(false);
  };
  const entries = items.map((item) =>
    el("button", {
      type: "button", role: "menuitem", tabindex: "-1", class: item.danger ? "danger" : "",
      on: { click: () => { close(true); item.act(); } },
    }, icon(item.icon), el("span", { text: item.label })));
  const menu = el("div", { class: "menu", role: "menu", "aria-label": button.getAttribute("aria-label") }, ...entries);
  menu.addEventListener("keydown", (event) => {
    const place = entries.indexOf(document.activeElement);
    const go = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: -1 }[event.key];
    if (go !== undefined) entries.at(go % entries.length).focus();
    else if (event.key === "Escape" || event.key === "Tab") close(true);
    else return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  });
  button.closest("nav, main").append(menu);
  const box = button.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(box.left, innerWidth - menu.offsetWidth - 8))}px`;
  const below = box.bottom + 4;
  menu.style.top = `${below + menu.offsetHeight > innerHeight ? box.top - menu.offsetHeight - 4 : below}px`;
  button.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  entries[0].focus();
  shut = () => close(false);
}
