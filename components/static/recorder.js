// The microphone: tap, speak, tap; out comes a mono 16 kHz 16-bit WAV.

const RATE = 16000;
const LONGEST_S = 300;

let running = null;

export const isRecording = () => running !== null;

/** Starts; calls `onLevel(0…1, seconds)` while it runs and `onFull()` when it has run long enough. */
export async function start(onLevel, onFull) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("This browser gives the microphone only to pages on https or on localhost.");
  }
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true },
  });
  const context = new AudioContext();
  await context.audioWorklet.addModule(new URL("./worklet.js", import.meta.url));
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
  source.connect(tap);
  running = { stream, context, blocks, tap, source };
}

/** Stops; the recording as a Blob, or null where nothing was heard. */
export async function finish() {
  const { stream, context, blocks, tap, source } = running;
  running = null;
  source.disconnect();
  tap.port.onmessage = null;
  for (const track of stream.getTracks()) track.stop();
  const rate = context.sampleRate;
  await context.close();
  if (!blocks.length) return null;
  return wav(await resample(blocks, rate));
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
