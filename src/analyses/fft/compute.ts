import { at, dim, type NdArray, randomStream } from "../../core/index.ts";
import {
  argmax,
  eachGrid,
  FFT_EFFORT,
  frequencyOf,
  frequencyShares,
  gridsOf,
  isDead,
  mean,
  NOMINAL_NOISE_SHARE,
  nominalActive,
  OMEGA_NEURONS,
  PARTS,
  type Powers,
  powersByProducts,
  sampleNeurons,
  soundActive,
  tokenNull,
} from "../../math/index.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { activationOf, matmulOf } from "../kit/inputs.ts";
import { type Quantised, quantised } from "../kit/quantised.ts";

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
export const EXPLAINED = 0.85;

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

function frequencyClusters(live: readonly Neuron[]): Cluster[] {
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

/** Describes the neurons that are not dead, activations [p², n], some grids at a time. */
async function eachNeuron(
  activations: NdArray<"float64">,
  p: number,
  powers: Powers,
  describe: (power: Float64Array) => Neuron,
  onProgress: (done: number) => void,
): Promise<Neuron[]> {
  const neurons = new Array<Neuron>(dim(activations, 1)).fill(DEAD);
  const live: number[] = [];
  function* liveGrids(): Generator<Float64Array> {
    for (const { grid, column } of eachGrid(activations)) {
      if (column % 64 === 0) onProgress(column);
      if (isDead(grid)) continue;
      live.push(column);
      yield grid;
    }
  }
  let described = 0;
  await powers(liveGrids(), p, (power) => {
    neurons[at(live, described)] = describe(power);
    described += 1;
  });
  return neurons;
}

/** What `fft` finds; see its definition. */
export async function compute(input: AnalysisInput, exampleCount: number): Promise<FftResult> {
  const { p } = input.config;
  const activations = activationOf(input, "blocks.0.mlp.hook_post");
  const count = dim(activations, 1);
  const powers = powersByProducts(matmulOf(input));
  const none = await tokenNull(
    gridsOf(activations, sampleNeurons(count, OMEGA_NEURONS, input.seed)).filter((grid) => !isDead(grid)),
    p,
    randomStream(input.seed, "fft/null"),
    FFT_EFFORT,
    powers,
  );
  const { thresholds } = none;
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
  const neurons = await eachNeuron(activations, p, powers, describe, (done) => input.onProgress?.(done, count));
  input.onProgress?.(count, count);
  const live = neurons.filter((neuron) => neuron !== DEAD);
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
    clusters: frequencyClusters(live),
    active: { sound: neurons.map(({ sound }) => sound), nominal: neurons.map(({ nominal }) => nominal) },
    active_mean: { sound: averageOver(live, ({ sound }) => sound), nominal: averageOver(live, ({ nominal }) => nominal) },
    thresholds: limits as FftResult["thresholds"],
    null: {
      share: none.share,
      active_sound: none.active_sound,
      active_nominal: none.active_nominal,
      noise_nominal: NOMINAL_NOISE_SHARE * entries,
    },
    examples: exampleNeurons(neurons, exampleCount, input.seed).map((example) => ({
      ...example,
      activation: quantised(at(gridsOf(activations, [example.neuron]), 0), p),
    })),
  };
}
