import { at, randomStream } from "../../core/index.ts";
import { centralRange, cosine, mean, resultant, std } from "../../math/index.ts";

import { fitNeurons, permutedLimit } from "../closed-form/neurons.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { activationOf, matmulOf, tokenEmbedding } from "../kit/inputs.ts";
import { type Quantised, quantised } from "../kit/quantised.ts";
import { rounded } from "../kit/text.ts";
import { inputGradients, type Triple } from "./gradients.ts";
import { bySumAndDifference, circularity, componentsOf, distanceIrrelevance } from "./measures.ts";

/** Mean and the middle 98 % of a statistic under its null. */
export type NullOf = { mean: number; low: number; high: number };

/** Result of `clock`. */
export type ClockResult = {
  p: number;
  triples: number;
  gradient_symmetricity: { mean: number; std: number };
  distance_irrelevance: number;
  circularity: number;
  /** Neurons above the null of 4.10 by frequency. */
  frequencies: { k: number[]; neurons: number[]; disc: number[] };
  /** Mean over those neurons of their frequency's `disc`, and what as many random phases give; absent where there are none. */
  disc?: { mean: number; random: number; neurons: number };
  /** The right class's logit by sum (rows) and difference (columns). */
  logit: Quantised;
  null: { draws: number; gradient_symmetricity: NullOf; distance_irrelevance: NullOf; circularity: NullOf };
};

function limitsOfDraws(values: readonly number[]): NullOf {
  const { lower, upper } = centralRange(values, 0.98);
  return { mean: mean(values), low: lower, high: upper };
}

/** The triples (x0, x1, c) of the gradients, uniform and seeded. */
export function triplesOf(p: number, count: number, seed: number): Triple[] {
  const random = randomStream(seed, "clock/triples");
  return Array.from({ length: count }, () => ({ x0: random.integer(p), x1: random.integer(p), c: random.integer(p) }));
}

/** Gradient symmetricity of each triple, and of as many pairs of different triples, `draws` times. */
function symmetricity(input: AnalysisInput, triples: readonly Triple[], draws: number) {
  const gradient = inputGradients(input.config, input.parameters, {
    pattern: activationOf(input, "blocks.0.attn.hook_pattern"),
    post: activationOf(input, "blocks.0.mlp.hook_post"),
  });
  const pairs = triples.map(gradient);
  const random = randomStream(input.seed, "clock/unpaired");
  const unpaired = Array.from({ length: draws }, () => {
    const shift = 1 + random.integer(pairs.length - 1);
    return mean(pairs.map(([first], i) => cosine(first, at(pairs, (i + shift) % pairs.length)[1])));
  });
  return { own: pairs.map(([first, second]) => cosine(first, second)), unpaired };
}

/** The mean length of the resultant of n random unit vectors: √π/2 · 1/√n for many, 1 for one. */
export function randomResultant(n: number): number {
  return n === 1 ? 1 : Math.sqrt(Math.PI / 4 / n);
}

/** Discs or tori: the neurons' phases by frequency (4.10). */
async function phases(input: AnalysisInput, draws: number): Promise<Pick<ClockResult, "frequencies" | "disc">> {
  const fitted = await fitNeurons("clock", input, activationOf(input, "blocks.0.mlp.hook_pre"));
  const { limit } = await permutedLimit(fitted, draws, input.seed, matmulOf(input));
  const byK = new Map<number, number[]>();
  fitted.forms.forEach((form, j) => {
    if (form === undefined || at(fitted.best.R2, j) <= limit) return;
    byK.set(form.k, [...(byK.get(form.k) ?? []), form.phi0 - form.phi1]);
  });
  const groups = [...byK]
    .sort(([a], [b]) => a - b)
    .map(([k, angles]) => ({ k, neurons: angles.length, disc: resultant(angles) }));
  const neurons = groups.reduce((total, group) => total + group.neurons, 0);
  const frequencies = {
    k: groups.map(({ k }) => k),
    neurons: groups.map((group) => group.neurons),
    disc: rounded(groups.map(({ disc }) => disc)),
  };
  if (neurons === 0) return { frequencies };
  const weighted = (value: (group: (typeof groups)[number]) => number) =>
    groups.reduce((total, group) => total + group.neurons * value(group), 0) / neurons;
  return {
    frequencies,
    disc: { mean: weighted(({ disc }) => disc), random: weighted((group) => randomResultant(group.neurons)), neurons },
  };
}

/** The measures of Zhong et al. 2023 and the neurons' phases. */
export async function compute(input: AnalysisInput, triples: number, draws: number): Promise<ClockResult> {
  const { p } = input.config;
  const { own, unpaired } = symmetricity(input, triplesOf(p, triples, input.seed), draws);
  const logits = activationOf(input, "logits");
  const o = bySumAndDifference(logits, p);
  const components = componentsOf(tokenEmbedding(input));
  const random = randomStream(input.seed, "clock/tokens");
  const permuted = Array.from({ length: draws }, () => {
    const order = random.permutation(p);
    return {
      distance: distanceIrrelevance(bySumAndDifference(logits, p, order), p),
      circles: circularity(components.map((component) => Float64Array.from(order, (x) => at(component, x)))),
    };
  });
  return {
    p,
    triples,
    gradient_symmetricity: { mean: mean(own), std: std(own) },
    distance_irrelevance: distanceIrrelevance(o, p),
    circularity: circularity(components),
    ...(await phases(input, draws)),
    logit: quantised(o, p),
    null: {
      draws,
      gradient_symmetricity: limitsOfDraws(unpaired),
      distance_irrelevance: limitsOfDraws(permuted.map(({ distance }) => distance)),
      circularity: limitsOfDraws(permuted.map(({ circles }) => circles)),
    },
  };
}
