// Listen: one player for mixture, reference and systems. wavesurfer.js shows what is heard, with a
// playhead to seek; sound.js plays it, because wavesurfer.js cannot change sounds without a gap.
(() => {
  const block = document.querySelector(".listen");
  const seek = block.querySelector(".seek");
  const levels = block.querySelector(".level");
  const position = block.querySelector(".position");
  const [playButton, loopButton, matchButton] = ["play", "loop", "match"].map((action) =>
    block.querySelector(`[data-action=${action}]`));
  const sourceButtons = [...block.querySelectorAll("[data-source]")];
  const rowButtons = [...block.querySelectorAll("[data-row]")];
  const SEEK_SECONDS = 0.25;
  const WAVEFORM_PIXELS = 40, SPECTROGRAM_PIXELS = 220; // as in styles/sound.css
  const PLAYHEAD = "#19b5d8"; // seen on the spectrogram and on light and dark ground
  const FFT_SAMPLES = 512, BRIGHTEST_DB = -20, RANGE_DB = 80;
  const player = new sound.Player();
  let rows = null; // read when the section comes into sight
  let picture = null;
  let source = 0, row = 0;
  let matched = false;

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colors = () => ({ waveColor: style("--soft"), progressColor: style("--accent") });
  const pressed = (button, isPressed) => button.setAttribute("aria-pressed", String(isPressed));
  const gain_db = () => (matched ? rows[row].gains_db[source] : 0);

  function start() {
    if (rows) { return; }
    rows = pageData("listen").rows;
    picture = WaveSurfer.create({
      container: seek, media: player, height: WAVEFORM_PIXELS, dragToSeek: true, cursorWidth: 2,
      cursorColor: PLAYHEAD, ...colors(),
      plugins: [WaveSurfer.Spectrogram.create({
        height: SPECTROGRAM_PIXELS, fftSamples: FFT_SAMPLES, windowFunc: "blackman",
        scale: "linear", gainDB: -BRIGHTEST_DB, rangeDB: RANGE_DB, colorMap: "roseus",
      })],
    });
    choose(source, row);
  }

  // What is chosen is heard, and shown, from the same moment on.
  async function choose(newSource, newRow) {
    source = newSource;
    row = newRow;
    for (const button of sourceButtons) { pressed(button, Number(button.dataset.source) === source); }
    for (const button of rowButtons) { pressed(button, Number(button.dataset.row) === row); }
    const { uris } = rows[row];
    const chosen = uris[source % uris.length]; // the mixture is the same for all sources
    const buffer = await sound.decode(chosen);
    if (rows[row].uris[source % rows[row].uris.length] !== chosen) { return; } // chosen meanwhile
    player.setSound(buffer, 10 ** (gain_db() / 20));
    showLevel();
    await picture.load("", [buffer.getChannelData(0)], buffer.duration).catch(superseded);
    showPosition();
  }
  function superseded(error) {
    if (error.name !== "AbortError") { throw error; }
  }

  function showLevel() {
    const sign = gain_db() < 0 ? "−" : "+";
    levels.textContent = matched
      ? `Gain: ${sign}${Math.abs(gain_db()).toFixed(1)} dB, to the level of the reference`
      : "Levels as they are";
  }
  function showPosition() {
    const seconds = player.currentTime.toFixed(1);
    position.textContent = `${seconds} s of ${player.duration.toFixed(1)} s`;
    seek.setAttribute("aria-valuenow", seconds);
    seek.setAttribute("aria-valuetext", `${seconds} seconds`);
  }
  function follow() {
    showPosition();
    if (!player.paused) { requestAnimationFrame(follow); }
  }

  function move(seconds) {
    player.currentTime = (player.currentTime + seconds + player.duration) % player.duration;
  }
  function step(direction) { // among those that are not hidden
    const shown = rowButtons.filter((button) => !button.classList.contains("hidden-system"));
    const index = shown.findIndex((button) => Number(button.dataset.row) === row) + direction;
    choose(source, Number(shown[(index + shown.length) % shown.length].dataset.row));
  }
  function setMatched() {
    matched = !matched;
    pressed(matchButton, matched);
    choose(source, row);
  }
  function setLoop() {
    player.loop = !player.loop;
    pressed(loopButton, player.loop);
  }
  const toggle = () => (player.paused ? player.play() : player.pause());

  const keys = {
    p: toggle, l: setLoop, g: setMatched,
    ArrowUp: () => step(-1), ArrowDown: () => step(1),
    ArrowLeft: () => move(-SEEK_SECONDS), ArrowRight: () => move(SEEK_SECONDS),
  };
  for (const button of rowButtons) {
    const choice = () => choose(source, Number(button.dataset.row));
    button.addEventListener("click", choice);
    const key = button.getAttribute("aria-keyshortcuts");
    if (key) { keys[key] = () => { if (!button.classList.contains("hidden-system")) { choice(); } }; }
  }
  for (const button of sourceButtons) {
    button.addEventListener("click", () => choose(Number(button.dataset.source), row));
  }
  playButton.addEventListener("click", toggle);
  loopButton.addEventListener("click", setLoop);
  matchButton.addEventListener("click", setMatched);
  block.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) { return; }
    event.preventDefault();
    keys[event.key]();
  });

  player.addEventListener("play", () => { pressed(playButton, true); follow(); });
  player.addEventListener("pause", () => { pressed(playButton, false); showPosition(); });
  player.addEventListener("timeupdate", showPosition);
  document.addEventListener("systemschange", () => {
    if (rows && rowButtons[row].classList.contains("hidden-system")) { choose(source, 1); }
  });
  document.addEventListener("themechange", () => { if (picture) { picture.setOptions(colors()); } });

  // Decoding takes time: only when the section comes near.
  const observer = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) { observer.disconnect(); start(); }
  }, { rootMargin: "300px" });
  observer.observe(block);
})();
