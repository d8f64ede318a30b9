import { at, dim, type NdArray, randomStream } from "../../core/index.ts";
import { quantile, sum } from "../../math/index.ts";
import { additiveShare } from "../closed-form/additive.ts";
import { harmonicsOf } from "../closed-form/dictionary.ts";
import {
  bestPairs,
  type ClosedForm,
  crossedShares,
  dictionaryOf,
  pairingsOf,
  sharesByDigit,
  wrapped,
} from "../closed-form/fit.ts";
import { type FittedNeurons, fitNeurons, permutedLimit } from "../closed-form/neurons.ts";
import { phaseOf, readoutEnergies, readoutMatrix, readoutWave, strongestReadout } from "../closed-form/readout.ts";
import type { AnalysisInput, Matmul } from "../kit/define.ts";
import { activationOf, matmulOf } from "../kit/inputs.ts";
import { type Quantised, quantised } from "../kit/quantised.ts";
import { rounded } from "../kit/text.ts";
import { type Cluster, clustersOf } from "./clusters.ts";
import { type Sharing, sharingOf } from "./sharing.ts";

/** Result of `neurons`; arrays have one entry a neuron. */
export type NeuronsResult = {
  p: number;
  neurons: number;
  dead: number;
  /** Moduli of the dictionary, and its pairs (m, k). */
  moduli: number[];
  pairs: number;
  additive_share: number;
  m: number[];
  k: number[];
  R2: number[];
  mu: number[];
  constant: number[];
  A: number[];
  B: number[];
  phi0: number[];
  phi1: number[];
  grid_R2: number[];
  digit_grid_R2: number[];
  crossed_R2: number[];
  own_share: number[];
  output_k: number[];
  phase_error: number[];
  /** Over all neurons, weighted by Var |u|. */
  own_share_total: number;
  median: { R2: number; grid_R2: number; digit_grid_R2: number; crossed_R2: number; phase_error: number };
  /** Live neurons with R² above `null.R2`, with R² above one half, and with output_k = k. */
  above_null: number;
  above_half: number;
  output_matches: number;
  null: { R2: number; draws: number; neurons: number; above: number; phase_error: number; output_matches: number };
  clusters: Cluster[];
  sharing: Sharing;
  examples: { neuron: number; chosen: "R2" | "random"; pre: Quantised }[];
};

/** Median |phase error| of phases drawn uniformly. */
const UNIFORM_ERROR = Math.PI / 2;

const medianOf = (values: readonly number[]) => (values.length === 0 ? 0 : quantile(values, 0.5));

/** How one neuron's read-out answers to its closed form. */
interface Output {
  readonly ownShare: number;
  readonly outputK: number;
  readonly phaseError: number;
  /** Energies to the own output head and to all output heads. */
  readonly own: number;
  readonly all: number;
}

const NO_OUTPUT: Output = { ownShare: 0, outputK: 0, phaseError: 0, own: 0, all: 0 };

function outputsOf({ forms }: FittedNeurons, readout: NdArray<"float64">, { heads }: Pick<AnalysisInput, "heads">): Output[] {
  return forms.map((form, j) => {
    if (form === undefined) return NO_OUTPUT;
    const energies = readoutEnergies(readout, j, heads);
    const head = at(heads, form.modulus.head);
    const [own, all] = [at(energies, form.modulus.head), sum(energies)];
    return {
      ownShare: all === 0 ? 0 : own / all,
      outputK: strongestReadout(readout, j, head),
      phaseError: wrapped(phaseOf(readoutWave(readout, j, head, form.k)) - form.phi0 - form.phi1),
      own,
      all,
    };
  });
}

/** Neurons for the figure: half of them the best by R², the others drawn from the rest. */
function exampleNeurons(R2: ArrayLike<number>, live: readonly number[], count: number, seed: number) {
  const best = [...live].sort((a, b) => at(R2, b) - at(R2, a)).slice(0, Math.ceil(count / 2));
  const rest = live.filter((j) => !best.includes(j));
  const order = randomStream(seed, "neurons/examples").permutation(rest.length);
  return [
    ...best.map((neuron) => ({ neuron, chosen: "R2" as const })),
    ...Array.from(order.slice(0, count - best.length), (i) => ({ neuron: at(rest, i), chosen: "random" as const })),
  ];
}

function columnOf(matrix: NdArray<"float64">, j: number): Float64Array {
  const width = dim(matrix, 1);
  return Float64Array.from({ length: dim(matrix, 0) }, (_, i) => at(matrix.data, i * width + j));
}

/** The best that other frequencies do: one k/p for both digits, a k/p for each, and two frequencies of one modulus. */
interface Rivals {
  readonly grid: ArrayLike<number>;
  readonly digitGrid: ArrayLike<number>;
  readonly crossed: ArrayLike<number>;
}

async function rivalsOf({ parts, dictionary, best }: FittedNeurons, p: number, matmul: Matmul): Promise<Rivals> {
  const bins = dictionaryOf(pairingsOf([{ m: p, c0: 1, c1: 1, head: 0 }], p), p);
  const grid = (await bestPairs(bins, parts, matmul)).R2;
  const digitGrid = await sharesByDigit(bins, parts, matmul);
  return { grid, digitGrid, crossed: await crossedShares(dictionary, parts, best, matmul) };
}

/** Each neuron's closed form and output, rounded; 0 for dead ones. */
function perNeuron({ parts, best, forms }: FittedNeurons, outputs: readonly Output[], { grid, digitGrid, crossed }: Rivals) {
  const of = (value: (form: ClosedForm, j: number) => number) =>
    rounded(
      forms.map((form, j) => (form === undefined ? 0 : value(form, j))),
      8,
    );
  const at8 = (values: ArrayLike<number>) => of((_, j) => at(values, j));
  return {
    m: of(({ modulus }) => modulus.m),
    k: of(({ k }) => k),
    R2: at8(best.R2),
    mu: rounded(Array.from(parts.mu), 8),
    constant: of(({ constant }) => constant),
    A: of(({ A }) => A),
    B: of(({ B }) => B),
    phi0: of(({ phi0 }) => phi0),
    phi1: of(({ phi1 }) => phi1),
    grid_R2: at8(grid),
    digit_grid_R2: at8(digitGrid),
    crossed_R2: at8(crossed),
    own_share: of((_, j) => at(outputs, j).ownShare),
    output_k: outputs.map(({ outputK }) => outputK),
    phase_error: of((_, j) => at(outputs, j).phaseError),
  };
}

/** What goes to the own output head of all that goes to any, each neuron weighted by the variance of |u|. */
function ownShareTotal(outputs: readonly Output[], { absVariance }: FittedNeurons["parts"]): number {
  const weighted = (energy: (output: Output) => number) => sum(outputs.map((o, j) => energy(o) * at(absVariance, j)));
  const whole = weighted(({ all }) => all);
  return whole === 0 ? 0 : weighted(({ own }) => own) / whole;
}

/** Fits every neuron's closed form, and reads its output and its nulls. */
export async function compute(input: AnalysisInput, draws: number, exampleCount: number): Promise<NeuronsResult> {
  const { config, heads, seed, onProgress } = input;
  const { p } = config;
  const pre = activationOf(input, "blocks.0.mlp.hook_pre");
  const matmul = matmulOf(input);
  const fitted = await fitNeurons("neurons", input, pre);
  onProgress?.(1, 4);
  const { parts, best, forms } = fitted;
  const { pairings } = fitted.dictionary;
  const rivals = await rivalsOf(fitted, p, matmul);
  const limit = await permutedLimit(fitted, draws, seed, matmul);
  onProgress?.(2, 4);
  const readout = await readoutMatrix(input.parameters, heads, matmul);
  const outputs = outputsOf(fitted, readout, input);
  onProgress?.(3, 4);
  const live = forms.flatMap((form, j) => (form === undefined ? [] : [j]));
  const members = live.flatMap((j) => {
    const form = forms[j];
    return form !== undefined && at(best.R2, j) > limit.limit
      ? [{ neuron: j, form, R2: at(best.R2, j), phaseError: at(outputs, j).phaseError }]
      : [];
  });
  const median = (value: (j: number) => number) => medianOf(live.map(value));
  const moduli = pairings.map(({ modulus }) => modulus);
  onProgress?.(4, 4);
  return {
    p,
    neurons: parts.neurons,
    dead: parts.neurons - live.length,
    moduli: moduli.map(({ m }) => m),
    pairs: sum(moduli.map(({ m }) => harmonicsOf(m))),
    additive_share: additiveShare(parts),
    ...perNeuron(fitted, outputs, rivals),
    own_share_total: ownShareTotal(outputs, parts),
    median: {
      R2: median((j) => at(best.R2, j)),
      grid_R2: median((j) => at(rivals.grid, j)),
      digit_grid_R2: median((j) => at(rivals.digitGrid, j)),
      crossed_R2: median((j) => at(rivals.crossed, j)),
      phase_error: median((j) => Math.abs(at(outputs, j).phaseError)),
    },
    above_null: members.length,
    above_half: live.filter((j) => at(best.R2, j) > 0.5).length,
    output_matches: live.filter((j) => at(outputs, j).outputK === forms[j]?.k).length,
    null: {
      R2: limit.limit,
      draws,
      neurons: limit.neurons,
      above: 0.01 * live.length,
      phase_error: UNIFORM_ERROR,
      output_matches: sum(live.map((j) => 1 / harmonicsOf(forms[j]?.modulus.m ?? 2))),
    },
    clusters: clustersOf(members),
    sharing: sharingOf(members, readout, heads, moduli, { p, draws, seed }),
    examples: exampleNeurons(best.R2, live, exampleCount, seed).map((example) => ({
      ...example,
      pre: quantised(columnOf(pre, example.neuron), p),
    })),
  };
}
