import { at, float64, randomStream } from "../../core/index.ts";
import { OMEGA_NEURONS, omegaRow, powersByProducts } from "../../math/index.ts";
import type { Head } from "../../tasks/index.ts";
import { harmonicsOf } from "../closed-form/dictionary.ts";
import type { Matmul } from "../kit/define.ts";

/**
 * Mean active frequencies, by the sound rule and by the nominal one, of neurons that have one frequency a digit and no more:
 * relu(cos(2πk·x0/m + φ0) + cos(2πk·c1·x1/m + φ1)), their pairs (m, k) drawn evenly from the tasks' dictionary, their phases
 * uniform. For n mod q these frequencies fall between those of the DFT over p tokens, so that one of them is counted as many.
 */
export async function closedFormReference(
  p: number,
  heads: readonly Head[],
  seed: number,
  matmul: Matmul,
): Promise<{ sound: number; nominal: number }> {
  const random = randomStream(seed, "omega/reference");
  const pairs = heads.flatMap(({ q, adds }) =>
    Array.from({ length: harmonicsOf(q) }, (_, i) => ({ m: q, k: i + 1, c1: adds ? 1 : p % q })),
  );
  const data = new Float64Array(p * p * OMEGA_NEURONS);
  for (let j = 0; j < OMEGA_NEURONS; j++) {
    const { m, k, c1 } = at(pairs, random.integer(pairs.length));
    const wave = (c: number) => {
      const phase = 2 * Math.PI * random.uniform();
      return Float64Array.from({ length: p }, (_, x) => Math.cos((2 * Math.PI * ((k * c * x) % m)) / m + phase));
    };
    const [low, high] = [wave(1), wave(c1)];
    for (let i = 0; i < p * p; i++) data[i * OMEGA_NEURONS + j] = Math.max(0, at(low, Math.floor(i / p)) + at(high, i % p));
  }
  const neurons = float64(data, [p * p, OMEGA_NEURONS]);
  const { sound_mean, nominal_mean } = await omegaRow(0, neurons, { p, powers: powersByProducts(matmul) }, [], seed);
  return { sound: sound_mean, nominal: nominal_mean };
}
