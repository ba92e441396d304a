// Plays the pieces of a reply one after the other, without a gap, while others still come.

import { stretched } from "./stretch.js";

const LEAD_S = 0.02;
const FADE_S = 0.003; // so that no cut clicks
const QUIET = 0.003; // below this is silence
const KEPT_BEFORE_S = 0.03, KEPT_AFTER_S = 0.15; // silence that stays: a breath between two sentences
const REST_MS = 4000;
const ALLOWED_MS = 300;
const HEARD_S = 120; // what the tests can look back on

const listeners = new Set();
const refusals = new Set();
const heard = [];
let audio = null, out = null;
let turn = null;
let order = Promise.resolve(); // the pieces are laid in it one after the other
let playing = new Map(); // source → its begin and its place in the reply
let taken = new Set(); // the pieces that came
let missing = new Set(); // those that could not be had
let next = 0; // when the next one begins, by the context's clock
let said = 0; // seconds of the reply that lie before `next`
let speed = 1;
let finished = false, state = "idle", resting = 0, held = false;

/** Made at the first gesture where replies are spoken: browsers let nobody be loud before one. */
export function context() {
  if (audio) return audio;
  audio = new AudioContext();
  out = audio.createGain();
  out.connect(audio.destination);
  if (navigator.webdriver) listen();
  return audio;
}

/** A new reply: whatever is of an older one is dropped. */
export function begin(id) {
  if (id === turn) return;
  stop();
  turn = id;
}

export const now = () => turn;
export const lacks = (index) => !taken.has(index) || missing.has(index);

/** Decodes a piece and lays it after the one before; resolves to whether it is played. `from`: second. */
export function enqueue(id, index, url, from = 0) {
  if (id !== turn || !lacks(index)) return Promise.resolve(false);
  taken.add(index);
  missing.delete(index);
  finished = false;
  become("speaking");
  const loading = load(url);
  loading.catch(() => {}); // it is told below, when its turn comes
  order = order.then(async () => {
    try {
      const sound = await loading;
      if (id !== turn) return false;
      play(sound, from);
      allowed();
      return true;
    } catch {
      if (id === turn) missing.add(index);
      return false;
    } finally {
      if (id === turn) settle();
    }
  });
  return order;
}

/** No more pieces will come. */
export function finish(id) {
  if (id !== turn) return;
  finished = true;
  order.then(() => id === turn && settle());
}

/** Silence within one block. */
export function stop() {
  const gone = [...playing.keys()];
  playing = new Map();
  for (const source of gone) {
    source.onended = null;
    source.stop();
    source.disconnect();
  }
  [turn, order, taken, missing] = [null, Promise.resolve(), new Set(), new Set()];
  [next, said, finished, held] = [0, 0, false, false];
  become("idle");
}

/** Holds the reply, or lets it go on; resolves to whether it is held. */
export async function hold(yes = !held) {
  held = yes;
  await (held ? context().suspend() : context().resume());
  return held;
}

export const isHeld = () => held;
export const isSpeaking = () => state === "speaking";
/** Resolves when all that came until now is laid in its place, or is known to be missing. */
export const laid = () => order;

/** How far the reply is, in seconds. */
export function position() {
  if (!audio) return 0;
  for (const { begins, lasts, at } of playing.values()) {
    const gone = audio.currentTime - begins;
    if (gone >= 0 && gone < lasts) return at + gone * speed;
  }
  return playing.size ? 0 : said;
}

/** How fast what comes from now on is played, at the same pitch. */
export const pace = (times) => { speed = times; };

export const onState = (tell) => listeners.add(tell);
/** Told when the browser wants a gesture first. */
export const onRefused = (tell) => refusals.add(tell);

async function load(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`No sound at ${url}`);
  return context().decodeAudioData(await answer.arrayBuffer());
}

function play(sound, from) {
  const rate = sound.sampleRate;
  const all = sound.getChannelData(0);
  const samples = trimmed(from ? all.subarray(Math.round(from * rate)) : all, rate);
  if (!samples.length) return;
  const shaped = stretched(samples, rate, speed);
  const buffer = audio.createBuffer(1, shaped.length, rate);
  buffer.copyToChannel(shaped, 0);
  const source = audio.createBufferSource();
  const gain = audio.createGain();
  source.buffer = buffer;
  source.connect(gain).connect(out);
  const begins = Math.max(audio.currentTime + LEAD_S, next);
  next = begins + buffer.duration;
  gain.gain.setValueAtTime(0, begins);
  gain.gain.linearRampToValueAtTime(1, begins + FADE_S);
  gain.gain.setValueAtTime(1, Math.max(begins + FADE_S, next - FADE_S));
  gain.gain.linearRampToValueAtTime(0, next);
  source.start(begins);
  playing.set(source, { begins, lasts: buffer.duration, at: said });
  said += samples.length / rate;
  source.onended = () => {
    playing.delete(source);
    gain.disconnect();
    settle();
  };
}

function trimmed(samples, rate) {
  let first = 0, last = samples.length - 1;
  while (first <= last && Math.abs(samples[first]) < QUIET) first++;
  while (last > first && Math.abs(samples[last]) < QUIET) last--;
  if (first > last) return samples.subarray(0, 0);
  return samples.subarray(Math.max(0, first - Math.round(KEPT_BEFORE_S * rate)),
    Math.min(samples.length, last + 1 + Math.round(KEPT_AFTER_S * rate)));
}

/** Lets the sound out; says so where the browser does not. */
async function allowed() {
  clearTimeout(resting);
  if (held || audio.state === "running") return;
  const mine = turn;
  await Promise.race([audio.resume(), new Promise((go) => setTimeout(go, ALLOWED_MS))]);
  if (audio.state !== "running" && turn === mine) for (const tell of refusals) tell(mine);
}

function settle() {
  if (finished && !playing.size) become("idle");
}

function become(what) {
  clearTimeout(resting);
  if (what === "idle" && audio) resting = setTimeout(() => { if (state === "idle") audio.suspend(); }, REST_MS);
  if (what === state) return;
  state = what;
  for (const tell of listeners) tell(state);
}

async function listen() {
  const context = audio;
  await context.audioWorklet.addModule(new URL("./tap.js", import.meta.url));
  const ear = new AudioWorkletNode(context, "parley-ear", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
  ear.port.onmessage = ({ data }) => {
    heard.push(data);
    if (heard.length * data.length > HEARD_S * context.sampleRate) heard.shift();
  };
  out.connect(ear);
}

function captured() {
  const all = new Float32Array(heard.reduce((sum, block) => sum + block.length, 0));
  heard.reduce((at, block) => (all.set(block, at), at + block.length), 0);
  return all;
}

window.parleySpeaker = { context: () => audio, captured };
