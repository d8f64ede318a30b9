import { at, dim, type NdArray, randomStream } from "../../core/index.ts";
import { argmax, familywiseLimit, mean, sum, upperLimit } from "../../math/index.ts";
import { primesBelow } from "../../tasks/index.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { activationOf, tokenEmbedding } from "../kit/inputs.ts";
import { interactionOf } from "../kit/interaction.ts";
import {
  columnsOf,
  decompose,
  epsilonSquared,
  gridNumbers,
  liveColumns,
  pickColumns,
  SELECTIVE,
  selectivity,
} from "../kit/selectivity.ts";
import { rounded } from "../kit/text.ts";
import { permutedSelectivity } from "./null.ts";

/** Permutations of the tokens behind the null of the embedding. */
export const TOKEN_DRAWS = 200;

/** How many neurons are selective for one, several and no prime. */
type Selective = { one: number; several: number; none: number };

/** Result of `primes`. */
export type PrimesResult = {
  primes: number[];
  neurons: number;
  dead: number;
  neuron_selectivity: number[][];
  best_prime: number[];
  best_selectivity: number[];
  selective: Selective;
  selective_by_prime: number[];
  mean_by_prime: number[];
  interaction: {
    share: number[];
    best_prime: number[];
    best_selectivity: number[];
    selective: Selective;
    selective_by_prime: number[];
    mean_by_prime: number[];
    null: { band: number; mean_best: number };
  };
  embedding: {
    primes: number[];
    selectivity: number[];
    dimension_selectivity: number[][];
    null: number[];
    null_familywise: number;
  };
  null: { band: number; band_by_prime: number[]; mean_best: number };
};

/**
 * The embedding's variation by x mod q, all dimensions together and one by one; q below p/2, beyond which classes hold one or two
 * tokens.
 */
function analyzeEmbedding(input: AnalysisInput): PrimesResult["embedding"] {
  const { p } = input.config;
  const primes = primesBelow(p).filter((q) => q < p / 2);
  const W_E = columnsOf(tokenEmbedding(input));
  const pooled = (order: Int32Array) => {
    const between = decompose(W_E, order, primes);
    return primes.map((q, m) => epsilonSquared(sum(between[m] as Float64Array), sum(W_E.squares), q, p));
  };
  const tokens = Int32Array.from({ length: p }, (_, x) => x);
  const random = randomStream(input.seed, "primes/tokens");
  const draws = Array.from({ length: TOKEN_DRAWS }, () => pooled(random.permutation(p)));
  const byPrime = selectivity(W_E, tokens, primes);
  return {
    primes,
    selectivity: pooled(tokens),
    dimension_selectivity: Array.from({ length: W_E.means.length }, (_, j) => rounded(byPrime.map((column) => at(column, j)))),
    null: primes.map((_, m) =>
      upperLimit(
        draws.map((draw) => at(draw, m)),
        0.99,
      ),
    ),
    null_familywise: familywiseLimit(draws, 0.99),
  };
}

/** Neurons whose interactions are computed at a time, to spare memory. */
const BLOCK = 128;

/** Each neuron's interaction: ε² by prime, [primes][d], and its share of the neuron's variance, [d]. */
function interactions(activations: NdArray<"float64">, squares: Float64Array, p: number, primes: readonly number[]) {
  const byPrime = primes.map(() => [] as number[]);
  const shares: number[] = [];
  const numbers = gridNumbers(p);
  for (let first = 0; first < squares.length; first += BLOCK) {
    const picked = Array.from({ length: Math.min(BLOCK, squares.length - first) }, (_, j) => first + j);
    const columns = columnsOf(interactionOf(pickColumns(activations, picked), p));
    selectivity(columns, numbers, primes).forEach((own, m) => byPrime[m]?.push(...own));
    for (const j of picked) shares.push(at(squares, j) === 0 ? 0 : at(columns.squares, j - first) / at(squares, j));
  }
  return { byPrime, shares };
}

const largest = (row: readonly number[]) => at(row, argmax(row));

/** What ε² by prime says of the neurons that vary, given the limit of a neuron's largest by chance. */
function selected(rows: readonly (readonly number[])[], live: readonly boolean[], primes: readonly number[], band: number) {
  const limit = Math.max(SELECTIVE, band);
  const alive = rows.filter((_, j) => live[j]);
  const selectiveFor = alive.map((row) => row.filter((value) => value > limit).length);
  const count = (holds: (primes: number) => boolean) => selectiveFor.filter(holds).length;
  return {
    best_prime: rows.map((row, j) => (live[j] ? at(primes, argmax(row)) : 0)),
    best_selectivity: rounded(rows.map((row, j) => (live[j] ? largest(row) : 0))),
    selective: { one: count((n) => n === 1), several: count((n) => n > 1), none: count((n) => n === 0) },
    selective_by_prime: primes.map((_, m) => alive.filter((row) => at(row, m) > limit).length),
    mean_by_prime: primes.map((_, m) => (alive.length === 0 ? 0 : mean(alive.map((row) => at(row, m))))),
  };
}

/** The pooled limit of a neuron's largest ε², and the mean of the largest. */
function bandOf(draws: readonly number[][]): { band: number; mean_best: number } {
  // Where hardly a neuron has an interaction there may be too few draws of one for a limit: then nothing is above it.
  const band = draws.length < 99 ? 1 : familywiseLimit(draws, 0.99);
  return { band, mean_best: draws.length === 0 ? 0 : mean(draws.map(largest)) };
}

/** What `primes` finds; see its definition. */
export function compute(input: AnalysisInput): PrimesResult {
  const { p } = input.config;
  const primes = primesBelow(p);
  const activations = activationOf(input, "blocks.0.mlp.hook_post");
  const neurons = columnsOf(activations);
  const live = liveColumns(neurons);
  const byNeuron = (byPrime: readonly ArrayLike<number>[]) => live.map((_, j) => byPrime.map((column) => at(column, j)));
  const rows = byNeuron(selectivity(neurons, gridNumbers(p), primes));
  const draws = permutedSelectivity(activations, live, p, primes, input.seed);
  const none = bandOf(draws.plain);
  const inner = interactions(activations, neurons.squares, p, primes);
  const innerNone = bandOf(draws.interaction);
  return {
    primes,
    neurons: dim(activations, 1),
    dead: live.filter((varies) => !varies).length,
    neuron_selectivity: rows.map((row) => rounded(row)),
    ...selected(rows, live, primes, none.band),
    interaction: {
      share: rounded(inner.shares),
      ...selected(
        byNeuron(inner.byPrime),
        inner.shares.map((share) => share > 0),
        primes,
        innerNone.band,
      ),
      null: innerNone,
    },
    embedding: analyzeEmbedding(input),
    null: {
      ...none,
      band_by_prime: primes.map((_, m) =>
        draws.plain.length === 0
          ? 0
          : upperLimit(
              draws.plain.map((draw) => at(draw, m)),
              0.99,
            ),
      ),
    },
  };
}
