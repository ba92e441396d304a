// The microphone: tap, speak, tap; out comes a mono 16 kHz 16-bit WAV.

import { t } from "./words.js";

const RATE = 16000;
const LONGEST_S = 600;

let running = null;
let opening = null; // while the browser asks whether the microphone may be used

export const isRecording = () => running !== null;

/** Starts; calls `onLevel(0…1, seconds)` while it runs and `onFull()` when it has run long enough, or
 *  the microphone is gone. Resolves to false where it was cancelled before it began. */
export async function start(onLevel, onFull) {
  if (running || opening) return false;
  if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("no secure page", "SecurityError");
  const mine = opening = {};
  let stream, context;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true },
    });
    context = new AudioContext();
    await context.audioWorklet.addModule(new URL("./worklet.js", import.meta.url));
  } catch (trouble) {
    release(stream, context);
    if (opening === mine) opening = null;
    throw trouble;
  }
  if (opening !== mine) return release(stream, context) ?? false;
  opening = null;
  const source = context.createMediaStreamSource(stream);
  const tap = new AudioWorkletNode(context, "parley-tap", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
  const blocks = [];
  let count = 0;
  tap.port.onmessage = ({ data }) => {
    blocks.push(data);
    count += data.length;
    const loud = Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
    onLevel(Math.min(1, loud * 5), count / context.sampleRate);
    if (count / context.sampleRate >= LONGEST_S) onFull();
  };
  for (const track of stream.getTracks()) track.onended = onFull;
  source.connect(tap);
  running = { stream, context, blocks, tap, source };
  return true;
}

/** Throws away what was recorded, or withdraws the wish to record. */
export function cancel() {
  opening = null;
  if (running) end();
}

/** Stops; the recording as a Blob, or null where nothing was heard. */
export async function finish() {
  const { context, blocks } = end();
  return blocks.length ? wav(await resample(blocks, context.sampleRate)) : null;
}

function end() {
  const ended = running;
  running = null;
  ended.source.disconnect();
  ended.tap.port.onmessage = null;
  release(ended.stream, ended.context);
  return ended;
}

function release(stream, context) {
  for (const track of stream?.getTracks() ?? []) {
    track.onended = null;
    track.stop();
  }
  context?.close();
}

/** What went wrong when the microphone was to be opened, and what to do: [message, advice]. */
export function explained(trouble) {
  const or = t("Or attach a recording.");
  switch (trouble.name) {
    case "NotAllowedError":
      return [t("The microphone is not allowed here."), `${t("Allow it beside the address of this page, then press the microphone again.")} ${or}`];
    case "NotFoundError":
      return [t("No microphone was found."), `${t("Connect one, then press the microphone again.")} ${or}`];
    case "SecurityError":
      return [t("This browser gives the microphone only to pages on https or on localhost."), `${t("Open Parley there.")} ${or}`];
    default:
      return [t("The microphone cannot be used just now."), `${t("Close what else uses it, then press the microphone again.")} ${or}`];
  }
}

async function resample(blocks, rate) {
  const length = blocks.reduce((sum, block) => sum + block.length, 0);
  const frames = Math.max(1, Math.round((length * RATE) / rate));
  const offline = new OfflineAudioContext(1, frames, RATE);
  const buffer = offline.createBuffer(1, length, rate);
  let at = 0;
  for (const block of blocks) {
    buffer.copyToChannel(block, 0, at);
    at += block.length;
  }
  const source = offline.createBufferSource();
  source.buffer = buffer;
  source.connect(offline.destination);
  source.start();
  return (await offline.startRendering()).getChannelData(0);
}

function wav(samples) {
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const word = (at, text) => [...text].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  word(0, "RIFF");
  view.setUint32(4, 36 + samples.length * 2, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, "data");
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((x, i) => view.setInt16(44 + i * 2, Math.max(-1, Math.min(1, x)) * 32767, true));
  return new Blob([view], { type: "audio/wav" });
}
