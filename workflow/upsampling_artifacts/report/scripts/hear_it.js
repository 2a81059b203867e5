// Hear it: a button repeats the second of its system; pressed again, it stops. Another button of the
// same group goes on at the same moment.
for (const group of document.querySelectorAll(".choices")) {
  const player = new sound.Player();
  const buttons = [...group.querySelectorAll("button")];
  let pressed = null;

  function press(button) {
    pressed = button;
    for (const other of buttons) { other.setAttribute("aria-pressed", String(other === pressed)); }
  }
  async function hear(button) {
    press(button);
    const buffer = await sound.decode(button.value);
    if (pressed !== button) { return; } // another one was pressed meanwhile
    if (player.paused) { player.currentTime = 0; }
    player.setSound(buffer);
    await player.play();
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      if (pressed !== button) { hear(button); } else { press(null); player.pause(); }
    });
  }
  player.addEventListener("pause", () => press(null));
  document.addEventListener("systemschange", () => {
    if (pressed && systems.isHidden(pressed.dataset.system)) { press(null); player.pause(); }
  });
}
