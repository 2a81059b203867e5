// Every figure opens full size, and is saved as svg, as png, or as the numbers that it shows.
(() => {
  // At 96 CSS pixels to an inch, a figure (in points, 72 to an inch) is 4/3 of its units wide.
  const PIXELS_PER_UNIT = 2 * 96 / 72;

  const dialog = document.createElement("dialog");
  dialog.className = "full-size";
  dialog.setAttribute("aria-label", "Figure at full size");
  const close = button("Close", () => dialog.close());
  const sheet = document.createElement("div");
  dialog.append(close, sheet);
  document.body.append(dialog);
  let shown = null; // {picture, home}: the picture moves, because its identifiers must stay unique
  dialog.addEventListener("close", () => shown.home.append(shown.picture));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) { dialog.close(); } });

  function open(picture) {
    shown = { picture, home: picture.parentElement };
    sheet.append(picture);
    dialog.showModal();
  }

  function button(text, action) {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    element.addEventListener("click", action);
    return element;
  }

  function save(name, blob) {
    const link = document.createElement("a");
    link.download = name;
    link.href = URL.createObjectURL(blob);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // The picture as a file of its own, without hidden systems.
  function svgText(picture, width, height) {
    const copy = picture.cloneNode(true);
    for (const element of copy.querySelectorAll(".hidden-system")) { element.remove(); }
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    return new XMLSerializer().serializeToString(copy);
  }

  async function pngBlob(picture) {
    const { width, height } = picture.viewBox.baseVal;
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * PIXELS_PER_UNIT);
    canvas.height = Math.round(height * PIXELS_PER_UNIT);
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(picture, canvas.width, canvas.height))}`;
    await image.decode();
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  // Python has compressed the numbers by gzip.
  async function csvBlob(numbers) {
    const { body } = await fetch(`data:application/gzip;base64,${numbers}`);
    const text = await new Response(body.pipeThrough(new DecompressionStream("gzip"))).text();
    return new Blob([text], { type: "text/csv" });
  }

  for (const drawing of document.querySelectorAll(".drawing")) {
    const { name, numbers } = drawing.dataset;
    const picture = drawing.querySelector("svg");
    const { width, height } = picture.viewBox.baseVal;
    const tools = document.createElement("div");
    tools.className = "figure-tools";
    tools.setAttribute("role", "group");
    tools.setAttribute("aria-label", "This figure");
    tools.append(
      button("Full size", () => open(picture)),
      button("PNG", async () => save(`${name}.png`, await pngBlob(picture))),
      button("SVG", () => save(`${name}.svg`,
        new Blob([svgText(picture, `${width}pt`, `${height}pt`)], { type: "image/svg+xml" }))));
    if (numbers) {
      tools.append(button("CSV", async () => save(`${name}.csv`, await csvBlob(numbers))));
    }
    drawing.append(tools);
  }
})();
