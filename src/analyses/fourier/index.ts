import { at, dim, type NdArray, randomStream } from "../../core/index.ts";
import { figure } from "../../figures/index.ts";
import {
  basisLabels,
  dot,
  familywiseQuantile,
  fftshift,
  gini,
  gramMatrix,
  mean,
  permutedEnergies,
  quantile,
  realFourier,
  rfft2,
  std,
  sum,
} from "../../math/index.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { tokenEmbedding } from "../kit/inputs.ts";
import { fourierPanel } from "./figure.ts";
import { type Quantised, quantised } from "../kit/quantised.ts";
import { listed, percent, perRun, short } from "../kit/text.ts";

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

function nullOf(W_E: NdArray<"float64">, draws: number, seed: number): FourierResult["null"] {
  const random = randomStream(seed, "fourier/null");
  const gram = gramMatrix(W_E);
  const total = sum(gram.filter((_, i) => i % (dim(W_E, 0) + 1) === 0));
  const energies = Array.from({ length: draws }, () => permutedEnergies(gram, random.permutation(dim(W_E, 0))));
  const perFrequency = energies.map(byFrequency);
  const limit = familywiseQuantile(
    perFrequency.map((energy) => energy.slice(1)),
    0.99,
  );
  const ginis = energies.map((energy) => gini(energy.map(Math.sqrt)));
  return {
    draws,
    energy: limit,
    share: total === 0 ? 0 : limit / total,
    gini: [quantile(ginis, 0.025), quantile(ginis, 0.975)],
    // The paper's norms are these per frequency: |F| over both halves of the constant's and each pair's energy.
    paper_active: mean(
      perFrequency.map((energy) => aboveOneSigma(energy.map((e, k) => Math.sqrt(k === 0 ? e : e / 2))).rows.length),
    ),
  };
}

function headline(entries: readonly Labelled<FourierResult>[]): string {
  const clause = ({ result }: Labelled<FourierResult>) => {
    const { key_frequencies: keys, share_by_k: shares, p } = result;
    const strongest = keys
      .slice()
      .sort((a, b) => at(shares, b) - at(shares, a))
      .slice(0, 5);
    const led = keys.length === 0 ? "" : `, led by ${listed(strongest.map((k) => `k=${k} (${percent(at(shares, k))})`))}`;
    return (
      `${keys.length} of ${(p - 1) / 2} frequencies above the 99 % null hold ${percent(result.key_share)} of the energy${led}; ` +
      `Gini ${short(result.gini)} (null ${short(result.null.gini[0])} to ${short(result.null.gini[1])})`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** Which frequencies over the p tokens the embedding uses (Figures 11 to 13, Syrkis & Søgaard 2024; Nanda et al. 2023). */
export const fourier = defineAnalysis<FourierResult>({
  id: "fourier",
  title: "Token embeddings in a Fourier basis",
  description: "Energy of W_E at each frequency over the tokens, and which of them exceed the null.",
  definition: `W_E without the '=' row, [p, d_model], in the real orthonormal basis over the tokens: constant/√p, then √(2/p)·cos(2πkx/p) and
√(2/p)·sin(2πkx/p), k = 1..(p−1)/2.

- \`norms\`: norm of each of the p rows of basis·W_E, named by \`labels\` (const, cos 1, sin 1, …).
- \`energy_by_k\`: const², then cos² + sin² for each k. \`share_by_k\`: over the total, the constant included.
- \`gini\`: Gini coefficient of the p norms; 0 = all equal.
- \`key_frequencies\`: every k whose energy exceeds \`null.energy\`; \`key_share\`: their share of the total energy.
- \`paper\`: the published figure's recipe: 2D rfft of the transpose, fftshift over both axes, row norms, \`active\` above μ+1σ (\`threshold\`). The
  shift puts frequency (r+29) mod 57 into row r (for p = 113), which the paper labels const, cos ⌊r/2⌋ (odd r) and sin (even r): each
  row is given with that \`label\` and with the \`frequency\` that it holds. Kept for comparison.
- \`coefficients\`: basis·W_E, [p, d_model], to 1/255 of its range (base64), for the figure.`,
  null: `The rows of W_E permuted over the tokens, which keeps the embeddings and destroys all periods: \`null.energy\` (and \`null.share\`) is the 99 %
quantile of the largest energy among all k ≥ 1, \`null.gini\` the 95 % range, \`null.paper_active\` the mean number of rows that the paper's
μ+1σ calls active without any structure; \`draws\` seeded permutations.`,
  citation:
    "Figures 11 to 13, Syrkis & Søgaard 2024: few frequencies (nanda), many (miiii), none (basis); Gini as in Nanda et al. 2023",
  needs: [],
  options: {
    draws: { type: "integer", default: 1000, min: 100, max: 10_000, description: "row permutations of the null, 100 to 10000" },
  },
  run(input, options) {
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
    const none = nullOf(W_E, draws, input.seed);
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
  },
  metrics: (result) => ({
    key_frequencies: result.key_frequencies.length,
    key_share: result.key_share,
    null_share: result.null.share,
    gini: result.gini,
    gini_null: (result.null.gini[0] + result.null.gini[1]) / 2,
    paper_active: result.paper.active.length,
    paper_active_null: result.null.paper_active,
  }),
  summary: (result) =>
    [
      `key frequencies  ${result.key_frequencies.length === 0 ? "none" : result.key_frequencies.map((k) => `${k} (${percent(at(result.share_by_k, k))})`).join(", ")}`,
      `                 ${percent(result.key_share)} of the energy; each above ${percent(result.null.share)}, the 99 % null of permuted tokens`,
      `gini             ${short(result.gini)}   (null ${short(result.null.gini[0])} to ${short(result.null.gini[1])})`,
      `paper (μ+1σ)     ${result.paper.active.length} of ${result.paper.norms.length} rows   (null ${short(result.null.paper_active)}): ${result.paper.active.map(({ label, frequency }) => `"${label}" holds k=${frequency}`).join(", ")}`,
    ].join("\n"),
  headline,
  figure: (entries) =>
    figure(fourierPanel(entries), {
      title: "Token embeddings in a Fourier basis",
      subtitle: "all runs on shared scales; dashed: 99 % null of permuted tokens",
      description: `Coefficients of the token embedding over the Fourier basis with the energy of each frequency. ${headline(entries)}`,
    }),
});
