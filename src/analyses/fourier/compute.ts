import { at, dim, type NdArray, randomStream } from "../../core/index.ts";
import {
  basisLabels,
  centralRange,
  dot,
  familywiseLimit,
  fftshift,
  gini,
  gramMatrix,
  mean,
  permutedEnergies,
  realFourier,
  rfft2,
  std,
  sum,
} from "../../math/index.ts";
import type { AnalysisInput, OptionValues } from "../kit/define.ts";
import { tokenEmbedding } from "../kit/inputs.ts";
import { type Quantised, quantised } from "../kit/quantised.ts";

/** A row of the paper's Fourier figure: what the paper calls it, and the frequency it holds. */
type PaperRow = { row: number; label: string; frequency: number };

/** Result of `fourier`. */
export type FourierResult = {
  p: number;
  d_model: number;
  labels: string[];
  norms: number[];
  energy_by_k: number[];
  share_by_k: number[];
  gini: number;
  key_frequencies: number[];
  key_share: number;
  paper: { norms: number[]; threshold: number; active: PaperRow[] };
  coefficients: Quantised;
  null: { draws: number; energy: number; share: number; gini: [number, number]; paper_active: number };
};

/** const², then cos² + sin² for k = 1..(p−1)/2, from the p squared norms. */
function byFrequency(energies: ArrayLike<number>): number[] {
  const m = (energies.length - 1) / 2;
  return Array.from({ length: m + 1 }, (_, k) => (k === 0 ? at(energies, 0) : at(energies, 2 * k - 1) + at(energies, 2 * k)));
}

/** The index of rows whose norm exceeds μ+1σ of all. */
function aboveOneSigma(norms: readonly number[]): { threshold: number; rows: number[] } {
  const threshold = mean(norms) + std(norms);
  return { threshold, rows: norms.flatMap((norm, row) => (norm > threshold ? [row] : [])) };
}

/** The paper's figure, step by step: rfft2 of the transpose, both axes shifted, norms of the frequency axis's rows. */
function paperRows(W_E: NdArray<"float64">): FourierResult["paper"] {
  const [p, d] = [dim(W_E, 0), dim(W_E, 1)];
  const transposed = Float64Array.from({ length: p * d }, (_, i) => at(W_E.data, (i % p) * d + Math.floor(i / p)));
  const bins = (p + 1) / 2;
  const { re, im } = rfft2(transposed, d, p);
  const [shiftedRe, shiftedIm] = [fftshift(re, d, bins), fftshift(im, d, bins)];
  const norms = Array.from({ length: bins }, (_, row) => {
    let total = 0;
    for (let j = 0; j < d; j++) total += at(shiftedRe, j * bins + row) ** 2 + at(shiftedIm, j * bins + row) ** 2;
    return Math.sqrt(total);
  });
  const { threshold, rows } = aboveOneSigma(norms);
  const labelOf = (row: number) => (row === 0 ? "const" : `${row % 2 === 1 ? "cos" : "sin"} ${Math.floor(row / 2)}`);
  const shift = Math.floor(bins / 2);
  return { norms, threshold, active: rows.map((row) => ({ row, label: labelOf(row), frequency: (row + bins - shift) % bins })) };
}

function spectrumNull(W_E: NdArray<"float64">, draws: number, seed: number): FourierResult["null"] {
  const random = randomStream(seed, "fourier/null");
  const gram = gramMatrix(W_E);
  const total = sum(gram.filter((_, i) => i % (dim(W_E, 0) + 1) === 0));
  const energies = Array.from({ length: draws }, () => permutedEnergies(gram, random.permutation(dim(W_E, 0))));
  const perFrequency = energies.map(byFrequency);
  const limit = familywiseLimit(
    perFrequency.map((energy) => energy.slice(1)),
    0.99,
  );
  const { lower, upper } = centralRange(
    energies.map((energy) => gini(energy.map(Math.sqrt))),
    0.95,
  );
  return {
    draws,
    energy: limit,
    share: total === 0 ? 0 : limit / total,
    gini: [lower, upper],
    // The paper's norms are these per frequency: |F| over both halves of the constant's and each pair's energy.
    paper_active: mean(
      perFrequency.map((energy) => aboveOneSigma(energy.map((e, k) => Math.sqrt(k === 0 ? e : e / 2))).rows.length),
    ),
  };
}

/** What `fourier` finds; see its definition. */
export function compute(input: AnalysisInput, options: OptionValues): FourierResult {
  const W_E = tokenEmbedding(input);
  const [p, d_model] = [dim(W_E, 0), dim(W_E, 1)];
  const draws = Number(options.draws);
  const coefficients = realFourier(W_E);
  const squared = Array.from({ length: p }, (_, r) => {
    const row = coefficients.data.subarray(r * d_model, (r + 1) * d_model);
    return dot(row, row);
  });
  const norms = squared.map(Math.sqrt);
  const energy_by_k = byFrequency(squared);
  const total = sum(energy_by_k);
  const share_by_k = energy_by_k.map((energy) => (total === 0 ? 0 : energy / total));
  const none = spectrumNull(W_E, draws, input.seed);
  const key_frequencies = energy_by_k.flatMap((energy, k) => (k > 0 && energy > none.energy ? [k] : []));
  return {
    p,
    d_model,
    labels: basisLabels(p),
    norms,
    energy_by_k,
    share_by_k,
    gini: gini(norms),
    key_frequencies,
    key_share: sum(key_frequencies.map((k) => at(share_by_k, k))),
    paper: paperRows(W_E),
    coefficients: quantised(coefficients.data, d_model),
    null: none,
  };
}
