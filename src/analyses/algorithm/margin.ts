import { at, dim, type NdArray } from "../../core/index.ts";
import { spearman } from "../../math/index.ts";
import { harmonicsOf } from "../closed-form/dictionary.ts";
import { groupKernel, headLogits, residues, sampleNumbers } from "../logits/groups.ts";
import type { TrainedHead } from "../logits/score.ts";
import { type RankControl, rankControl } from "./rank-control.ts";

/** A frequency of g with more than this share of its energy is one of the output head's. */
const STRONG = 0.05;

/** How far the right class is above the next on average, and how far single logits stray from that average. */
export type Margin = {
  /** g(0) − max over δ ≠ 0 of g(δ), in nats. */
  value: number[];
  /** Standard deviation of the logits less g, each sample's mean over classes removed. */
  residual: number[];
  /** `value` over `residual`. */
  ratio: number[];
  /** Rank correlation of `ratio` with accuracy over the tasks q > 7; null for fewer than three, or with one accuracy. */
  rank_correlation: number | null;
  /** What of it the sizes of the tasks do not explain; null for fewer than four, or with one accuracy. */
  beyond_modulus: RankControl | null;
  tasks: number;
};

/** A ratio beyond which the residual is rounding. */
const MOST = 1e9;

/** g of each output head, its margin, and its frequencies. */
export function marginsOf(
  logits: NdArray<"float64">,
  config: Parameters<typeof sampleNumbers>[0],
  heads: readonly TrainedHead[],
  accuracy: readonly number[],
  seed: number,
): { readonly margin: Margin; readonly kernels: Float64Array[]; readonly frequencies: number[][] } {
  const numbers = sampleNumbers(config);
  const found = heads.map((head) => {
    const own = headLogits(logits, head);
    const kernel = groupKernel(own, residues(numbers, head));
    const others = kernel.slice(1);
    const value = at(kernel, 0) - Math.max(...others);
    const residual = residualOf(own, kernel);
    const ratio = Math.min(MOST, Math.max(-MOST, residual === 0 ? Math.sign(value) * MOST : value / residual));
    return { kernel, value, residual, ratio };
  });
  const late = heads.flatMap(({ q }, task) => (q > 7 ? [task] : []));
  const [ratios, accuracies] = [late.map((task) => at(found, task).ratio), late.map((task) => at(accuracy, task))];
  const moduli = late.map((task) => at(heads, task).q);
  // Equal accuracies, as of a model that has solved every task, have no order to predict.
  const alike = accuracies.every((value) => value === accuracies[0]);
  return {
    margin: {
      value: found.map(({ value }) => value),
      residual: found.map(({ residual }) => residual),
      ratio: found.map(({ ratio }) => ratio),
      rank_correlation: late.length < 3 || alike ? null : spearman(ratios, accuracies),
      beyond_modulus: alike ? null : rankControl(ratios, accuracies, moduli, seed),
      tasks: late.length,
    },
    kernels: found.map(({ kernel }) => kernel),
    frequencies: found.map(({ kernel }) => strongFrequencies(kernel)),
  };
}

/** Standard deviation over all entries of an output head's logits, centred within each sample, less g((n − c) mod q). */
function residualOf(own: NdArray<"float64">, kernel: Float64Array): number {
  const [n, classes] = [dim(own, 0), dim(own, 1)];
  let total = 0;
  for (let i = 0; i < n; i++) {
    let [sum, squares] = [0, 0];
    for (let c = 0; c < classes; c++) {
      const value = own.data[i * classes + c] as number;
      sum += value;
      squares += value * value;
    }
    total += squares - (sum * sum) / classes;
  }
  const mean = kernel.reduce((a, b) => a + b, 0) / classes;
  const explained = n * kernel.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  // g is an orthogonal projection; what rounding leaves may lie a hair below 0.
  return Math.sqrt(Math.max(0, total - explained) / (n * classes));
}

/** The bins of g's DFT over δ, without the constant, that hold more than 5 % of its energy. */
function strongFrequencies(kernel: Float64Array): number[] {
  const q = kernel.length;
  const energies = Array.from({ length: harmonicsOf(q) }, (_, i) => {
    let [cosine, sine] = [0, 0];
    for (let delta = 0; delta < q; delta++) {
      const angle = (2 * Math.PI * (((i + 1) * delta) % q)) / q;
      cosine += at(kernel, delta) * Math.cos(angle);
      sine += at(kernel, delta) * Math.sin(angle);
    }
    return cosine ** 2 + sine ** 2;
  });
  const whole = energies.reduce((a, b) => a + b, 0);
  return energies.flatMap((energy, i) => (energy > STRONG * whole && energy > 0 ? [i + 1] : []));
}
