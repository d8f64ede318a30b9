import { at, dim, type NdArray, randomStream } from "../../core/index.ts";
import { centralRange, cosine, dot, norm, pearson } from "../../math/index.ts";
import type { AnalysisInput, Labelled } from "../kit/define.ts";
import { activationOf, positionEmbedding, tokenEmbedding } from "../kit/inputs.ts";
import { listed, short } from "../kit/text.ts";

/** Result of `positional`. */
export type PositionalResult = {
  d_model: number;
  pearson: number;
  cosine: number;
  sound: { distance: number; asymmetry: number; pearson: number };
  null: { limit: number; distance: [number, number]; asymmetry: number; pearson: [number, number] };
  W_pos: [number[], number[]];
};

/** Draws of the null of the gauge-free correlation. */
export const DRAWS = 1000;

/** Mean |L[i] − L[partner(i)]| over mean |L| of logits [samples, classes]; 0 where all logits are 0. */
function relativeDifference(logits: NdArray<"float64">, partner: (i: number) => number): number {
  const [samples, classes] = [dim(logits, 0), dim(logits, 1)];
  const { data } = logits;
  let [difference, magnitude] = [0, 0];
  for (let i = 0; i < samples; i++) {
    const other = partner(i) * classes;
    for (let c = 0; c < classes; c++) {
      const value = data[i * classes + c] as number;
      difference += Math.abs(value - (data[other + c] as number));
      magnitude += Math.abs(value);
    }
  }
  return magnitude === 0 ? 0 : difference / magnitude;
}

/** The mean token embedding, [d], and the root mean square norm of the embeddings about it. */
function tokenCloud(W_E: NdArray<"float64">): { center: Float64Array; spread: number } {
  const [p, d] = [dim(W_E, 0), dim(W_E, 1)];
  const center = new Float64Array(d);
  W_E.data.forEach((value, i) => {
    center[i % d] = at(center, i % d) + value / p;
  });
  const centred = W_E.data.map((value, i) => value - at(center, i % d));
  return { center, spread: norm(centred) / Math.sqrt(p) };
}

/** The 95 % range of `statistic` of two independent directions with the lengths of `a` and `b`. */
function independentRange(
  a: Float64Array,
  b: Float64Array,
  seed: number,
  statistic: (a: Float64Array, b: Float64Array) => number,
): [number, number] {
  const random = randomStream(seed, "positional/null");
  const direction = (length: number) => {
    const raw = Float64Array.from(a, () => random.normal());
    const scale = length / norm(raw);
    return raw.map((value) => value * scale);
  };
  const values = Array.from({ length: DRAWS }, () => statistic(direction(norm(a)), direction(norm(b))));
  const { lower, upper } = centralRange(values, 0.95);
  return [lower, upper];
}

const plus = (a: Float64Array, b: Float64Array) => a.map((value, i) => value + at(b, i));

/** All of a run's settings but its seed and `epochs`, which says where training stops and changes nothing before. */
function settingsOf({ seed: _seed, epochs: _epochs, ...settings }: AnalysisInput["config"]): string {
  return JSON.stringify(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The smallest and largest r over seeds: among runs with seeds of their own that agree in all other settings, where there are
 * several.
 */
export function correlationSpread(entries: readonly Labelled<PositionalResult>[]): string {
  const bySettings = new Map<string, Labelled<PositionalResult>[]>();
  for (const entry of entries) {
    const settings = settingsOf(entry.config);
    if (entry.config.seed !== undefined) bySettings.set(settings, [...(bySettings.get(settings) ?? []), entry]);
  }
  const clauses = [...bySettings.values()].flatMap((runs) => {
    const [first] = runs;
    if (first === undefined || runs.length < 2 || new Set(runs.map(({ config }) => config.seed)).size < runs.length) return [];
    const { preset, task, shuffle_labels, p } = first.config;
    const values = runs.map(({ result }) => result.pearson);
    const epochs = runs.flatMap(({ config }) => config.epochs ?? []);
    const [fewest, most] = [Math.min(...epochs), Math.max(...epochs)];
    return [
      `${short(Math.min(...values), 2)} to ${short(Math.max(...values), 2)} over ${runs.length} seeds of ${preset ?? task}` +
        `${shuffle_labels ? " on shuffled labels" : ""} at p = ${p}${fewest < most ? ` (${fewest} to ${most} epochs)` : ""}`,
    ];
  });
  return clauses.length === 0 ? "" : ` r spreads from ${listed(clauses)}.`;
}

/** What `positional` finds; see its definition. */
export function compute(input: AnalysisInput): PositionalResult {
  const { p } = input.config;
  const [a, b] = [positionEmbedding(input, 0), positionEmbedding(input, 1)];
  const { center, spread: scale } = tokenCloud(tokenEmbedding(input));
  const logits = activationOf(input, "logits");
  const relative = (length: number) => (scale === 0 ? 0 : length / scale);
  const pairing = randomStream(input.seed, "positional/pairs").permutation(p * p);
  // The rows of the one equivalent model whose tokens are centred: lengths that no shift changes.
  const [first, second] = [plus(a, center), plus(b, center)];
  const range = (statistic: (u: Float64Array, v: Float64Array) => number) =>
    independentRange(first, second, input.seed, statistic);
  const [low, high] = range((u, v) => Math.sqrt(dot(u, u) + dot(v, v) - 2 * dot(u, v)));
  return {
    d_model: a.length,
    pearson: pearson(a, b),
    cosine: cosine(a, b),
    sound: {
      distance: relative(norm(a.map((value, i) => value - at(b, i)))),
      asymmetry: relativeDifference(logits, (i) => (i % p) * p + Math.floor(i / p)),
      pearson: pearson(first, second),
    },
    null: {
      limit: 1.96 / Math.sqrt(a.length),
      distance: [relative(low), relative(high)],
      asymmetry: relativeDifference(logits, (i) => at(pairing, i)),
      pearson: range(pearson),
    },
    W_pos: [Array.from(a), Array.from(b)],
  };
}
