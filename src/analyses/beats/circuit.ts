import { at, type NdArray, randomStream } from "../../core/index.ts";
import { mean, readRows } from "../../math/index.ts";
import { primesBelow } from "../../tasks/index.ts";
import type { AdditiveParts } from "../closed-form/additive.ts";
import { logitsOfWaves } from "../closed-form/circuit.ts";
import { type ReadoutWave, readoutWave } from "../closed-form/readout.ts";
import type { Matmul } from "../kit/define.ts";
import type { Judge } from "../logits/score.ts";
import { CARRIER_WAVES, carrierFit } from "./carrier.ts";
import type { DigitWaves } from "./kinds.ts";
import type { TwoWaves } from "./two-waves.ts";

/** A control's accuracy: the mean over its draws, and the largest of a draw. */
export type Drawn = { accuracy: number; largest: number };

/** What a task's beating neurons answer, each rung from another form of them. */
export type BeatCircuit = {
  /** Live neurons that beat at the frequency of their read-out to the task. */
  neurons: number;
  /** Accuracy by their two waves a digit alone. */
  two_waves: number;
  /** Accuracy by one carrier wave times a function of the digit mod q, in each digit. */
  carrier: number;
  /** Accuracy by f(x0) + g(x1) as they are. */
  additive: number;
  /** Mean share of the neurons' parts that carriers explain. */
  carrier_share: number;
  /** `carrier` with the read-outs permuted among the neurons. */
  permuted: Drawn;
  /** `carrier` with each neuron's part of x1 taken from another of them. */
  exchanged: Drawn;
  /** `carrier` with as many waves 1/m apart, m other primes (`moduli`); null where waves of any of them could stand for q's. */
  other_modulus: (Drawn & { moduli: number[] }) | null;
};

/** What circuits of beats are made from. */
export interface CircuitInput {
  readonly judge: Judge;
  readonly task: number;
  readonly parts: AdditiveParts;
  readonly readout: NdArray<"float64">;
  /** The neurons and the frequencies of their read-outs. */
  readonly neurons: readonly number[];
  readonly kOf: (neuron: number) => number;
  readonly wavesOf: (neuron: number) => DigitWaves;
  readonly draws: number;
  readonly seed: number;
  readonly matmul: Matmul;
}

/** relu(mu + f + g) double-centred over the p×p grid: what depends on both digits. */
export function interaction(mu: number, low: Float64Array, high: Float64Array): Float64Array {
  const p = low.length;
  const field = new Float64Array(p * p);
  const [rows, columns] = [new Float64Array(p), new Float64Array(p)];
  let grand = 0;
  for (let x0 = 0; x0 < p; x0++) {
    for (let x1 = 0; x1 < p; x1++) {
      const active = Math.max(0, mu + (low[x0] as number) + (high[x1] as number));
      field[x0 * p + x1] = active;
      rows[x0] = (rows[x0] as number) + active / p;
      columns[x1] = (columns[x1] as number) + active / p;
      grand += active / (p * p);
    }
  }
  for (let x0 = 0; x0 < p; x0++) {
    for (let x1 = 0; x1 < p; x1++) {
      const i = x0 * p + x1;
      field[i] = (field[i] as number) - (rows[x0] as number) - (columns[x1] as number) + grand;
    }
  }
  return field;
}

/** The accuracy of some neurons' interactions under read-outs, one for each. */
async function accuracyOf(
  { judge, task, neurons, kOf, matmul }: CircuitInput,
  fields: readonly Float64Array[],
  waves: readonly ReadoutWave[],
): Promise<number> {
  const { q } = at(judge.heads, task);
  const used = [...new Set(neurons.map((j) => kOf(j)))].sort((a, b) => a - b);
  const width = 2 * used.length;
  const factors = new Float64Array(judge.samples.length * width);
  neurons.forEach((j, place) => {
    const [field, { a, b }] = [at(fields, place), at(waves, place)];
    const column = 2 * used.indexOf(kOf(j));
    for (let i = 0; i < field.length; i++) {
      const to = i * width + column;
      factors[to] = (factors[to] as number) + a * (field[i] as number);
      factors[to + 1] = (factors[to + 1] as number) + b * (field[i] as number);
    }
  });
  const { best } = readRows(await logitsOfWaves(factors, { m: q, ks: used }, matmul), q, false);
  const targets = at(judge.targets, task);
  return mean(Array.from(judge.samples, (i) => Number(best[i] === targets[i])));
}

/** One digit's part by its two waves; 0 where it does not vary. */
function waveSum(part: TwoWaves | undefined, p: number): Float64Array {
  const { waves, mean: centre } = part ?? { waves: [], mean: 0 };
  return Float64Array.from({ length: p }, (_, x) =>
    waves.reduce(
      (sum, { frequency, amplitude, phase }) => sum + amplitude * Math.cos(2 * Math.PI * frequency * x + phase),
      -centre,
    ),
  );
}

/** Other moduli that carriers are tried with, at most. */
const OTHERS = 3;

/**
 * Primes whose waves cannot stand for those of task q: from as many waves as a carrier has up to (p − 1)/2, the smallest of which
 * no multiple of 1/m comes within 1/p of a frequency that the neurons' read-outs ask for. None where p is too small for that.
 */
function otherModuli({ judge, task, neurons, kOf, parts: { p } }: CircuitInput): number[] {
  const { q } = at(judge.heads, task);
  const asked = [...new Set(neurons.map((j) => kOf(j)))].flatMap((k) => [k / q, (k * p) / q]);
  const apart = (m: number) => asked.every((f) => Math.abs(f * m - Math.round(f * m)) / m >= 1 / p);
  return primesBelow((p + 1) / 2)
    .filter((m) => m >= Math.min(q, CARRIER_WAVES) && m !== q && apart(m))
    .slice(0, OTHERS);
}

/** A neuron's parts of both digits. */
type Digits = readonly [Float64Array, Float64Array];

/** Each neuron's parts as a carrier times a function of the digit mod m, and the mean share that those explain. */
function carriersOf({ neurons, parts: { p, digits }, wavesOf }: CircuitInput, m: number) {
  const fits = neurons.map((j) => {
    const own = wavesOf(j);
    const fit = (digit: 0 | 1) =>
      carrierFit(digits.subarray((2 * j + digit) * p, (2 * j + digit + 1) * p), own[digit]?.waves[0].frequency ?? 0, m);
    return [fit(0), fit(1)] as const;
  });
  return {
    digits: fits.map(([low, high]): Digits => [low.fit, high.fit]),
    share: mean(fits.flatMap((digitFits) => digitFits.map(({ share }) => share))),
  };
}

/** Each neuron's interaction from its parts, x1's taken from the neuron at another place where an order is given. */
function fieldsOf({ neurons, parts: { mu } }: CircuitInput, digits: readonly Digits[], order?: Int32Array): Float64Array[] {
  return neurons.map((j, place) => {
    const other = order === undefined ? place : at(order, place);
    return interaction(at(mu, j), at(digits, place)[0], at(digits, other)[1]);
  });
}

/** Accuracies of the rungs of a task's beating neurons, with controls; undefined where there are none. */
export async function beatCircuit(input: CircuitInput): Promise<BeatCircuit | undefined> {
  const { judge, task, parts, readout, neurons, kOf, wavesOf, draws, seed } = input;
  if (neurons.length === 0) return undefined;
  const { p, digits } = parts;
  const head = at(judge.heads, task);
  const random = randomStream(seed, `beats/circuit/${head.q}`);
  // A read-out taken from another neuron is projected on this one's frequency.
  const accuracy = (fields: readonly Float64Array[], order?: Int32Array) =>
    accuracyOf(
      input,
      fields,
      neurons.map((j, place) => readoutWave(readout, at(neurons, order === undefined ? place : at(order, place)), head, kOf(j))),
    );
  const two = neurons.map((j): Digits => {
    const [low, high] = wavesOf(j);
    return [waveSum(low, p), waveSum(high, p)];
  });
  const additive = neurons.map(
    (j): Digits => [digits.subarray(2 * j * p, (2 * j + 1) * p), digits.subarray((2 * j + 1) * p, (2 * j + 2) * p)],
  );
  const carriers = carriersOf(input, head.q);
  const fields = fieldsOf(input, carriers.digits);
  const [permuted, exchanged, others]: [number[], number[], number[]] = [[], [], []];
  for (let draw = 0; draw < draws; draw++) {
    permuted.push(await accuracy(fields, random.permutation(neurons.length)));
    exchanged.push(await accuracy(fieldsOf(input, carriers.digits, random.permutation(neurons.length))));
  }
  const moduli = otherModuli(input);
  for (const m of moduli) others.push(await accuracy(fieldsOf(input, carriersOf(input, m).digits)));
  const drawn = (values: readonly number[]): Drawn => ({ accuracy: mean(values), largest: Math.max(...values) });
  return {
    neurons: neurons.length,
    two_waves: await accuracy(fieldsOf(input, two)),
    carrier: await accuracy(fields),
    additive: await accuracy(fieldsOf(input, additive)),
    carrier_share: carriers.share,
    permuted: drawn(permuted),
    exchanged: drawn(exchanged),
    other_modulus: moduli.length === 0 ? null : { ...drawn(others), moduli },
  };
}
