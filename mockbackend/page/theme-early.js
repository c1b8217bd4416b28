// Before the first paint: the look that was chosen. Not a module, since those wait.
try {
  const chosen = localStorage.getItem("mockbackend.theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch {
  // No storage: the system's look.
}
