import { at, type NdArray, randomStream } from "../../core/index.ts";
import { tokenPermutation } from "../../math/index.ts";
import { gridParts } from "../kit/interaction.ts";
import { columnsOf, pickColumns } from "../kit/selectivity.ts";
import { bothSelectivities } from "./both.ts";

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
    const parts = gridParts(own, p);
    const squares = { plain: columnsOf(own).squares, interaction: columnsOf(parts.interaction).squares };
    for (let draw = 0; draw < Math.ceil(NULL_DRAWS / turns); draw++) {
      const found = bothSelectivities(parts, squares, p, moduli, tokenPermutation(p, random));
      for (const kind of ["plain", "interaction"] as const) {
        squares[kind].forEach((square, j) => {
          if (square > 0) draws[kind].push(found[kind].map((column) => at(column, j)));
        });
      }
    }
  }
  return draws;
}
