// One sound at a time. The players work without it.
document.addEventListener("play", function (event) {
  stopLoop();
  document.querySelectorAll("audio").forEach(function (other) {
    if (other !== event.target) { other.pause(); }
  });
}, true);
// Hear it: a button repeats the second of its system; another one goes on at the same moment. Not by
// audio elements: Chromium cannot seek in a FLAC file of one second.
let context = null, loop = null;
function stopLoop() {
  if (loop) { loop.source.stop(); loop.button.setAttribute("aria-pressed", "false"); }
  loop = null;
}
async function startLoop(button) {
  context = context || new AudioContext();
  const file = await (await fetch(button.value)).arrayBuffer();
  const source = new AudioBufferSourceNode(context, { loop: true });
  source.buffer = await context.decodeAudioData(file);
  source.connect(context.destination);
  document.querySelectorAll("audio").forEach(function (player) { player.pause(); });
  const goesOn = loop && loop.button.parentElement === button.parentElement;
  const start = goesOn ? loop.start : context.currentTime;
  stopLoop();
  source.start(0, (context.currentTime - start) % source.buffer.duration);
  button.setAttribute("aria-pressed", "true");
  loop = { button: button, source: source, start: start };
}
document.querySelectorAll(".choices button").forEach(function (button) {
  button.addEventListener("click", function () {
    if (loop && loop.button === button) { stopLoop(); } else { startLoop(button); }
  });
});
