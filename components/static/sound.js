// Recordings and spoken replies: one plays at a time.

import { $, $$, on } from "./dom.js";

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
const playerOf = (audio) => audio.closest(".player");

export function begin() {
  on("play", (button) => {
    const audio = $("audio", button.closest(".player"));
    if (audio.paused) play(audio);
    else audio.pause();
  });
  for (const name of ["play", "pause", "ended", "timeupdate", "loadedmetadata", "error"]) {
    document.addEventListener(name, (event) => draw(event.target, name), true);
  }
  document.addEventListener("input", (event) => {
    const player = event.target.closest?.(".player");
    if (!player) return;
    const audio = $("audio", player);
    if (Number.isFinite(audio.duration)) audio.currentTime = (audio.duration * event.target.value) / 1000;
    else play(audio);
  });
}

/** Plays the sound in `root`; where the browser wants a click first, its button waits for one. */
export async function play(root) {
  const audio = root.tagName === "AUDIO" ? root : $("audio", root);
  for (const other of $$("audio")) if (other !== audio) other.pause();
  try {
    await audio?.play();
  } catch { /* not allowed without a click, or paused again: the player shows it */ }
}

export function silence() {
  for (const audio of $$("audio")) audio.pause();
}

function draw(audio, event) {
  const player = audio.tagName === "AUDIO" && playerOf(audio);
  if (!player) return;
  player.classList.toggle("playing", !audio.paused && !audio.ended);
  if (event === "error") player.classList.add("broken");
  $("button", player).setAttribute("aria-label", audio.paused ? "Play" : "Pause");
  if (!Number.isFinite(audio.duration)) return;
  const share = audio.currentTime / audio.duration || 0;
  const range = $("input", player);
  range.value = share * 1000;
  range.style.setProperty("--done", `${share * 100}%`);
  $("output", player).textContent = clock(audio.currentTime || audio.duration);
}
