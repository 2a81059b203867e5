// Figures 2 to 5 with sliders: draws what `overlap` computes.
(() => {
  const widget = document.getElementById("overlap");
  const form = widget.querySelector("form").elements;
  const INPUTS = 10, SAMPLES = 840; // a multiple of every stride: tones fall on bins
  const FLOOR_DB = -120, TOP_DB = 40;
  const COPY_COLORS = 6;
  let state, copies, output, boundary, spectrum, waveformPlot, spectrumPlot;

  function layer() {
    return {
      upsampler: form.upsampler.value, length: form.size.valueAsNumber, stride: form.stride.valueAsNumber,
      random: form.weights.value === "random", seed: form.seed.valueAsNumber || 0,
    };
  }

  const number = (value, digits) => value.toFixed(digits).replace("-", "−");

  function fraction(k, stride) {
    const divisor = (a, b) => (b ? divisor(b, a % b) : a);
    const common = divisor(k, stride);
    return { top: k / common, bottom: stride / common, text: `${k / common}/${stride / common}` };
  }

  function atFraction(k, stride) {
    const { top, bottom } = fraction(k, stride);
    return `${top === 1 ? "" : `${top} · `}rate / ${bottom}`;
  }

  function saysOverlap({ upsampler, length, stride }) {
    const sizes = `Kernel size ${length}, stride ${stride}`;
    if (upsampler === "subpixel") {
      return `${sizes}: subpixel convolution interleaves the outputs of ${stride} ${stride === 1 ? "filter" : "filters"}, one per phase.`;
    }
    if (upsampler !== "transposed") {
      const name = upsampler === "nearest" ? "nearest-neighbor" : "linear";
      return `${sizes}: ${name} interpolation by a factor of ${stride}, then an ordinary convolution.`;
    }
    const fewest = Math.floor(length / stride), most = Math.ceil(length / stride);
    return `${sizes}: ` + {
      gaps: "gaps; where no copy of the filter reaches, the output is zero.",
      no: "no overlap; the copies of the filter lie side by side.",
      partial: `partial overlap; ${fewest} or ${most} copies of the filter meet, depending on the output sample.`,
      full: `full overlap; ${most} copies of the filter meet at every output sample, fewer at the borders.`,
    }[overlap.overlapOf(length, stride)];
  }

  function saysTone({ stride, random }, steady) {
    const weights = `With ${random ? "random" : "constant"} weights, the output for ones`;
    const levels = overlap.toneLevelsDb(steady, stride);
    const strongest = levels.reduce((best, level, index) => (level > levels[best] ? index : best), 0);
    // Rounding errors of phases that are equal.
    if (!levels.length || levels[strongest] < -250) {
      return `${weights} is constant${boundary.some(Boolean) ? " except at its borders" : ""}: no tone.`;
    }
    return `${weights} repeats every ${stride} samples: its strongest tone is at ${atFraction(strongest + 1, stride)}, ${number(levels[strongest], 1)} dB re the input.`;
  }

  function saysFilter({ upsampler, stride }) {
    const interpolates = upsampler === "nearest" || upsampler === "linear";
    if (stride === 1) { return "At stride 1, nothing is upsampled: the spectrum is that of the input, filtered."; }
    if (interpolates) {
      return `The interpolation attenuates what lies around multiples of rate / ${stride}, spectral images included: a filtering artifact, and no tone.`;
    }
    return `The spectrum of the input repeats at multiples of rate / ${stride}: spectral images, weighted by the filter.`;
  }

  function compute() {
    state = layer();
    const channels = overlap.inputs[form.input.value];
    const signal = channels[0](INPUTS);
    copies = overlap.contributions(state, signal);
    output = overlap.output(state, signal);
    boundary = overlap.boundary(state, INPUTS);
    const steady = channels.map((input) => overlap.steady(state, input, SAMPLES));
    spectrum = overlap.spectrumDb(steady);
    const second = form.input.value === "ones" ? saysTone(state, steady[0]) : saysFilter(state);
    widget.querySelector(".says").textContent = `${saysOverlap(state)} ${second}`;
    form.size_value.value = state.length;
    form.stride_value.value = state.stride;
    form.seed.disabled = !state.random;
  }

  function waveformData() {
    const at = (kept) => Array.from(output, (value, time) => (boundary[time] === kept ? value : null));
    return [Array.from(output, (_, time) => time), Array.from(output), at(false), at(true)];
  }

  function spectrumData() {
    const frequencies = Array.from(spectrum, (_, bin) => bin / SAMPLES);
    return [frequencies, Array.from(spectrum, (level) => Math.max(level, FLOOR_DB))];
  }

  // Positive contributions are stacked upwards from zero, negative ones downwards.
  function stacks() {
    const bars = [];
    for (let time = 0; time < output.length; time++) {
      let up = 0, down = 0;
      copies.forEach((copy, index) => {
        const value = copy[time], from = value > 0 ? up : down;
        if (value > 0) { up += value; } else { down += value; }
        if (value !== 0) { bars.push({ time, index, from, to: from + value }); }
      });
    }
    return bars;
  }

  function drawStacks(plot) {
    plots.within(plot, (ctx) => {
      for (const { time, index, from, to } of stacks()) {
        ctx.fillStyle = plots.color(`--copy-${index % COPY_COLORS}`)();
        const left = plot.valToPos(time - 0.45, "x", true), right = plot.valToPos(time + 0.45, "x", true);
        const y = plot.valToPos(to, "y", true), base = plot.valToPos(from, "y", true);
        ctx.fillRect(left, Math.min(y, base), right - left, Math.abs(y - base));
        ctx.strokeStyle = plots.color("--ground")();
        ctx.lineWidth = uPlot.pxRatio;
        ctx.strokeRect(left, Math.min(y, base), right - left, Math.abs(y - base));
      }
    });
  }

  // Bars count too, which may be higher than the sum.
  function waveformRange() {
    const ends = stacks().flatMap(({ from, to }) => [from, to]);
    const low = Math.min(0, ...ends), high = Math.max(0, ...ends);
    const margin = 0.08 * (high - low || 1);
    return [low < 0 ? low - margin : 0, high + margin];
  }

  function saysSample(time) {
    const terms = copies.flatMap((copy, index) => (copy[time] ? [`${number(copy[time], 2)} (input ${index})`] : []));
    return `Output sample ${time}: ${number(output[time], 2)}${terms.length ? ` = ${terms.join(" + ")}` : ""}${boundary[time] ? "; at the border" : ""}`;
  }

  function saysBin(bin) {
    const level = spectrum[bin] < FLOOR_DB ? `below ${number(FLOOR_DB, 0)}` : number(spectrum[bin], 1);
    return `${number(bin / SAMPLES, 4)} of the rate: ${level} dB`;
  }

  // While the cursor is over a plot, the text below it reads what is there.
  function readout(says, marks) {
    return (plot) => {
      const index = plots.pointedAt(plot, marks);
      const text = plot.root.closest(".plot").nextElementSibling;
      text.dataset.hint ??= text.textContent;
      text.textContent = index === null ? text.dataset.hint : says(index);
    };
  }

  const cursor = { drag: { x: false, y: false }, y: false };
  const points = (size, fill) => ({
    show: true, size, width: 1.5, stroke: plots.color("--ink"), fill: plots.color(fill),
  });

  function drawWaveform(place) {
    waveformPlot = plots.make(place, {
      height: 260,
      cursor: { ...cursor, points: { show: false } },
      scales: {
        x: { time: false, range: () => [-0.7, output.length - 0.3] },
        y: { range: waveformRange },
      },
      axes: [plots.axis("output sample", { size: 32, incrs: [1, 2, 5, 10, 20] }), plots.axis("amplitude", { size: 48 })],
      series: [
        {},
        { stroke: plots.color("--ink"), width: 1, points: { show: false } },
        { paths: () => null, points: points(5, "--ink") },
        { paths: () => null, points: points(6, "--ground") },
      ],
      hooks: { drawAxes: [drawStacks], setCursor: [readout(saysSample, () => [])] },
    }, waveformData());
  }

  function tones() {
    return Array.from({ length: Math.floor(state.stride / 2) }, (_, index) => ({
      at: (index + 1) / state.stride, label: fraction(index + 1, state.stride).text, color: "--bad",
    }));
  }

  function drawSpectrum(place) {
    spectrumPlot = plots.make(place, {
      height: 240,
      cursor,
      scales: { x: { time: false, range: () => [0, 0.5] }, y: { range: () => [FLOOR_DB, TOP_DB] } },
      axes: [plots.axis("frequency re the sampling rate", { size: 32 }), plots.axis("level (dB)", { size: 48 })],
      series: [{}, { stroke: plots.color("--accent"), width: 1.5, points: { show: false } }],
      hooks: { drawAxes: [plots.verticalLines(tones)], setCursor: [readout(saysBin, tones)] },
    }, spectrumData());
  }

  function update() {
    compute();
    waveformPlot?.setData(waveformData());
    spectrumPlot?.setData(spectrumData());
  }

  function show({ size, stride, weights }) {
    form.upsampler.value = "transposed";
    form.input.value = "ones";
    form.size.value = size;
    form.stride.value = stride;
    form.weights.value = weights;
    update();
  }

  plots.whenNear(widget, () => {
    compute();
    drawWaveform(widget.querySelector(".waveform"));
    drawSpectrum(widget.querySelector(".spectrum"));
  });
  widget.querySelector("form").addEventListener("input", update);
  widget.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  for (const button of widget.querySelectorAll(".presets button")) {
    button.addEventListener("click", () => show(button.dataset));
  }
})();
