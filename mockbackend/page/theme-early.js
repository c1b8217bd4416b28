// Apply the chosen theme before the first paint. Not a module, since modules load too late.
try {
  const chosen = localStorage.getItem("mockbackend.theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch {
  // Without storage, the system's theme applies.
}
