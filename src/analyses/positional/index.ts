import { at, dim, type NdArray, randomStream } from "../../core/index.ts";
import { commonDomain, figure, matrixImage, scatter } from "../../figures/index.ts";
import { cosine, dot, norm, pearson, quantile } from "../../math/index.ts";
import { type AnalysisInput, defineAnalysis, type Labelled } from "../kit/define.ts";
import { activationOf, positionEmbedding, tokenEmbedding } from "../kit/inputs.ts";
import { ownColours } from "../kit/panels.ts";
import { listed, perRun, short } from "../kit/text.ts";

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
const DRAWS = 1000;

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
  return [quantile(values, 0.025), quantile(values, 0.975)];
}

const plus = (a: Float64Array, b: Float64Array) => a.map((value, i) => value + at(b, i));

/** All of a run's settings but its seed and `epochs`, which says where training stops and changes nothing before. */
function settingsOf({ seed: _seed, epochs: _epochs, ...settings }: AnalysisInput["config"]): string {
  return JSON.stringify(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The smallest and largest r over seeds: among runs with seeds of their own that agree in all other settings, where there are several. */
function spread(entries: readonly Labelled<PositionalResult>[]): string {
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

function headline(entries: readonly Labelled<PositionalResult>[]): string {
  const clause = ({ result: { pearson: r, sound, null: none } }: Labelled<PositionalResult>) =>
    `r = ${r.toFixed(2)} (null ±${none.limit.toFixed(2)}), distance ${short(sound.distance, 2)} token norms, ` +
    `logit asymmetry ${short(sound.asymmetry, 2)} (null ${short(none.asymmetry, 2)})`;
  return `${perRun(entries, clause)}.${spread(entries)}`;
}

/** How much the two digits' positions differ (Figure 7, Syrkis & Søgaard 2024), and what of that the model's function depends on. */
export const positional = defineAnalysis<PositionalResult>({
  id: "positional",
  title: "Positional embeddings",
  description: "Correlation of the two digits' position embeddings, and two measures that the function itself fixes.",
  definition: `- \`pearson\`, \`cosine\`: of \`W_pos[0]\` and \`W_pos[1]\` over the d_model dimensions. Neither is fixed by what the model
  computes: W_E + v with W_pos[0] − v and W_pos[1] − v is the same function for every v, with another r.
- \`sound.distance\`: ‖W_pos[0] − W_pos[1]‖ over the root mean square norm of the token embeddings about their mean; unchanged by v. 0
  for a model that cannot tell the digits apart.
- \`sound.asymmetry\`: mean |L(x0, x1) − L(x1, x0)| over mean |L| of all logits L over all p² samples; 0 for a commutative mechanism.
- \`sound.pearson\`: r of W_pos[0] + m and W_pos[1] + m, m being the mean token embedding: the one choice of v that centres the tokens, so
  that every equivalent model has the same value.
- \`W_pos\`: the two rows, [2, d_model].

Of several runs that agree in every setting but seed and epochs, each with a seed of its own, the range of r over seeds is told.`,
  null: `\`null.limit\`: two independent directions have |r| and |cosine| below 1.96/√d_model in 95 % of cases. \`null.distance\` and
\`null.pearson\`: the 95 % range of the same statistics for two independent directions with the lengths of W_pos[0] + m and W_pos[1] + m
(${DRAWS} seeded draws); they do not change with v either. \`null.asymmetry\`: the same ratio with samples paired at random instead of with their mirror image.`,
  citation: "Section Embeddings and Figure 7, Syrkis & Søgaard 2024: r = 0.95 (nanda) and −0.64 (miiii)",
  needs: ["logits"],
  options: {},
  run(input) {
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
  },
  metrics: (result) => ({
    pearson: result.pearson,
    cosine: result.cosine,
    null_limit: result.null.limit,
    distance: result.sound.distance,
    distance_null_low: result.null.distance[0],
    asymmetry: result.sound.asymmetry,
    asymmetry_null: result.null.asymmetry,
    sound_pearson: result.sound.pearson,
  }),
  summary: ({ pearson: r, cosine: c, sound, null: none }) =>
    [
      `pearson    ${short(r)}   cosine ${short(c)}   (null ±${short(none.limit)}; neither is fixed by the function)`,
      `sound      r with centred tokens ${short(sound.pearson)}   (null ${short(none.pearson[0])} to ${short(none.pearson[1])})`,
      `distance   ${short(sound.distance)} token norms   (null ${short(none.distance[0])} to ${short(none.distance[1])})`,
      `asymmetry  ${short(sound.asymmetry)} of the logits under x0 ↔ x1   (null ${short(none.asymmetry)})`,
    ].join("\n"),
  headline,
  figure(entries) {
    const domain = commonDomain(
      entries.map(({ result }) => result.W_pos),
      "signed",
    );
    const strips = entries.map(({ label, result }, i) =>
      matrixImage({
        title: label,
        values: result.W_pos,
        colouring: "signed",
        domain,
        x: i === entries.length - 1 ? { title: "dimension" } : {},
        y: { labels: ["x₀", "x₁"] },
        width: 420,
        height: 36,
        valueTitle: "W_pos",
        legend: i === 0,
      }),
    );
    // A scatter carries at most 4,000 points: with many runs every n-th dimension.
    const every = Math.ceil(entries.reduce((total, { result }) => total + result.d_model, 0) / 4000);
    const points = scatter({
      rows: entries.flatMap(({ label, result: { W_pos } }) =>
        W_pos[0]
          .map((value, i) => ({ run: label, dimension: i, first: value, second: at(W_pos[1], i) }))
          .filter(({ dimension }) => dimension % every === 0),
      ),
      x: "first",
      y: "second",
      xTitle: "W_pos[0]",
      yTitle: "W_pos[1]",
      series: "run",
      runs: entries.map(({ label }) => label),
      also: ["dimension"],
      diagonal: true,
      title: "Each dimension at both positions",
      subtitle: perRun(entries, ({ result }) => `r = ${result.pearson.toFixed(2)} (null ±${result.null.limit.toFixed(2)})`),
    });
    return figure(ownColours([ownColours(strips, 1, 12), points]), {
      title: "Positional embeddings",
      subtitle: "all runs on shared scales",
      description: `Position embeddings of the two digits as signed strips, and one against the other. ${headline(entries)}`,
    });
  },
});
