// The spectrum explorer: one curve per system and stage, of one input at a time.
(() => {
  const section = document.getElementById("spectra");
  const form = section.querySelector("form").elements;
  const place = section.querySelector(".plot");
  const STAGES = { initialization: "before training", trained: "after training" };
  const LOWEST_DB = -170; // below, rounding errors
  let data, curves, plot, singled = null;

  const number = (value) => (value === null ? "zero" : value.toFixed(1).replace("-", "−"));
  const khz = (hz) => `${(hz / 1000).toFixed(3)} kHz`;
  const level = (system, stage, bin) => data.levels_db[system][stage][form.signal.value][bin];
  const stages = () => Object.keys(STAGES).filter((stage) => [stage, "both"].includes(form.stage.value));
  const isShown = (curve) => stages().includes(curve.stage) && !systems.isHidden(curve.system.name);

  function plotData() {
    return [data.frequencies_hz, ...curves.map(({ system, stage }) =>
      data.levels_db[system.name][stage][form.signal.value])];
  }

  // Not by uPlot's own focus, which after a drag outlasts the pointer.
  function color({ system }) {
    const isPale = systems.isDimmed(system.name) || (singled !== null && singled !== system.name);
    const full = plots.systemColor(system)();
    return isPale ? `color-mix(in srgb, ${full} 20%, transparent)` : full;
  }

  function seriesOf(curve) {
    return {
      label: `${curve.system.label}, ${STAGES[curve.stage]}`, stroke: () => color(curve), width: 1.5, show: isShown(curve), points: { show: false },
      dash: curve.stage === "initialization" ? [5, 4] : undefined,
    };
  }

  function marks() {
    return data.marks.map(({ hz, label, last }) => ({
      at: hz, label: last ? `${label} rate: tone or valley` : label, color: last ? "--bad" : "--soft",
    }));
  }

  // Whole tens of dB around what is shown.
  function levelRange(_, low, high) {
    if (low == null) { return [-100, 0]; }
    return [Math.max(LOWEST_DB, 10 * Math.floor(low / 10)), 10 * Math.ceil((high + 1) / 10)];
  }

  // Frequency and levels at the chosen bin, in the list below the plot.
  function read(bin) {
    form.bin.value = bin;
    form.frequency.value = khz(data.frequencies_hz[bin]);
    for (const item of section.querySelectorAll(".levels li")) {
      const levels = stages().map((stage) => level(item.dataset.system, stage, bin));
      const unit = levels.some((value) => value !== null) ? " dB" : "";
      item.querySelector("output").value = levels.map(number).join(" → ") + unit;
    }
  }

  function readPointed(plot) {
    const bin = plots.pointedAt(plot, marks);
    if (bin !== null) { read(bin); }
  }

  function single(name) {
    if (name === singled) { return; }
    singled = name;
    for (const item of section.querySelectorAll(".levels li")) {
      item.classList.toggle("singled", item.dataset.system === name);
    }
    // Later, because uPlot may be drawing now, and then ignores that it should draw again.
    requestAnimationFrame(() => plot.redraw(false));
  }

  function draw() {
    data = pageData("spectra");
    curves = systems.list.flatMap((system) => Object.keys(STAGES).map((stage) => ({ system, stage })));
    plot = plots.make(place, {
      height: 380,
      scales: { x: { time: false }, y: { range: levelRange } },
      axes: [
        plots.axis("frequency (kHz)", { size: 32, values: (_, hz) => hz.map((value) => value / 1000) }),
        plots.axis("level (dB)", { size: 52 }),
      ],
      series: [{}, ...curves.map(seriesOf)],
      cursor: { y: false, focus: { prox: 20 }, points: { size: 6 } },
      focus: { alpha: 1 },
      hooks: {
        drawAxes: [plots.verticalLines(marks)],
        setCursor: [readPointed],
        setSeries: [(_, index) => single(index == null ? null : curves[index - 1].system.name)],
      },
    }, plotData());
    plot.over.addEventListener("pointerleave", () => single(null));
    read(form.bin.valueAsNumber);
  }

  // Keeps the zoom.
  function update() {
    if (!plot) { return; }
    const { min, max } = plot.scales.x;
    plot.batch(() => {
      curves.forEach((curve, index) => {
        plot.setSeries(index + 1, { show: isShown(curve) }, false);
      });
      plot.setData(plotData());
      plot.setScale("x", { min, max });
    });
    read(form.bin.valueAsNumber);
  }

  function moveCursor() {
    const bin = form.bin.valueAsNumber;
    const left = plot.valToPos(data.frequencies_hz[bin], "x");
    plot.setCursor({ left, top: plot.cursor.top < 0 ? 0 : plot.cursor.top }, false);
    read(bin);
  }

  function wholeSpectrum() {
    const { frequencies_hz } = data;
    plot.setScale("x", { min: frequencies_hz[0], max: frequencies_hz[frequencies_hz.length - 1] });
  }

  function save(url, ending) {
    const link = document.createElement("a");
    link.href = url;
    link.download = `spectra_${form.signal.value}.${ending}`;
    link.click();
  }

  function saveCsv() {
    const shown = curves.filter(isShown);
    const names = shown.map(({ system, stage }) => `${system.name}_${stage}_db`);
    const rows = data.frequencies_hz.map((hz, bin) =>
      [hz, ...shown.map(({ system, stage }) => level(system.name, stage, bin) ?? "")].join(","));
    const text = [["frequency_hz", ...names].join(","), ...rows, ""].join("\n");
    save(URL.createObjectURL(new Blob([text], { type: "text/csv" })), "csv");
  }

  // The plot with a legend below it, on the page's ground.
  function savePng() {
    const shown = curves.filter(isShown), source = plot.ctx.canvas, ratio = uPlot.pxRatio;
    const canvas = document.createElement("canvas"), line = 18 * ratio;
    canvas.width = source.width;
    canvas.height = source.height + (shown.length + 1) * line;
    const ctx = canvas.getContext("2d");
    ctx.fillStyle = plots.color("--ground")();
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    ctx.drawImage(source, 0, 0);
    ctx.font = `${12 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = "middle";
    ctx.lineWidth = 2 * ratio;
    shown.forEach((curve, index) => {
      const y = source.height + (index + 0.7) * line;
      ctx.strokeStyle = color(curve);
      ctx.setLineDash(curve.stage === "initialization" ? [5 * ratio, 4 * ratio] : []);
      ctx.beginPath();
      ctx.moveTo(10 * ratio, y);
      ctx.lineTo(40 * ratio, y);
      ctx.stroke();
      ctx.fillStyle = plots.color("--ink")();
      ctx.fillText(`${curve.system.label}, ${STAGES[curve.stage]}`, 48 * ratio, y);
    });
    save(canvas.toDataURL("image/png"), "png");
  }

  const actions = { reset: wholeSpectrum, csv: saveCsv, png: savePng };
  plots.whenNear(section, draw);
  form.signal.addEventListener("input", update);
  for (const radio of form.stage) { radio.addEventListener("input", update); }
  form.bin.addEventListener("input", moveCursor);
  for (const button of section.querySelectorAll(".buttons button")) {
    button.addEventListener("click", () => actions[button.value]());
  }
  section.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("systemschange", update);
})();
