// Chooses light or dark before anything is painted, and keeps Gradio to it.
(() => {
  const KEY = "parley.theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const asked = new URLSearchParams(location.search).get("__theme");
  let chosen = asked === "dark" || asked === "light" ? asked : null;
  try { chosen ??= localStorage.getItem(KEY); } catch { /* storage is off: the system decides */ }
  const apply = () => {
    const theme = chosen ?? (system.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    document.body?.classList.toggle("dark", theme === "dark");
    return theme;
  };
  window.parleyThemeChoice = () => chosen ?? "system";
  window.parleyTheme = (wanted = apply() === "dark" ? "light" : "dark") => {
    chosen = wanted === "system" ? null : wanted;
    try {
      if (chosen) localStorage.setItem(KEY, chosen);
      else localStorage.removeItem(KEY);
    } catch { /* it lasts until the page is left */ }
    return apply();
  };
  system.addEventListener("change", apply);
  apply();
  // Whoever sends before the page is wired is served once it is (static/main.js).
  window.parleyWired = new Promise((wired) => { window.parleyIsWired = wired; });
  addEventListener("DOMContentLoaded", () => {
    apply();
    new MutationObserver(apply).observe(document.body, { attributeFilter: ["class"] });
  });
})();
