// What the page's interactive plots (uPlot) share: colors that follow the theme, width, marks.
const plots = (() => {
  const FONT = "12px system-ui, sans-serif";

  // A function, because the color depends on the theme at the time of drawing.
  function color(name) {
    return () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  // Lighter in the dark, where some systems' colors would hardly be seen.
  function systemColor(system) {
    return () => (document.documentElement.dataset.theme === "dark"
      ? `color-mix(in oklab, ${system.color} 65%, white)` : system.color);
  }

  function axis(label, options = {}) {
    const lines = { stroke: color("--line"), width: 1 };
    return {
      label, font: FONT, labelFont: FONT, labelSize: 18, stroke: color("--soft"),
      grid: lines, ticks: { ...lines, size: 4 }, ...options,
    };
  }

  // Draws in the plot's own coordinates, cut off at its frame.
  function within(plot, draw) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    draw(ctx);
    ctx.restore();
  }

  // A hook that draws vertical lines; marks() gives a list of {at, label, color}, color being the
  // name of a variable. A label that does not fit beside the one before it is left out.
  function verticalLines(marks) {
    return (plot) => within(plot, (ctx) => {
      const { top, height } = plot.bbox;
      ctx.font = FONT.replace("12px", `${11 * uPlot.pxRatio}px`);
      ctx.textBaseline = "top";
      ctx.textAlign = "left";
      ctx.setLineDash([4 * uPlot.pxRatio, 3 * uPlot.pxRatio]);
      ctx.lineWidth = uPlot.pxRatio;
      let free = -Infinity;
      for (const mark of marks()) {
        const x = Math.round(plot.valToPos(mark.at, "x", true));
        ctx.strokeStyle = ctx.fillStyle = color(mark.color)();
        ctx.beginPath();
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + height);
        ctx.stroke();
        const width = ctx.measureText(mark.label).width;
        const left = Math.min(x + 4 * uPlot.pxRatio, plot.bbox.left + plot.bbox.width - width);
        if (mark.label && left >= free) {
          ctx.fillText(mark.label, left, top + 3 * uPlot.pxRatio);
          free = left + width + 6 * uPlot.pxRatio;
        }
      }
    });
  }

  // The index of the value under the pointer, or null. Near a mark, that of the mark: on a narrow
  // page, a pixel is wider than a tone.
  function pointedAt(plot, marks) {
    const { idx, left } = plot.cursor;
    if (idx == null || left < 0) { return null; }
    const near = marks().find(({ at }) => Math.abs(plot.valToPos(at, "x") - left) <= 4);
    return near ? plot.valToIdx(near.at) : idx;
  }

  // A plot that is as wide as its place and redrawn when the theme changes.
  function make(place, options, data) {
    const height = options.height;
    const plot = new uPlot({ width: place.clientWidth, legend: { show: false }, ...options }, data, place);
    new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height })).observe(place);
    document.addEventListener("themechange", () => plot.redraw());
    return plot;
  }

  // Plots cost time, so they are drawn when the reader comes near them.
  function whenNear(element, draw) {
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) { observer.disconnect(); draw(); }
    }, { rootMargin: "400px" });
    observer.observe(element);
  }

  return { axis, color, make, pointedAt, systemColor, verticalLines, whenNear, within };
})();
