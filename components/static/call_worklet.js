// Runs beside the page's thread: the microphone at 16 kHz, 16 bits, in frames of 512 samples.

const RATE = 16000;
const FRAME = 512;
const HALF_WIDTH = 16; // of the low-pass filter, in samples of the lower rate
const PHASES = 64; // places between two samples for which the filter is kept

class Ear extends AudioWorkletProcessor {
  step = Math.max(1, sampleRate / RATE);
  reach = Math.ceil(HALF_WIDTH * this.step);
  filters = Array.from({ length: PHASES }, (_, phase) => this.filter(phase / PHASES));
  past = new Float32Array(2 * this.reach); // what the filter still needs
  next = this.reach; // where in it the next sample lies
  frame = new Int16Array(FRAME);
  filled = 0;

  process([input]) {
    const samples = input[0];
    if (!samples) return true;
    const all = new Float32Array(this.past.length + samples.length);
    all.set(this.past);
    all.set(samples, this.past.length);
    while (this.next + this.reach < all.length) {
      this.add(this.at(all, this.next));
      this.next += sampleRate / RATE;
    }
    const gone = Math.min(all.length, Math.floor(this.next) - this.reach);
    this.past = all.slice(gone);
    this.next -= gone;
    return true;
  }

  at(all, place) {
    const first = Math.floor(place);
    const taps = this.filters[Math.floor((place - first) * PHASES)];
    let sum = 0;
    for (let i = 0; i < taps.length; i += 1) sum += taps[i] * all[first - this.reach + 1 + i];
    return sum;
  }

  /** A windowed sinc around a place `shift` after a sample; what 16 kHz cannot hold is left out. */
  filter(shift) {
    const taps = new Float32Array(2 * this.reach);
    let sum = 0;
    for (let i = 0; i < taps.length; i += 1) {
      const x = i - this.reach + 1 - shift;
      const t = (Math.PI * x * 0.95) / this.step;
      taps[i] = (t === 0 ? 1 : Math.sin(t) / t) * (0.5 + 0.5 * Math.cos((Math.PI * x) / this.reach));
      sum += taps[i];
    }
    return taps.map((tap) => tap / sum);
  }

  add(sample) {
    this.frame[this.filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
    if (this.filled < FRAME) return;
    this.port.postMessage(this.frame.buffer.slice(0));
    this.filled = 0;
  }
}

registerProcessor("parley-ear", Ear);
