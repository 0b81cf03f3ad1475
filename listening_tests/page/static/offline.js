// The same player on an offline clock: what a listener would have heard, sample by sample. Tests use it.

import { Player } from "./player.js";

const TICK_S = 0.1;

/**
 * Render what a player puts out when it is told things at given times.
 * @param {Object<string, Float32Array>} buffers label -> mono samples
 * @param {[number, string, ...any][]} schedule [seconds, method of Player, ...its arguments]
 * @param {typeof OfflineAudioContext} OfflineContext
 * @param {{seconds: number, rate?: number, together?: boolean, level?: number}} options
 * @returns {Promise<{samples: Float32Array, player: Player}>}
 */
export async function renderOffline(buffers, schedule, OfflineContext, { seconds, rate = 48000, ...options }) {
  const context = new OfflineContext(1, Math.round(seconds * rate), rate);
  const player = new Player(context, options);
  const sounds = Object.entries(buffers).map(([label, samples]) => {
    const buffer = context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(samples, 0);
    return [label, buffer];
  });
  player.use(new Map(sounds), options);
  const grid = (s) => Math.max(0, Math.round((s * rate) / 128) * 128) / rate; // suspend() works on render quanta
  const doings = new Map();
  for (let s = TICK_S; s < seconds - TICK_S; s += TICK_S) doings.set(grid(s), []);
  for (const [s, ...call] of schedule) doings.set(grid(s), [...(doings.get(grid(s)) ?? []), call]);
  for (const [time, calls] of doings) {
    const act = () => {
      for (const [method, ...facts] of calls) player[method](...facts);
      player.tick();
      context.resume();
    };
    if (time === 0) calls.forEach(([method, ...facts]) => player[method](...facts));
    else context.suspend(time).then(act);
  }
  const rendered = await context.startRendering();
  player.tick();
  return { samples: rendered.getChannelData(0), player };
}
