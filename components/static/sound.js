// Recordings and spoken replies: one plays at a time, at the speed the reader likes.

import { $, $$, on, store } from "./dom.js";
import * as speaker from "./speaker.js";
import { language as ours, t } from "./words.js";

const SPEEDS = [1, 1.25, 1.5, 1.75, 2, 0.75];
const DRAWN_MS = 200;

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
const playerOf = (audio) => audio.closest(".player");
const replyOf = (element) => element.closest("[data-id]")?.dataset.id;
const boxOf = (reply) => $(`[data-id="${CSS.escape(reply)}"] .spoken`);

let speed = 1;
let read = { reply: "", words: "" }; // what the browser's own voice was given
let drawing = 0;
let refused = ""; // the reply that the browser does not let out yet
const done = new Set(); // replies whose voice was stopped, or has all it needs

export function begin() {
  speed = SPEEDS.find((times) => String(times) === store.get("parley.speed")) ?? 1;
  speaker.pace(speed);
  on("play", (button) => toggle(button.closest(".player")));
  on("play-reply", (button) => playReply(button.closest(".spoken")));
  on("speed", faster);
  speaker.onState(drawQueue);
  speaker.onRefused((reply) => { refused = reply; drawQueue(); });
  for (const name of ["play", "pause", "ended", "timeupdate", "loadedmetadata", "error"]) {
    document.addEventListener(name, (event) => draw(event.target, name), true);
  }
  document.addEventListener("input", seek);
  // A gesture lets the page be loud: where replies are spoken, the first one is used for it.
  for (const name of ["pointerdown", "keydown"]) {
    document.addEventListener(name, () => { if ($("#parley-speak input")?.checked) wake(); }, true);
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && speaker.now()) silence();
  });
  // Stop is meant for the voice too.
  $("#parley-stop").addEventListener("click", silence, true);
}

function wake() {
  const context = speaker.context();
  if (context.state === "suspended" && !speaker.isHeld()) context.resume();
}

/**
 * The spoken part of a reply has come, or grown. `aloud`: it was asked for here, and is to be heard
 * as it comes.
 */
export function heard(box, article, aloud) {
  const spoken = $(".spoken", box);
  if (!spoken) return;
  const reply = article.dataset.id;
  drawSpeed(spoken);
  if (aloud || speaker.now() === reply) speak(spoken, reply);
  drawQueue();
}

/** A reply is about to be read out here, and whatever sounds makes way; `failed`: it will not be. */
export function expect(reply) {
  silence();
  done.delete(reply);
  speaker.context().resume(); // while there is a gesture that allows it
  speaker.begin(reply);
}

export function failed(reply) {
  if (speaker.now() === reply) speaker.finish(reply);
}

/** A turn went on: when it is another one, the voice of the one before ends. */
export function turned(articles) {
  const reply = speaker.now() || read.reply;
  if (reply && !articles.includes(reply)) silence();
}

function speak(spoken, reply) {
  if (spoken.dataset.words) return readOn(spoken, reply);
  if (!("pieces" in spoken.dataset) || done.has(reply)) return;
  if (speaker.now() !== reply) {
    pauseAll();
    speaker.begin(reply);
  }
  const pieces = spoken.dataset.pieces.split(" ").filter(Boolean);
  pieces.forEach((url, index) => speaker.enqueue(reply, index, url));
  if (spoken.dataset.whole) complete(spoken, reply);
}

/** All is there: what was missed of the pieces is played from the whole. */
async function complete(spoken, reply) {
  done.add(reply);
  const { whole, starts } = spoken.dataset;
  const begins = starts.split(" ").filter(Boolean).map(Number);
  // Those on their way may still fail: their files are gone once the whole is there.
  await speaker.laid();
  if (speaker.now() !== reply) return;
  const first = begins.findIndex((_, index) => speaker.lacks(index));
  if (first >= 0) await speaker.enqueue(reply, first, whole, begins[first]);
  speaker.finish(reply);
}

/** The browser's own voice goes on with the words that are new. */
function readOn(spoken, reply) {
  if (!window.speechSynthesis) return;
  if (read.reply !== reply) {
    silence();
    read = { reply, words: "" };
  }
  const words = spoken.dataset.words;
  const more = words.startsWith(read.words) ? words.slice(read.words.length).trim() : "";
  read.words = words;
  if (!more) return;
  const { language } = spoken.dataset;
  const [voice, none] = browserVoice(language);
  if (none) return note(spoken, none);
  const said = new SpeechSynthesisUtterance(more);
  [said.rate, said.voice, said.lang] = [speed, voice, voice?.lang ?? language];
  said.onend = said.onerror = drawQueue;
  speechSynthesis.speak(said);
}

/** A voice of the browser that speaks it; why there is none, where its list shows that. */
function browserVoice(language) {
  const voices = speechSynthesis.getVoices(); // empty until it is asked, in some browsers
  const speaks = (voice) => voice.lang.toLowerCase().split(/[-_]/)[0] === language;
  const found = voices.find((voice) => speaks(voice) && voice.localService) ?? voices.find(speaks) ?? null;
  const name = language && new Intl.DisplayNames([ours], { type: "language" }).of(language);
  return [found, language && voices.length && !found ? t("Your browser has no voice for {language}.", { language: name }) : ""];
}

function note(spoken, words) {
  const small = $(".voice-note", spoken);
  if (small) small.textContent = words;
}

async function playReply(spoken) {
  const reply = replyOf(spoken);
  if (spoken.dataset.words) {
    if (speechSynthesis.speaking) return silence();
    read = { reply: "", words: "" };
    return readOn(spoken, reply);
  }
  refused = "";
  if (speaker.now() === reply) await speaker.hold(false);
  else toggle($(".player", spoken));
  drawQueue();
}

async function toggle(player) {
  const reply = replyOf(player);
  if (player.closest(".spoken") && speaker.now() === reply && speaker.isSpeaking()) {
    refused = "";
    await speaker.hold(speaker.context().state === "running");
    return drawQueue();
  }
  const audio = $("audio", player);
  if (!audio) {
    done.delete(reply);
    return speak(player.closest(".spoken"), reply);
  }
  if (audio.paused) play(audio);
  else audio.pause();
}

function seek(event) {
  const player = event.target.closest?.(".player");
  if (!player || event.target.type !== "range") return;
  const audio = $("audio", player);
  if (!audio) return;
  const share = event.target.value / 1000;
  const leap = () => { audio.currentTime = audio.duration * share; };
  if (player.closest(".spoken") && speaker.now() === replyOf(player)) {
    silence();
    audio.addEventListener("loadedmetadata", leap, { once: true });
    return play(audio);
  }
  if (Number.isFinite(audio.duration)) leap();
  else play(audio);
}

/** Plays the sound in `root`; where the browser wants a click first, its button waits for one. */
export async function play(root) {
  const audio = root.tagName === "AUDIO" ? root : $("audio", root);
  if (!audio) return;
  stopVoice();
  pauseAll(audio);
  audio.playbackRate = audio.defaultPlaybackRate = audio.closest(".spoken") ? speed : 1;
  try {
    await audio.play();
  } catch { /* not allowed without a click, or paused again: the player shows it */ }
}

function pauseAll(besides = null) {
  for (const other of $$("audio")) if (other !== besides) other.pause();
}

function stopVoice() {
  if (speaker.now()) done.add(speaker.now());
  speaker.stop();
  refused = "";
  window.speechSynthesis?.cancel();
}

export function silence() {
  pauseAll();
  stopVoice();
}

/** Silence, also for what of this reply is still on its way here. */
export function drop(reply) {
  if (reply) done.add(reply);
  silence();
}

function faster(button) {
  speed = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length];
  store.set("parley.speed", String(speed));
  speaker.pace(speed);
  refresh();
  for (const audio of $$(".spoken audio")) audio.playbackRate = audio.defaultPlaybackRate = speed;
  button.focus();
}

/** The speed on every player that is shown. */
export function refresh() {
  for (const spoken of $$(".spoken")) drawSpeed(spoken);
}

function drawSpeed(spoken) {
  const button = $(".speed", spoken);
  if (!button) return;
  button.textContent = `${speed}×`;
  button.setAttribute("aria-label", t("Speed: {n} times. Change it", { n: speed }));
}

/** The player of the reply that is being spoken. */
function drawQueue() {
  clearTimeout(drawing);
  const reply = speaker.now();
  for (const spoken of $$(".spoken.live")) if (replyOf(spoken) !== reply) drawn(spoken, false);
  const spoken = reply && boxOf(reply);
  if (spoken) drawn(spoken, speaker.isSpeaking());
  if (speaker.isSpeaking()) drawing = setTimeout(drawQueue, DRAWN_MS);
  else if (reply) done.add(reply);
}

function drawn(spoken, speaking) {
  const waits = speaking && refused === replyOf(spoken);
  const was = spoken.classList.contains("live");
  spoken.classList.toggle("live", speaking);
  const [player, again] = [$(".player", spoken), $(".refused", spoken)];
  if (again) again.hidden = !waits;
  if (!player) return;
  const runs = speaking && !speaker.isHeld() && !waits;
  const audio = $("audio", player);
  if (audio && !audio.paused) return;
  player.classList.toggle("playing", runs);
  $("button", player).setAttribute("aria-label", runs ? t("Pause") : t("Play the reply"));
  drawSpeed(spoken);
  const length = Number(spoken.dataset.seconds) || 0;
  if (!speaking) {
    if (was && length) place(player, 0, length); // ready to be played again
    return;
  }
  const at = speaker.position();
  place(player, length ? Math.min(1, at / length) : 0, at);
}

function place(player, share, at) {
  const range = $("input", player);
  range.value = share * 1000;
  range.style.setProperty("--done", `${share * 100}%`);
  $("output", player).textContent = clock(at);
}

function draw(audio, event) {
  const player = audio.tagName === "AUDIO" && playerOf(audio);
  if (!player) return;
  player.classList.toggle("playing", !audio.paused && !audio.ended);
  if (event === "error") player.classList.add("broken");
  $("button", player).setAttribute("aria-label", audio.paused ? t("Play") : t("Pause"));
  if (!Number.isFinite(audio.duration)) return;
  place(player, audio.currentTime / audio.duration || 0, audio.currentTime || audio.duration);
}
