// The sound of the page: players of which one at a time is heard. Not by audio elements: they cannot
// go on with another sound at the same sample, and Chromium's cannot seek in a FLAC file of a second.
const sound = (() => {
  const FADE_SECONDS = 0.005; // from one sound to the next: without it, each change would click
  const AHEAD_SECONDS = 0.05; // more than the browser renders at once, so that a change is on time
  const rate_hz = pageData("sound").rate_hz;
  const decoded = new Map();
  let context = null;
  let heard = null;

  // At the rate of the sounds, so that no browser interpolates between their samples. A browser
  // opens the context only once its user has pressed something.
  function open() {
    context = context || new AudioContext({ sampleRate: rate_hz });
    return context.resume();
  }

  // The samples of a data URI, at their own rate.
  function decode(uri) {
    if (!decoded.has(uri)) {
      const decoder = new OfflineAudioContext(1, 1, rate_hz);
      decoded.set(uri, fetch(uri).then((file) => file.arrayBuffer())
        .then((bytes) => decoder.decodeAudioData(bytes)));
    }
    return decoded.get(uri);
  }

  // Plays one of many sounds of equal length; another one goes on at the same moment. It has the
  // properties and events of a media element, so that wavesurfer.js can show it.
  class Player extends EventTarget {
    #loop = true;
    #buffer = null;
    #gain = 1;
    #voice = null; // what is heard: { node, gain, level }
    #origin = 0; // when playing: the context's time at position 0
    #position = 0; // when paused

    get paused() { return this.#voice === null; }
    get duration() { return this.#buffer ? this.#buffer.duration : NaN; }
    get currentTime() { return this.paused ? this.#position : this.#positionAt(context.currentTime); }
    set currentTime(seconds) {
      this.#position = Math.min(Math.max(seconds, 0), this.duration || 0);
      if (!this.paused) { this.#change(this.#position); }
      this.dispatchEvent(new Event("timeupdate"));
    }

    setSound(buffer, gain = 1) {
      this.#buffer = buffer;
      this.#gain = gain;
      if (!this.paused) { this.#change(null); }
    }

    get loop() { return this.#loop; }
    set loop(loop) {
      if (!this.paused) {
        const repeats = Math.floor((context.currentTime - this.#origin) / this.duration);
        this.#origin += Math.max(repeats, 0) * this.duration;
        this.#voice.node.loop = loop;
      }
      this.#loop = loop;
    }

    async play() {
      await open();
      if (!this.paused || !this.#buffer) { return; }
      for (const other of document.querySelectorAll("audio")) { other.pause(); }
      if (heard && heard !== this) { heard.pause(); }
      heard = this;
      this.#change(this.#position);
      this.dispatchEvent(new Event("play"));
    }

    pause() {
      if (this.paused) { return; }
      this.#position = this.currentTime;
      this.#silence(context.currentTime);
      this.dispatchEvent(new Event("pause"));
    }

    #positionAt(time) {
      const position = Math.max(time - this.#origin, 0);
      return this.loop ? position % this.duration : Math.min(position, this.duration);
    }

    // Plays from a position on; from that of the sound before, if it is null.
    #change(position) {
      const time = context.currentTime + AHEAD_SECONDS;
      const offset = position === null ? this.#positionAt(time) : position;
      this.#silence(time);
      const node = new AudioBufferSourceNode(context, { buffer: this.#buffer, loop: this.loop });
      const gain = new GainNode(context, { gain: 0 });
      gain.gain.setValueAtTime(0, time).linearRampToValueAtTime(this.#gain, time + FADE_SECONDS);
      node.connect(gain).connect(context.destination);
      node.start(time, offset);
      node.onended = () => {
        if (this.#voice && this.#voice.node === node) { this.#end(); }
      };
      this.#voice = { node, gain: gain.gain, level: this.#gain };
      this.#origin = time - offset;
    }

    #silence(time) {
      if (!this.#voice) { return; }
      const { node, gain, level } = this.#voice;
      gain.setValueAtTime(level, time).linearRampToValueAtTime(0, time + FADE_SECONDS);
      node.stop(time + FADE_SECONDS);
      this.#voice = null;
    }

    #end() {
      this.#voice = null;
      this.#position = 0;
      this.dispatchEvent(new Event("pause"));
      this.dispatchEvent(new Event("timeupdate"));
    }
  }

  document.addEventListener("play", (event) => {
    for (const other of document.querySelectorAll("audio")) {
      if (other !== event.target) { other.pause(); }
    }
    if (heard) { heard.pause(); }
  }, true);

  return { decode, Player };
})();
