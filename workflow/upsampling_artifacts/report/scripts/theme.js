// Light or dark: as the reader's system says, or as chosen on the page. Plots that are drawn by
// scripts listen to the event "themechange" of the document.
(() => {
  const button = document.getElementById("theme");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  function set(theme) {
    document.documentElement.dataset.theme = theme;
    button.setAttribute("aria-pressed", String(theme === "dark"));
    document.dispatchEvent(new CustomEvent("themechange"));
  }
  set(prefersDark.matches ? "dark" : "light");
  prefersDark.addEventListener("change", () => set(prefersDark.matches ? "dark" : "light"));
  button.addEventListener("click", () =>
    set(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
})();
