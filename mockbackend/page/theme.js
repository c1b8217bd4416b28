// Light or dark theme: the system's, until the user chooses.

const KEY = "mockbackend.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Make the button switch the theme. */
export function themeButton(button) {
  const now = () => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  const label = () => {
    const words = now() === "dark" ? "Light theme" : "Dark theme";
    button.setAttribute("aria-label", words);
    button.title = words;
  };
  button.addEventListener("click", () => {
    const next = now() === "dark" ? "light" : "dark";
    if (next === (dark.matches ? "dark" : "light")) {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem(KEY);
    } else {
      document.documentElement.dataset.theme = next;
      localStorage.setItem(KEY, next);
    }
    label();
  });
  dark.addEventListener("change", label);
  label();
}
