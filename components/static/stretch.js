// Faster or slower at the same pitch: short windows of the sound, laid closer together or further
// apart, each moved to where it fits the one before (WSOLA).

const WINDOW_S = 0.03;
const SEEK_S = 0.008;

/** The samples of `sound` as they are played `speed` times as fast. */
export function stretched(sound, rate, speed) {
  if (speed === 1) return sound;
  const size = 2 * Math.round((WINDOW_S * rate) / 2);
  const hop = size / 2;
  const seek = Math.round(SEEK_S * rate);
  const made = new Float32Array(Math.ceil(sound.length / speed) + size);
  const fade = Float32Array.from({ length: size }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / size));
  let expected = 0; // where the sound would go on by itself
  for (let to = 0; to + size < made.length; to += hop) {
    const wanted = Math.round(to * speed);
    if (wanted + seek + size >= sound.length) break;
    const from = to === 0 ? 0 : best(sound, expected, Math.max(0, wanted - seek), wanted + seek, hop);
    for (let n = to === 0 ? hop : 0; n < size; n++) made[to + n] += sound[from + n] * fade[n];
    if (to === 0) made.set(sound.subarray(0, hop));
    expected = from + hop;
  }
  return made.subarray(0, Math.ceil(sound.length / speed));
}

/** The place from `first` to `last` where the sound is most like what stands at `like`. */
function best(sound, like, first, last, length) {
  let [place, most] = [first, -Infinity];
  for (let at = first; at <= last; at += 2) {
    let alike = 0;
    for (let n = 0; n < length; n += 4) alike += sound[like + n] * sound[at + n];
    if (alike > most) [place, most] = [at, alike];
  }
  return place;
}
