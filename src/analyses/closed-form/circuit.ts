import { at, float64, type NdArray } from "../../core/index.ts";
import { readRows, rowLoss } from "../../math/index.ts";
import type { Matmul } from "../kit/define.ts";
import { type ClosedForm, wavesOf } from "./fit.ts";
import type { ReadoutWave } from "./readout.ts";

/**
 * A neuron of a circuit: its closed form before the ReLU, and the wave of its read-out to the circuit's output head at its own k.
 */
export interface CircuitNeuron {
  readonly form: ClosedForm;
  readonly wave: ReadoutWave;
}

/** A circuit's logits on the m×m cells (x0 mod m, x1 mod m), on which they depend alone. */
export interface Circuit {
  readonly m: number;
  /** Frequencies in use. */
  readonly ks: readonly number[];
  /** Factors of cos and of −sin of 2πk·c/m for each frequency, double-centred over the p×p grid, [m²] each. */
  readonly cosines: readonly Float64Array[];
  readonly sines: readonly Float64Array[];
}

/** How many of the p tokens have each residue. */
function countsOf(m: number, p: number): Float64Array {
  return Float64Array.from({ length: m }, (_, r) => Math.floor((p - 1 - r) / m) + 1);
}

/** Subtracts row and column means, weighted by how often each cell occurs, and adds the grand mean, in place. */
function doubleCentre(cells: Float64Array, m: number, counts: Float64Array, p: number): void {
  const [rows, columns] = [new Float64Array(m), new Float64Array(m)];
  let grand = 0;
  for (let r0 = 0; r0 < m; r0++) {
    for (let r1 = 0; r1 < m; r1++) {
      const value = cells[r0 * m + r1] as number;
      rows[r0] = (rows[r0] as number) + (value * (counts[r1] as number)) / p;
      columns[r1] = (columns[r1] as number) + (value * (counts[r0] as number)) / p;
    }
    grand += ((rows[r0] as number) * (counts[r0] as number)) / p;
  }
  for (let r0 = 0; r0 < m; r0++) {
    for (let r1 = 0; r1 < m; r1++) {
      const cell = r0 * m + r1;
      cells[cell] = (cells[cell] as number) - (rows[r0] as number) - (columns[r1] as number) + grand;
    }
  }
}

/**
 * Whether low[r0] + high[r1] takes both signs. Where it does not its ReLU is the sum itself or nothing, and has no interaction:
 * double-centred it would be rounding alone, whose argmax another machine finds elsewhere.
 */
function takesBothSigns(low: Float64Array, high: Float64Array): boolean {
  return Math.min(...low) + Math.min(...high) < 0 && Math.max(...low) + Math.max(...high) > 0;
}

/**
 * The circuit of one head: the sum over its neurons of relu(closed form) times the wave of the read-out, double-centred over the
 * p×p grid. What depends on one digit alone is removed, and with it the ReLU's linear half.
 */
export function circuitOf(m: number, neurons: readonly CircuitNeuron[], p: number, centred = true): Circuit {
  const ks = [...new Set(neurons.map(({ form }) => form.k))].sort((a, b) => a - b);
  const cosines = ks.map(() => new Float64Array(m * m));
  const sines = ks.map(() => new Float64Array(m * m));
  for (const { form, wave } of neurons) {
    const place = ks.indexOf(form.k);
    const [cosine, sine] = [at(cosines, place), at(sines, place)];
    const { low, high } = wavesOf(form);
    if (centred && !takesBothSigns(low, high)) continue;
    for (let r0 = 0; r0 < m; r0++) {
      const first = low[r0] as number;
      for (let r1 = 0; r1 < m; r1++) {
        const u = first + (high[r1] as number);
        // Without a branch, which would be mispredicted half of the time.
        const active = 0.5 * (u + Math.abs(u));
        const cell = r0 * m + r1;
        cosine[cell] = (cosine[cell] as number) + active * wave.a;
        sine[cell] = (sine[cell] as number) + active * wave.b;
      }
    }
  }
  if (centred) {
    const counts = countsOf(m, p);
    for (const cells of [...cosines, ...sines]) doubleCentre(cells, m, counts, p);
  }
  return { m, ks, cosines, sines };
}

/**
 * The double-centred relu(closed form) of each neuron of one modulus at some cells, [cells, neurons]: a circuit is a sum of
 * these.
 */
export function centredFields(m: number, forms: readonly ClosedForm[], p: number, cells: ArrayLike<number>): NdArray<"float64"> {
  const counts = countsOf(m, p);
  const out = new Float64Array(cells.length * forms.length);
  const field = new Float64Array(m * m);
  forms.forEach((form, j) => {
    const { low, high } = wavesOf(form);
    if (!takesBothSigns(low, high)) return;
    for (let r0 = 0; r0 < m; r0++) {
      for (let r1 = 0; r1 < m; r1++) {
        const u = (low[r0] as number) + (high[r1] as number);
        field[r0 * m + r1] = 0.5 * (u + Math.abs(u));
      }
    }
    doubleCentre(field, m, counts, p);
    for (let i = 0; i < cells.length; i++) out[i * forms.length + j] = field[cells[i] as number] as number;
  });
  return float64(out, [cells.length, forms.length]);
}

/** The cell (x0 mod m)·m + x1 mod m of each sample, as its place among the cells that occur. */
export function cellsOf(
  samples: ArrayLike<number>,
  m: number,
  p: number,
): { readonly cells: number[]; readonly place: Int32Array } {
  const known = new Int32Array(m * m).fill(-1);
  const cells: number[] = [];
  const place = Int32Array.from(samples, (i) => {
    const cell = (Math.floor(i / p) % m) * m + ((i % p) % m);
    if ((known[cell] as number) < 0) known[cell] = cells.push(cell) - 1;
    return known[cell] as number;
  });
  return { cells, place };
}

/** Waves over the classes of a circuit's frequencies: cosines and sines of 2πk·c/m, [frequencies, m] each. */
export interface ClassWaves {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

/** The waves of a circuit. */
export function classWaves({ m, ks }: Pick<Circuit, "m" | "ks">): ClassWaves {
  const [cos, sin] = [new Float64Array(ks.length * m), new Float64Array(ks.length * m)];
  ks.forEach((k, i) => {
    for (let c = 0; c < m; c++) {
      const angle = (2 * Math.PI * ((k * c) % m)) / m;
      cos[i * m + c] = Math.cos(angle);
      sin[i * m + c] = Math.sin(angle);
    }
  });
  return { cos, sin };
}

/** Writes the logits of one cell (r0·m + r1) into `logits`, [m]. */
export function cellLogits(circuit: Circuit, { cos, sin }: ClassWaves, cell: number, logits: Float64Array): void {
  const { m, ks, cosines, sines } = circuit;
  for (let c = 0; c < m; c++) logits[c] = 0;
  for (let i = 0; i < ks.length; i++) {
    const a = (cosines[i] as Float64Array)[cell] as number;
    const b = (sines[i] as Float64Array)[cell] as number;
    const row = i * m;
    for (let c = 0; c < m; c++) {
      logits[c] = (logits[c] as number) + a * (cos[row + c] as number) - b * (sin[row + c] as number);
    }
  }
}

/** Accuracy, and mean cross-entropy in nats. */
export interface Score {
  readonly accuracy: number;
  readonly loss: number;
}

/**
 * Logits from the factors of cosines and of −sines, [rows, 2·frequencies], in turn: [rows, m]; in the memory of `into` where that
 * is given.
 */
export async function logitsOfWaves(
  factors: Float64Array,
  circuit: Pick<Circuit, "m" | "ks">,
  matmul: Matmul,
  into?: Float64Array,
): Promise<Float64Array> {
  const { m, ks } = circuit;
  const { cos, sin } = classWaves(circuit);
  const waves = new Float64Array(2 * ks.length * m);
  for (let i = 0; i < ks.length; i++) {
    for (let c = 0; c < m; c++) {
      waves[2 * i * m + c] = cos[i * m + c] as number;
      waves[(2 * i + 1) * m + c] = -(sin[i * m + c] as number);
    }
  }
  const width = 2 * ks.length;
  return (await matmul(float64(factors, [factors.length / width, width]), float64(waves, [width, m]), into)).data;
}

/** Samples (grid indices) and what an output head should answer at each grid index, [p²]. */
export interface Reading {
  readonly targets: Int32Array;
  readonly samples: Int32Array;
}

/** How circuits are scored. */
export interface Scoring {
  readonly matmul: Matmul;
  /** Whether losses are wanted (they are); without, they are 0. */
  readonly withLoss?: boolean;
  /** Memory for logits, at least as much as one of the circuits needs: see {@link scoringMemory}. */
  readonly memory?: Float64Array;
}

/** Memory for the logits of any of some circuits at so many samples. */
export function scoringMemory(moduli: readonly number[], samples: number): Float64Array {
  return new Float64Array(Math.max(0, ...moduli.map((m) => Math.min(m * m, samples) * m)));
}

/** Scores of a circuit on several readings. Samples of one cell have the same logits, which are computed once. */
export async function scoreCircuit(
  circuit: Circuit,
  p: number,
  readings: readonly Reading[],
  { matmul, withLoss = true, memory }: Scoring,
): Promise<Score[]> {
  const { m, ks, cosines, sines } = circuit;
  const every = new Int32Array(readings.reduce((sum, { samples }) => sum + samples.length, 0));
  readings.reduce((start, { samples }) => {
    every.set(samples, start);
    return start + samples.length;
  }, 0);
  const { cells, place } = cellsOf(every, m, p);
  const width = 2 * ks.length;
  const factors = new Float64Array(cells.length * width);
  for (let i = 0; i < ks.length; i++) {
    const [cosine, sine] = [at(cosines, i), at(sines, i)];
    for (let row = 0; row < cells.length; row++) {
      const cell = cells[row] as number;
      factors[row * width + 2 * i] = cosine[cell] as number;
      factors[row * width + 2 * i + 1] = sine[cell] as number;
    }
  }
  const logits = ks.length === 0 ? new Float64Array(cells.length * m) : await logitsOfWaves(factors, circuit, matmul, memory);
  const read = readRows(logits, m, withLoss);
  let next = 0;
  return readings.map(({ targets, samples }) => {
    let [hits, loss] = [0, 0];
    for (const i of samples) {
      const row = place[next++] as number;
      const target = targets[i] as number;
      if (read.best[row] === target) hits++;
      if (withLoss) loss += rowLoss(read, logits, row, m, target);
    }
    return { accuracy: hits / samples.length, loss: loss / samples.length };
  });
}
