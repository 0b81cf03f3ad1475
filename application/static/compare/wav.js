// RIFF files of one channel of 16-bit samples.

/** @param {Float32Array} samples -1..1; @param {number} rate Hz; @returns {ArrayBuffer} a WAV file */
export function encodeWav(samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, word) => [...word].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  for (let i = 0; i < samples.length; i++) {
    view.setInt16(44 + 2 * i, Math.round(32767 * Math.min(1, Math.max(-1, samples[i]))), true);
  }
  return view.buffer;
}

/** @param {DataView} view of int16, little-endian; @returns {Float32Array} -1..1 */
export function decodeInt16(view) {
  return Float32Array.from({ length: view.byteLength >> 1 }, (_, i) => view.getInt16(2 * i, true) / 32768);
}

/** The same from base64. */
export const decodePcm = (text) => decodeInt16(new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer));
