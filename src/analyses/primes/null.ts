import { at, float64, type NdArray, randomStream } from "../../core/index.ts";
import { tokenPermutation } from "../../math/index.ts";
import { interactionOf } from "../kit/interaction.ts";
import { columnsOf, gridNumbers, liveColumns, pickColumns, selectivity } from "../kit/selectivity.ts";

/** Token permutations of the null, and the seeded live neurons that take turns in it, so many at a time. */
export const NULL_DRAWS = 200;
export const NULL_NEURONS = 64;
export const TOGETHER = 8;

/** ε² of neurons under token permutations, one list over moduli for each pair of a neuron and a permutation. */
export interface PermutedSelectivity {
  readonly plain: number[][];
  /** Of their interactions, where they have any. */
  readonly interaction: number[][];
}

/** Columns [n, a] and [n, b] side by side, [n, a + b]. */
function beside(first: NdArray<"float64">, second: NdArray<"float64">): NdArray<"float64"> {
  const [n = 0, a = 0] = first.shape;
  const [, b = 0] = second.shape;
  const out = new Float64Array(n * (a + b));
  for (let i = 0; i < n; i++) {
    out.set(first.data.subarray(i * a, (i + 1) * a), i * (a + b));
    out.set(second.data.subarray(i * b, (i + 1) * b), i * (a + b) + a);
  }
  return float64(out, [n, a + b]);
}

/**
 * {@link NULL_DRAWS} token permutations (or as many more as make the neurons' turns equal), each of {@link TOGETHER} of
 * {@link NULL_NEURONS} seeded live neurons (or as many as there are), and of their interactions.
 *
 * @param live Which of the activations' columns vary.
 */
export function permutedSelectivity(
  activations: NdArray<"float64">,
  live: readonly boolean[],
  p: number,
  moduli: readonly number[],
  seed: number,
): PermutedSelectivity {
  const random = randomStream(seed, "primes/null");
  const alive = live.flatMap((varies, j) => (varies ? [j] : []));
  const chosen = Array.from(random.permutation(alive.length).slice(0, NULL_NEURONS), (i) => at(alive, i));
  const turns = Math.ceil(chosen.length / TOGETHER);
  const draws: PermutedSelectivity = { plain: [], interaction: [] };
  for (let turn = 0; turn < turns; turn++) {
    const own = pickColumns(activations, chosen.slice(turn * TOGETHER, (turn + 1) * TOGETHER));
    const neurons = own.shape[1] ?? 0;
    const columns = columnsOf(beside(own, interactionOf(own, p)));
    const varies = liveColumns(columns);
    for (let draw = 0; draw < Math.ceil(NULL_DRAWS / turns); draw++) {
      const byModulus = selectivity(columns, gridNumbers(p, tokenPermutation(p, random)), moduli);
      varies.forEach((isLive, j) => {
        const list = j < neurons ? draws.plain : draws.interaction;
        if (isLive) list.push(byModulus.map((column) => at(column, j)));
      });
    }
  }
  return draws;
}
