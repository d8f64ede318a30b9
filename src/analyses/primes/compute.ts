import { at, randomStream } from "../../core/index.ts";
import { argmax, familywiseQuantile, mean, quantile, sum } from "../../math/index.ts";
import { primesBelow } from "../../tasks/index.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { activationOf, tokenEmbedding } from "../kit/inputs.ts";
import {
  columnsOf,
  decompose,
  epsilonSquared,
  gridNumbers,
  liveColumns,
  permutedSelectivity,
  SELECTIVE,
  selectivity,
} from "../kit/selectivity.ts";
import { rounded } from "../kit/text.ts";

/** Permutations of the tokens behind the null of the embedding. */
export const TOKEN_DRAWS = 200;

/** Result of `primes`. */
export type PrimesResult = {
  primes: number[];
  neurons: number;
  dead: number;
  neuron_selectivity: number[][];
  best_prime: number[];
  best_selectivity: number[];
  selective: { one: number; several: number; none: number };
  selective_by_prime: number[];
  mean_by_prime: number[];
  embedding: {
    primes: number[];
    selectivity: number[];
    dimension_selectivity: number[][];
    null: number[];
    null_familywise: number;
  };
  null: { band: number; band_by_prime: number[]; mean_best: number };
};

/** The embedding's variation by x mod q, all dimensions together and one by one; q below p/2, beyond which classes hold one or two tokens. */
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
      quantile(
        draws.map((draw) => at(draw, m)),
        0.99,
      ),
    ),
    null_familywise: familywiseQuantile(draws, 0.99),
  };
}

/** What `primes` finds; see its definition. */
export function compute(input: AnalysisInput): PrimesResult {
  const { p } = input.config;
  const primes = primesBelow(p);
  const neurons = columnsOf(activationOf(input, "blocks.0.mlp.hook_post"));
  const live = liveColumns(neurons);
  const byPrime = selectivity(neurons, gridNumbers(p), primes);
  const rows = live.map((_, j) => byPrime.map((column) => at(column, j)));
  const draws = permutedSelectivity(neurons, p, primes, input.seed);
  const band = draws.length === 0 ? 0 : familywiseQuantile(draws, 0.99);
  const limit = Math.max(SELECTIVE, band);
  const selectiveFor = rows.map((row) => row.filter((value) => value > limit).length);
  const count = (holds: (primes: number) => boolean) => selectiveFor.filter((n, j) => live[j] && holds(n)).length;
  const alive = rows.filter((_, j) => live[j]);
  const largest = (row: readonly number[]) => at(row, argmax(row));
  return {
    primes,
    neurons: rows.length,
    dead: rows.length - alive.length,
    neuron_selectivity: rows.map((row) => rounded(row)),
    best_prime: rows.map((row, j) => (live[j] ? at(primes, argmax(row)) : 0)),
    best_selectivity: rounded(rows.map((row, j) => (live[j] ? largest(row) : 0))),
    selective: { one: count((n) => n === 1), several: count((n) => n > 1), none: count((n) => n === 0) },
    selective_by_prime: primes.map((_, m) => alive.filter((row) => at(row, m) > limit).length),
    mean_by_prime: primes.map((_, m) => (alive.length === 0 ? 0 : mean(alive.map((row) => at(row, m))))),
    embedding: analyzeEmbedding(input),
    null: {
      band,
      band_by_prime: primes.map((_, m) =>
        draws.length === 0
          ? 0
          : quantile(
              draws.map((draw) => at(draw, m)),
              0.99,
            ),
      ),
      mean_best: draws.length === 0 ? 0 : mean(draws.map(largest)),
    },
  };
}
