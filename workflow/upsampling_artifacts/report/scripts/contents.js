// The contents: open beside a wide page, closed above a narrow one, the section in sight marked.
(() => {
  const wide = matchMedia("(min-width: 72rem)");
  const parts = document.querySelectorAll(".beside details");
  function fold() {
    for (const part of parts) { part.open = wide.matches; }
  }
  fold();
  wide.addEventListener("change", fold);

  const links = [...document.querySelectorAll(".beside nav a")];
  for (const link of links) {
    link.addEventListener("click", () => { if (!wide.matches) { fold(); } });
  }
  const inSight = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) { inSight.add(entry.target.id); } else { inSight.delete(entry.target.id); }
    }
    const current = links.find((link) => inSight.has(link.hash.slice(1)));
    for (const link of links) {
      if (link === current) { link.setAttribute("aria-current", "true"); } else { link.removeAttribute("aria-current"); }
    }
  }, { rootMargin: "-10% 0px -60% 0px" });
  for (const link of links) { observer.observe(document.querySelector(link.hash)); }
})();
