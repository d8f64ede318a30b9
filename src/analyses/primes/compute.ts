import { at, dim, float64, type NdArray, randomStream } from "../../core/index.ts";
import { argmax, familywiseLimit, gramMatrix, mean, sum, type TokenPermutation, upperLimit } from "../../math/index.ts";
import { primesBelow } from "../../tasks/index.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { activationOf, tokenEmbedding } from "../kit/inputs.ts";
import { gridParts } from "../kit/interaction.ts";
import { columnsOf, epsilonSquared, liveColumns, pickColumns, SELECTIVE, selectivity } from "../kit/selectivity.ts";
import { rounded } from "../kit/text.ts";
import { bothSelectivities } from "./both.ts";
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
 * Σ over classes of n_r·‖mean_r‖² of centred rows with the tokens relabelled, [moduli]: from the rows' inner products alone, of
 * which only those within a class count.
 *
 * @param gram [p, p].
 */
function betweenRows(gram: Float64Array, order: TokenPermutation, moduli: readonly number[]): number[] {
  const p = order.length;
  const ordered = new Float64Array(p * p);
  for (let x = 0; x < p; x++) {
    for (let y = 0; y < p; y++) ordered[(order[x] as number) * p + (order[y] as number)] = gram[x * p + y] as number;
  }
  return moduli.map((q) => {
    let total = 0;
    for (let r = 0; r < q; r++) {
      let square = 0;
      for (let x = r; x < p; x += q) for (let y = r; y < p; y += q) square += ordered[x * p + y] as number;
      total += square / Math.ceil((p - r) / q);
    }
    return total;
  });
}

/**
 * The embedding's variation by x mod q, all dimensions together and one by one; q below p/2, beyond which classes hold one or two
 * tokens.
 */
function analyzeEmbedding(input: AnalysisInput): PrimesResult["embedding"] {
  const { p } = input.config;
  const primes = primesBelow(p).filter((q) => q < p / 2);
  const W_E = columnsOf(tokenEmbedding(input));
  const width = W_E.means.length;
  const centred = W_E.values.data.map((value, i) => value - at(W_E.means, i % width));
  const gram = gramMatrix(float64(centred, [p, width]));
  const total = sum(W_E.squares);
  const pooled = (order: Int32Array) =>
    betweenRows(gram, order, primes).map((between, m) => epsilonSquared(between, total, at(primes, m), p));
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

/** Neurons that are taken apart at a time, to spare memory. */
const BLOCK = 128;

/**
 * ε² by prime of each neuron and of its interaction, [primes][d], and the interaction's share of the neuron's variance, [d].
 *
 * @param squares The neurons' sums of squared deviations, [d].
 */
function selectivities(activations: NdArray<"float64">, squares: Float64Array, p: number, primes: readonly number[]) {
  const [plain, interaction] = [primes.map((): number[] => []), primes.map((): number[] => [])];
  const shares: number[] = [];
  for (let first = 0; first < squares.length; first += BLOCK) {
    const own = squares.subarray(first, first + BLOCK);
    const picked = Array.from(own, (_, j) => first + j);
    const parts = gridParts(pickColumns(activations, picked), p);
    const inner = columnsOf(parts.interaction).squares;
    const found = bothSelectivities(parts, { plain: own, interaction: inner }, p, primes);
    primes.forEach((_, m) => {
      plain[m]?.push(...(found.plain[m] as Float64Array));
      interaction[m]?.push(...(found.interaction[m] as Float64Array));
    });
    own.forEach((square, j) => {
      shares.push(square === 0 ? 0 : at(inner, j) / square);
    });
  }
  return { plain, interaction, shares };
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
  const found = selectivities(activations, neurons.squares, p, primes);
  const rows = byNeuron(found.plain);
  const draws = permutedSelectivity(activations, live, p, primes, input.seed);
  const none = bandOf(draws.plain);
  const innerNone = bandOf(draws.interaction);
  return {
    primes,
    neurons: dim(activations, 1),
    dead: live.filter((varies) => !varies).length,
    neuron_selectivity: rows.map((row) => rounded(row)),
    ...selected(rows, live, primes, none.band),
    interaction: {
      share: rounded(found.shares),
      ...selected(
        byNeuron(found.interaction),
        found.shares.map((share) => share > 0),
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
