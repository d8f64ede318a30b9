import { at } from "../../core/index.ts";
import { type ClosedForm, wavesOf } from "./fit.ts";
import type { ReadoutWave } from "./readout.ts";

/** A neuron of a circuit: its closed form before the ReLU, and the wave of its read-out to the circuit's head at its own k. */
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
 * The circuit of one head: the sum over its neurons of relu(closed form) times the wave of the read-out, double-centred over the p×p grid. What
 * depends on one digit alone is removed, and with it the ReLU's linear half.
 */
export function circuitOf(m: number, neurons: readonly CircuitNeuron[], p: number, centred = true): Circuit {
  const ks = [...new Set(neurons.map(({ form }) => form.k))].sort((a, b) => a - b);
  const cosines = ks.map(() => new Float64Array(m * m));
  const sines = ks.map(() => new Float64Array(m * m));
  for (const { form, wave } of neurons) {
    const place = ks.indexOf(form.k);
    const [cosine, sine] = [at(cosines, place), at(sines, place)];
    const { low, high } = wavesOf(form);
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

/** Waves over the classes of a circuit's frequencies: cosines and sines of 2πk·c/m, [frequencies, m] each. */
export interface ClassWaves {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

/** The waves of a circuit. */
export function classWaves({ m, ks }: Circuit): ClassWaves {
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
 * Scores of a circuit against several lists of samples (grid indices).
 *
 * @param targets the head's classes, [p²].
 */
export function scoreCircuit(circuit: Circuit, targets: Int32Array, p: number, lists: readonly Int32Array[]): Score[] {
  const { m } = circuit;
  const waves = classWaves(circuit);
  // Samples of one cell have the same logits: those of a cell that has been met are kept.
  const place = new Int32Array(m * m).fill(-1);
  const [tops, rest, kept]: [number[], number[], Float64Array[]] = [[], [], []];
  const best: number[] = [];
  const meet = (cell: number): number => {
    const logits = new Float64Array(m);
    cellLogits(circuit, waves, cell, logits);
    let first = 0;
    for (let c = 1; c < m; c++) if ((logits[c] as number) > (logits[first] as number)) first = c;
    const largest = logits[first] as number;
    let others = 0;
    for (let c = 0; c < m; c++) {
      const below = (logits[c] as number) - largest;
      // Beyond it a term does not reach the last digit of a sum that matters.
      if (c !== first && below > -700) others += Math.exp(below);
    }
    tops.push(largest);
    rest.push(others);
    kept.push(logits);
    place[cell] = best.length;
    return best.push(first) - 1;
  };
  return lists.map((samples) => {
    let [hits, loss] = [0, 0];
    for (const i of samples) {
      const cell = (Math.floor(i / p) % m) * m + ((i % p) % m);
      const known = place[cell] as number;
      const met = known < 0 ? meet(cell) : known;
      const target = targets[i] as number;
      if (best[met] === target) hits++;
      loss += (tops[met] as number) - ((kept[met] as Float64Array)[target] as number) + Math.log1p(rest[met] as number);
    }
    return { accuracy: hits / samples.length, loss: loss / samples.length };
  });
}
