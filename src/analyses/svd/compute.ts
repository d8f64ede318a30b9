import { dim, type NdArray, randomStream } from "../../core/index.ts";
import {
  centralRange,
  svd as decompose,
  gaussianSingularValues,
  norm,
  participationRatio,
  pointwiseBand,
  stableRank,
  sum,
} from "../../math/index.ts";
import type { AnalysisInput, OptionValues } from "../kit/define.ts";
import { tokenEmbedding } from "../kit/inputs.ts";
import { leftVectors, peakNull, type SingularVector, type Subspace, subspacesOf } from "./vectors.ts";

export type Range = [number, number];

/** A cumulative curve and where it stands at one half and at nine tenths. */
type Cumulative = { cumulative: number[]; index50: number; index90: number };

type CumulativeNull = { lower: number[]; upper: number[]; index50: Range; index90: Range };

/** Result of `svd`. */
export type SvdResult = {
  shape: [number, number];
  singular_values: number[];
  paper: Cumulative;
  sound: Cumulative;
  stable_rank: number;
  participation_ratio: number;
  vectors: SingularVector[];
  subspaces: Subspace[];
  null: {
    draws: number;
    singular_values: { lower: number[]; upper: number[] };
    paper: CumulativeNull;
    sound: CumulativeNull;
    stable_rank: Range;
    participation_ratio: Range;
    peak_share: number;
  };
};

const squares = (values: ArrayLike<number>) => Float64Array.from(values, (value) => value * value);

/** The cumulative shares of descending weights; the index is the last one whose share is still below the level, −1 if none. */
function cumulate(weights: ArrayLike<number>): Cumulative {
  const total = sum(weights);
  let running = 0;
  const cumulative = Array.from(weights, (weight) => {
    running += weight;
    return total === 0 ? 0 : running / total;
  });
  const below = (level: number) => cumulative.filter((share) => share < level).length - 1;
  return { cumulative, index50: below(0.5), index90: below(0.9) };
}

const ranged = (values: number[]): Range => {
  const { lower, upper } = centralRange(values, 0.95);
  return [lower, upper];
};

function cumulativeNull(draws: readonly Cumulative[]): CumulativeNull {
  return {
    ...pointwiseBand(
      draws.map((draw) => draw.cumulative),
      0.95,
    ),
    index50: ranged(draws.map((draw) => draw.index50)),
    index90: ranged(draws.map((draw) => draw.index90)),
  };
}

function singularNull(W_E: NdArray<"float64">, draws: number, p: number, seed: number): SvdResult["null"] {
  const random = randomStream(seed, "svd/null");
  const frobenius = norm(W_E.data);
  const shape = [dim(W_E, 0), dim(W_E, 1)] as const;
  const spectra = Array.from({ length: draws }, () => gaussianSingularValues(shape, frobenius, random));
  return {
    draws,
    singular_values: pointwiseBand(spectra, 0.95),
    paper: cumulativeNull(spectra.map(cumulate)),
    sound: cumulativeNull(spectra.map((values) => cumulate(squares(values)))),
    stable_rank: ranged(spectra.map(stableRank)),
    participation_ratio: ranged(spectra.map((values) => participationRatio(squares(values)))),
    peak_share: peakNull(p, 1, randomStream(seed, "svd/peak/1")),
  };
}

/** What `svd` finds; see its definition. */
export function compute(input: AnalysisInput, options: OptionValues): SvdResult {
  const { p } = input.config;
  const W_E = tokenEmbedding(input);
  const count = Number(options.vectors);
  const draws = Number(options.draws);
  const { U, singular_values } = decompose(W_E);
  const vectors = leftVectors(U, count);
  return {
    shape: [dim(W_E, 0), dim(W_E, 1)],
    singular_values: Array.from(singular_values),
    paper: cumulate(singular_values),
    sound: cumulate(squares(singular_values)),
    stable_rank: stableRank(singular_values),
    participation_ratio: participationRatio(squares(singular_values)),
    vectors,
    subspaces: subspacesOf(singular_values, vectors, p, input.seed),
    null: singularNull(W_E, draws, p, input.seed),
  };
}
