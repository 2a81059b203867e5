// The claims: show the measurements of one verdict, or all.
(() => {
  const buttons = document.querySelectorAll("#claims .filter button");
  const groups = document.querySelectorAll("#claim-table tbody");
  function show(verdict) {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.value === verdict));
    }
    for (const group of groups) {
      const rows = [...group.querySelectorAll("[data-verdict]")];
      for (const row of rows) { row.hidden = verdict !== "" && row.dataset.verdict !== verdict; }
      group.hidden = rows.every((row) => row.hidden);
    }
  }
  for (const button of buttons) { button.addEventListener("click", () => show(button.value)); }
})();
