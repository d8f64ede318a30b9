import { at, dim, randomStream } from "../../core/index.ts";
import { figure } from "../../figures/index.ts";
import {
  argmax,
  frequencyOf,
  frequencyShares,
  gridsOf,
  halfPlanePower,
  isDead,
  mean,
  NOMINAL_NOISE_SHARE,
  nominalActive,
  OMEGA_NEURONS,
  PARTS,
  permuteGrid,
  quantile,
  sampleNeurons,
  soundActive,
  soundThresholds,
  tokenPermutation,
} from "../../math/index.ts";
import { type AnalysisInput, defineAnalysis, type Labelled } from "../kit/define.ts";
import { activationOf } from "../kit/inputs.ts";
import { fftPanel, fftParameters } from "./figure.ts";
import { type Quantised, quantised } from "../kit/quantised.ts";
import { listed, percent, perRun, short } from "../kit/text.ts";

/** Neurons whose best frequency is k. */
type Cluster = { k: number; neurons: number; explained: number; mean_share: number };

/** Result of `fft`. */
export type FftResult = {
  p: number;
  neurons: number;
  dead: number;
  entries: number;
  dominant: [number, number][];
  best_k: number[];
  share: number[];
  mean_share: number;
  explained: number;
  clusters: Cluster[];
  active: { sound: number[]; nominal: number[] };
  active_mean: { sound: number; nominal: number };
  thresholds: { x0: number | null; x1: number | null; interior: number | null };
  null: { share: number; active_sound: number; active_nominal: number; noise_nominal: number };
  examples: { neuron: number; chosen: "share" | "random"; activation: Quantised }[];
};

/** A neuron is explained by one frequency when this share of its variance is (Nanda et al. 2023). */
const EXPLAINED = 0.85;

/** What one neuron's spectrum tells. */
interface Neuron {
  readonly dominant: [number, number];
  readonly best_k: number;
  readonly share: number;
  readonly sound: number;
  readonly nominal: number;
}

const DEAD: Neuron = { dominant: [0, 0], best_k: 0, share: 0, sound: 0, nominal: 0 };

function averageOver(neurons: readonly Neuron[], value: (neuron: Neuron) => number): number {
  return neurons.length === 0 ? 0 : mean(neurons.map(value));
}

function clustersOf(live: readonly Neuron[]): Cluster[] {
  const byFrequency = new Map<number, Neuron[]>();
  for (const neuron of live) byFrequency.set(neuron.best_k, [...(byFrequency.get(neuron.best_k) ?? []), neuron]);
  return [...byFrequency]
    .map(([k, members]) => ({
      k,
      neurons: members.length,
      explained: members.filter(({ share }) => share > EXPLAINED).length,
      mean_share: averageOver(members, ({ share }) => share),
    }))
    .sort((a, b) => b.neurons - a.neurons || a.k - b.k);
}

/** Neurons for the figure: half of them the best by share, the others drawn from the rest; none of them dead. */
function exampleNeurons(
  neurons: readonly Neuron[],
  count: number,
  seed: number,
): { neuron: number; chosen: "share" | "random" }[] {
  const shares = neurons.map(({ share }) => share);
  const live = neurons.flatMap((neuron, i) => (neuron === DEAD ? [] : [i]));
  const ranked = live.slice().sort((a, b) => at(shares, b) - at(shares, a));
  const best = ranked.slice(0, Math.ceil(count / 2));
  const rest = live.filter((i) => !best.includes(i));
  const order = randomStream(seed, "fft/examples").permutation(rest.length);
  const drawn = Array.from(order.slice(0, count - best.length), (i) => at(rest, i));
  return [
    ...best.map((neuron) => ({ neuron, chosen: "share" as const })),
    ...drawn.map((neuron) => ({ neuron, chosen: "random" as const })),
  ];
}

function run(input: AnalysisInput, exampleCount: number): FftResult {
  const { p } = input.config;
  const activations = activationOf(input, "blocks.0.mlp.hook_post");
  const count = dim(activations, 1);
  const grids = gridsOf(activations);
  const sampled = Array.from(sampleNeurons(count, OMEGA_NEURONS, input.seed), (i) => grids[i] as Float64Array);
  const random = randomStream(input.seed, "fft/null");
  const permutedShares: number[] = [];
  const thresholds = soundThresholds(sampled, p, random, (power) => {
    const shares = frequencyShares(power, p);
    permutedShares.push(at(shares, argmax(shares)));
  });
  const describe = (power: Float64Array): Neuron => {
    const shares = frequencyShares(power, p);
    const best = argmax(shares);
    const [omega0, omega1] = frequencyOf(argmax(power), p);
    return {
      dominant: [omega0, omega1],
      best_k: best + 1,
      share: at(shares, best),
      sound: soundActive(power, p, thresholds).length,
      nominal: nominalActive(power).length,
    };
  };
  const neurons = grids.map((grid, i) => {
    if (i % 64 === 0) input.onProgress?.(i, count);
    return isDead(grid) ? DEAD : describe(halfPlanePower(grid, p));
  });
  input.onProgress?.(count, count);
  const live = neurons.filter((neuron) => neuron !== DEAD);
  // One more permutation each, which the thresholds have not seen.
  const fresh = sampled
    .filter((grid) => !isDead(grid))
    .map((grid) => describe(halfPlanePower(permuteGrid(grid, tokenPermutation(p, random)), p)));
  const entries = (p * p - 1) / 2;
  const limits = Object.fromEntries(PARTS.map((part) => [part, Number.isFinite(thresholds[part]) ? thresholds[part] : null]));
  return {
    p,
    neurons: count,
    dead: count - live.length,
    entries,
    dominant: neurons.map(({ dominant }) => dominant),
    best_k: neurons.map(({ best_k }) => best_k),
    share: neurons.map(({ share }) => share),
    mean_share: averageOver(live, ({ share }) => share),
    explained: live.filter(({ share }) => share > EXPLAINED).length,
    clusters: clustersOf(live),
    active: { sound: neurons.map(({ sound }) => sound), nominal: neurons.map(({ nominal }) => nominal) },
    active_mean: { sound: averageOver(live, ({ sound }) => sound), nominal: averageOver(live, ({ nominal }) => nominal) },
    thresholds: limits as FftResult["thresholds"],
    null: {
      share: permutedShares.length === 0 ? 0 : quantile(permutedShares, 0.99),
      active_sound: averageOver(fresh, ({ sound }) => sound),
      active_nominal: averageOver(fresh, ({ nominal }) => nominal),
      noise_nominal: NOMINAL_NOISE_SHARE * entries,
    },
    examples: exampleNeurons(neurons, exampleCount, input.seed).map((example) => ({
      ...example,
      activation: quantised(grids[example.neuron] as Float64Array, p),
    })),
  };
}

function headline(entries: readonly Labelled<FftResult>[]): string {
  const clause = ({ result }: Labelled<FftResult>) => {
    const large = result.clusters.filter(({ explained }) => explained > 0);
    const where = large.length === 0 ? "" : ` at ${large.length} frequencies`;
    return (
      `${result.explained} of ${result.neurons} neurons have over ${percent(EXPLAINED)} of their variance at one frequency${where} ` +
      `(permuted tokens: below ${percent(result.null.share)}); ${short(result.active_mean.sound, 2)} active frequencies a neuron ` +
      `(null ${short(result.null.active_sound, 2)}), ${short(result.active_mean.nominal)} by μ+2σ (noise ${short(result.null.noise_nominal)})`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** The neurons' spectra over the whole p×p grid (section Neurons and Figure 4, Syrkis & Søgaard 2024; Nanda et al. 2023). */
export const fft = defineAnalysis<FftResult>({
  id: "fft",
  title: "2D Fourier spectra of the neurons",
  description: "Which frequencies each neuron reacts to, after the ReLU, over the whole grid of inputs.",
  definition: `Each neuron after the ReLU at the last position as a function of (x0, x1) on the whole p×p grid, its mean removed. F(ω0, ω1) is its 2D
DFT; conjugates are counted once, which leaves (p²−1)/2 = \`entries\` frequency pairs: the x0 axis (ω1 = 0), the x1 axis (ω0 = 0) and the interior.

- \`dominant\`: (ω0, ω1) of the largest |F|, ω0 from −(p−1)/2 to (p−1)/2 and ω1 from 0.
- \`best_k\`, \`share\`: the share of the neuron's variance in {const, cos k, sin k} ⊗ {const, cos k, sin k} without const ⊗ const, for the best
  k = 1..(p−1)/2. \`explained\`: neurons with share above ${EXPLAINED}. \`clusters\`: neurons by best k, with how many of them are explained.
- \`active.sound\`: entries whose power over the mean power of their part exceeds the part's threshold (\`thresholds\`, see the null). An addition
  neuron has 6 of them, one of a remainder modulo q 10 to 18.
- \`active.nominal\`: entries with |F| > μ+2σ of the neuron's own half-plane, the paper's stated rule. Its null is ${(100 * NOMINAL_NOISE_SHARE).toFixed(1)} % of the
  entries, so noise scores highest and an addition neuron 10: by itself this number says nothing.
- \`active_mean\`, \`mean_share\`: means over neurons. Neurons of zero variance are counted as \`dead\`: best_k 0, share 0, left out of all means.
- \`examples\`: activations of a few neurons, to 1/255 of their range (base64), for the figure.`,
  null: `Token permutations: the x0-values and the x1-values relabelled independently, which keeps all structure of the form f(x0) + g(x1) and
destroys periods. \`thresholds\`: 99 % quantile of each part's largest power over its mean, pooled over 64 seeded neurons × 20 permutations
(null where no neuron has power there). \`null.share\`: 99 % quantile of the best share under the same permutations. \`null.active_sound\` and
\`null.active_nominal\`: mean counts of the same neurons under one more permutation. \`null.noise_nominal\`: what Gaussian noise scores by μ+2σ.`,
  citation:
    "Section Neurons and Figure 4, Syrkis & Søgaard 2024; best_k and share as in Nanda et al. 2023 (whose code omits the last k)",
  needs: ["blocks.0.mlp.hook_post"],
  options: { examples: { type: "integer", default: 6, min: 0, max: 12, description: "neurons kept for the figure, 0 to 12" } },
  run: (input, options) => run(input, Number(options.examples)),
  metrics: (result) => ({
    dead: result.dead,
    explained: result.explained,
    explained_share: result.explained / Math.max(1, result.neurons),
    mean_share: result.mean_share,
    share_null: result.null.share,
    clusters: result.clusters.filter(({ explained }) => explained > 0).length,
    active_sound: result.active_mean.sound,
    active_sound_null: result.null.active_sound,
    active_nominal: result.active_mean.nominal,
    active_nominal_null: result.null.active_nominal,
    active_nominal_noise: result.null.noise_nominal,
  }),
  summary: (result) =>
    [
      `neurons   ${result.neurons}, ${result.dead} dead`,
      `share     mean ${percent(result.mean_share)} at the best k; ${result.explained} above ${percent(EXPLAINED)}   (permuted tokens: below ${percent(result.null.share)})`,
      `clusters  ${listed(result.clusters.slice(0, 8).map(({ k, neurons, explained }) => `k=${k}: ${neurons} (${explained} explained)`))}${result.clusters.length > 8 ? `, ${result.clusters.length - 8} more` : ""}`,
      `active    sound ${short(result.active_mean.sound)} a neuron   (null ${short(result.null.active_sound)})`,
      `          nominal ${short(result.active_mean.nominal)} of ${result.entries}   (noise ${short(result.null.noise_nominal)}, permuted tokens ${short(result.null.active_nominal)})`,
    ].join("\n"),
  headline,
  figure: (entries) =>
    figure(fftPanel(entries), {
      title: "2D Fourier spectra of the neurons",
      subtitle: "upper row: all runs on shared scales; below: each neuron over its own maximum",
      description: `Share of variance at the best frequency and numbers of active frequencies over all neurons, and example neurons with their spectra. ${headline(entries)}`,
      params: fftParameters(entries),
    }),
});
