// Upsampling layers of one channel without bias, and the spectra of what they put out (sections 2
// to 4 of the paper). The tests compare every function with the library's.
const overlap = (() => {
  // Mulberry32, by Tommy Ettinger (public domain): 32 bits of state, uniform in [0, 1).
  function mulberry32(seed) {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let bits = Math.imul(state ^ (state >>> 15), 1 | state);
      bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
      return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  function uniform(count, bound, seed) {
    const random = mulberry32(seed);
    return Float64Array.from({ length: count }, () => bound * (2 * random() - 1));
  }

  // Each input sample adds a copy of the filter, `stride` samples after the one before it.
  function transposed(signal, weights, stride) {
    const output = new Float64Array((signal.length - 1) * stride + weights.length);
    signal.forEach((value, index) => {
      weights.forEach((weight, tap) => { output[index * stride + tap] += value * weight; });
    });
    return output;
  }

  // Keeps the length. A filter of even length gets one more zero on the right, as in the library.
  function convolved(signal, weights) {
    const before = Math.floor((weights.length - 1) / 2);
    return Float64Array.from(signal, (_, time) =>
      weights.reduce((sum, weight, tap) => sum + weight * (signal[time + tap - before] ?? 0), 0));
  }

  // As many filters as phases; the phases are interleaved (periodic shuffle).
  function subpixel(signal, filters) {
    const phases = filters.map((weights) => convolved(signal, weights));
    return Float64Array.from({ length: signal.length * filters.length }, (_, time) =>
      phases[time % filters.length][Math.floor(time / filters.length)]);
  }

  function nearest(signal, weights, stride) {
    const repeated = Float64Array.from({ length: signal.length * stride }, (_, time) =>
      signal[Math.floor(time / stride)]);
    return convolved(repeated, weights);
  }

  // Straight lines between the middles of the repeated samples; beyond them, the end is held.
  function linear(signal, weights, stride) {
    const last = signal.length - 1;
    const joined = Float64Array.from({ length: signal.length * stride }, (_, time) => {
      const position = Math.min(Math.max((time + 0.5) / stride - 0.5, 0), last);
      const left = Math.floor(position), right = Math.min(left + 1, last);
      return signal[left] + (position - left) * (signal[right] - signal[left]);
    });
    return convolved(joined, weights);
  }

  // The weights of a layer {upsampler, length, stride, random, seed}: one filter for each phase of a
  // subpixel convolution. Random weights have the distribution of torch's initialization: with one
  // input channel, uniform within 1 / sqrt(length).
  function filters({ upsampler, length, stride, random, seed }) {
    const count = upsampler === "subpixel" ? stride : 1;
    const weights = random ? uniform(count * length, 1 / Math.sqrt(length), seed)
      : new Float64Array(count * length).fill(1);
    return Array.from({ length: count }, (_, phase) => weights.slice(phase * length, (phase + 1) * length));
  }

  const layers = { transposed, nearest, linear, subpixel: (signal, weights, stride, all) => subpixel(signal, all) };

  function output(layer, signal) {
    const all = filters(layer);
    return layers[layer.upsampler](signal, all[0], layer.stride, all);
  }

  // What each input sample adds to the output: (inputs, time).
  function contributions(layer, signal) {
    return Array.from(signal, (value, index) =>
      output(layer, Float64Array.from(signal, (_, other) => (other === index ? value : 0))));
  }

  // `count` samples of the layer's output, far from its borders.
  function steady(layer, input, count) {
    const start = layer.length * layer.stride;
    const inputs = Math.ceil((2 * start + count) / layer.stride) + layer.length;
    return output(layer, input(inputs)).slice(start, start + count);
  }

  // Which samples of the output for ones differ from the steady state.
  function boundary(layer, inputs) {
    const ones = (count) => new Float64Array(count).fill(1);
    const short = output(layer, ones(inputs));
    const long = steady(layer, ones, short.length);
    return Array.from(short, (value, time) => Math.abs(value - long[time]) > 1e-6);
  }

  // The paper's words; a filter shorter than the stride leaves gaps.
  function overlapOf(length, stride) {
    if (length < stride) { return "gaps"; }
    return length === stride ? "no" : length % stride ? "partial" : "full";
  }

  // Levels of the tones of a signal that repeats every `stride` samples, at k * rate / stride for
  // k = 1 ... stride / 2, in dB re 1 (mean square), from the means of its phases.
  function toneLevelsDb(signal, stride) {
    const sums = new Float64Array(stride);
    const count = Math.floor(signal.length / stride);
    for (let time = 0; time < count * stride; time++) { sums[time % stride] += signal[time]; }
    return Array.from({ length: Math.floor(stride / 2) }, (_, index) => {
      const k = index + 1;
      let real = 0, imaginary = 0;
      sums.forEach((sum, phase) => {
        // Without the first phase's mean, the tones of a constant are exactly zero.
        const mean = (sum - sums[0]) / count, angle = (2 * Math.PI * ((k * phase) % stride)) / stride;
        real += mean * Math.cos(angle);
        imaginary -= mean * Math.sin(angle);
      });
      const power = (real ** 2 + imaginary ** 2) / stride ** 2;
      // Below half the rate, negative frequencies have as much power.
      return 10 * Math.log10(2 * k === stride ? power : 2 * power);
    });
  }

  // Modified Bessel function of the first kind, order 0: its power series.
  function bessel(x) {
    let sum = 1, term = 1;
    for (let k = 1; term > 1e-17 * sum; k++) { term *= (x / (2 * k)) ** 2; sum += term; }
    return sum;
  }

  // The window of the library's line spectrum: its side lobes lie at -220 dB.
  const kaiser = (() => {
    const windows = new Map();
    return (count, beta = 30) => {
      if (!windows.has(count)) {
        windows.set(count, Float64Array.from({ length: count }, (_, time) =>
          bessel(beta * Math.sqrt(1 - ((2 * time) / (count - 1) - 1) ** 2)) / bessel(beta)));
      }
      return windows.get(count);
    };
  })();

  // Mean power spectrum of some signals of equal length in dB re a sine of RMS 1, from 0 to half the
  // rate. A direct transform: a few hundred samples need no faster one.
  function spectrumDb(signals) {
    const count = signals[0].length, window = kaiser(count);
    const gain = window.reduce((sum, value) => sum + value, 0);
    const cosines = Float64Array.from({ length: count }, (_, time) => Math.cos((2 * Math.PI * time) / count));
    const sines = Float64Array.from({ length: count }, (_, time) => Math.sin((2 * Math.PI * time) / count));
    const power = new Float64Array(Math.floor(count / 2) + 1);
    for (const signal of signals) {
      const weighted = signal.map((value, time) => value * window[time]);
      for (let bin = 0; bin < power.length; bin++) {
        let real = 0, imaginary = 0;
        for (let time = 0, angle = 0; time < count; time++) {
          real += weighted[time] * cosines[angle];
          imaginary += weighted[time] * sines[angle];
          angle += bin;
          if (angle >= count) { angle -= count; }
        }
        power[bin] += (2 * (real ** 2 + imaginary ** 2)) / gain ** 2 / signals.length;
      }
    }
    return power.map((value) => 10 * Math.log10(value));
  }

  // Inputs of RMS 1 (impulses: of height 1); several channels where one is too irregular.
  const NOISE_CHANNELS = 8, IMPULSE_PERIOD = 4, SINE_PERIOD = 5;
  const inputs = {
    ones: [(count) => new Float64Array(count).fill(1)],
    sine: [(count) => Float64Array.from({ length: count }, (_, time) =>
      Math.SQRT2 * Math.sin((2 * Math.PI * (time % SINE_PERIOD)) / SINE_PERIOD))],
    noise: Array.from({ length: NOISE_CHANNELS }, (_, channel) => (count) =>
      uniform(count, Math.sqrt(3), 1000 + channel)),
    impulses: [(count) => Float64Array.from({ length: count }, (_, time) => Number(time % IMPULSE_PERIOD === 0))],
  };

  return {
    boundary, contributions, convolved, filters, inputs, kaiser, linear, mulberry32, nearest, output,
    overlapOf, spectrumDb, steady, subpixel, toneLevelsDb, transposed, uniform,
  };
})();
