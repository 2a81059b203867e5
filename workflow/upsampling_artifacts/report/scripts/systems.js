// The systems of the experiment, for the whole page. Any element with a data-system attribute is
// hidden together with its system, and dimmed while another system is highlighted. Plots that are
// drawn by scripts listen to the event "systemschange" of the document.
const systems = (() => {
  const list = pageData("systems"); // [{name, label, color, symbol}, ...]
  const hidden = new Set();
  let highlighted = null;

  function show() {
    for (const element of document.querySelectorAll("[data-system]")) {
      const name = element.dataset.system;
      element.classList.toggle("hidden-system", hidden.has(name));
      element.classList.toggle("dimmed-system", highlighted !== null && highlighted !== name);
    }
    document.dispatchEvent(new CustomEvent("systemschange"));
  }

  return {
    list,
    find: (name) => list.find((system) => system.name === name),
    isHidden: (name) => hidden.has(name),
    isDimmed: (name) => highlighted !== null && highlighted !== name,
    setHidden(names, isHidden) {
      for (const name of names) {
        if (isHidden) { hidden.add(name); } else { hidden.delete(name); }
      }
      show();
    },
    highlight(name) {
      if (highlighted !== name) { highlighted = name; show(); }
    },
  };
})();

// The list of systems beside the contents: a click hides or shows, pointing at one highlights it.
for (const button of document.querySelectorAll(".system-switch")) {
  const name = button.value;
  button.style.setProperty("--symbol", `"${systems.find(name).symbol}"`);
  button.addEventListener("click", () => systems.setHidden([name], !systems.isHidden(name)));
  for (const event of ["pointerenter", "focus"]) {
    button.addEventListener(event, () => systems.highlight(systems.isHidden(name) ? null : name));
  }
  for (const event of ["pointerleave", "blur"]) {
    button.addEventListener(event, () => systems.highlight(null));
  }
}
for (const button of document.querySelectorAll(".all-systems")) {
  button.addEventListener("click", () =>
    systems.setHidden(systems.list.map((system) => system.name), button.value === "hide"));
}
document.addEventListener("systemschange", () => {
  for (const button of document.querySelectorAll(".system-switch")) {
    button.setAttribute("aria-pressed", String(!systems.isHidden(button.value)));
  }
});
