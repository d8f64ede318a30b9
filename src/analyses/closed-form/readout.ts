import { at, dim, ensure, float64, type NdArray, toFloat64 } from "../../core/index.ts";
import type { Parameters } from "../../model/index.ts";
import { type Head, logitsOf } from "../../tasks/index.ts";
import type { Matmul } from "../kit/define.ts";
import { harmonicsOf } from "./dictionary.ts";

/** W_U over the output heads' classes alone, float64, [d_model, classes]: an extra '=' class left out. */
export function unembedding(parameters: Parameters, heads: readonly Head[]): NdArray<"float64"> {
  const W_U = parameters["unembed.W_U"];
  const [d_model, width, classes] = [dim(W_U, 0), dim(W_U, 1), logitsOf(heads)];
  ensure(width >= classes, "input", () => `unembed.W_U: must have at least ${classes} columns, got ${width}`);
  if (width === classes) return toFloat64(W_U);
  const out = new Float64Array(d_model * classes);
  for (let i = 0; i < d_model; i++) out.set(W_U.data.subarray(i * width, i * width + classes), i * classes);
  return float64(out, [d_model, classes]);
}

/** Subtracts each row's mean over the classes of each output head, in place. */
export function centreWithinHeads(matrix: NdArray<"float64">, heads: readonly Pick<Head, "offset" | "classes">[]): void {
  const [n, width] = [dim(matrix, 0), dim(matrix, 1)];
  for (let i = 0; i < n; i++) {
    for (const { offset, classes } of heads) {
      const [start, end] = [i * width + offset, i * width + offset + classes];
      let total = 0;
      for (let c = start; c < end; c++) total += matrix.data[c] as number;
      for (let c = start; c < end; c++) matrix.data[c] = (matrix.data[c] as number) - total / classes;
    }
  }
}

/** {@link unembedding} centred within each task. */
export function centredUnembedding(parameters: Parameters, heads: readonly Head[]): NdArray<"float64"> {
  const { data, shape } = unembedding(parameters, heads);
  const centred = float64(data.slice(), shape);
  centreWithinHeads(centred, heads);
  return centred;
}

/** What each neuron adds to each logit, C = W_out·W_U, centred within each task: [d_mlp, classes]. */
export async function readoutMatrix(parameters: Parameters, heads: readonly Head[], matmul: Matmul): Promise<NdArray<"float64">> {
  const product = await matmul(toFloat64(parameters["blocks.0.mlp.W_out"]), unembedding(parameters, heads)); // [d_mlp, classes]
  centreWithinHeads(product, heads);
  return product;
}

/** The wave r·cos(2πk·c/m + ψ) of a read-out over the classes c of an output head, as a·cos − b·sin of 2πk·c/m. */
export interface ReadoutWave {
  readonly a: number;
  readonly b: number;
}

const CIRCLES = new Map<number, { readonly cos: Float64Array; readonly sin: Float64Array }>();

/** cos and sin of 2πj/m, j = 0 … m − 1. */
function circleOf(m: number): { readonly cos: Float64Array; readonly sin: Float64Array } {
  const known = CIRCLES.get(m);
  if (known !== undefined) return known;
  const angle = (j: number) => (2 * Math.PI * j) / m;
  const made = {
    cos: Float64Array.from({ length: m }, (_, j) => Math.cos(angle(j))),
    sin: Float64Array.from({ length: m }, (_, j) => Math.sin(angle(j))),
  };
  CIRCLES.set(m, made);
  return made;
}

/**
 * A neuron's read-out to an output head projected on the waves of frequency k over its m classes; for m = 2 on the cosine alone.
 */
export function readoutWave(
  readout: NdArray<"float64">,
  j: number,
  head: Pick<Head, "offset" | "classes">,
  k: number,
): ReadoutWave {
  const m = head.classes;
  const start = j * dim(readout, 1) + head.offset;
  const { cos, sin } = circleOf(m);
  let [cosine, sine, place] = [0, 0, 0];
  for (let c = 0; c < m; c++) {
    const value = readout.data[start + c] as number;
    cosine += value * (cos[place] as number);
    sine += value * (sin[place] as number);
    // k·(c + 1) mod m.
    place += k;
    if (place >= m) place -= m;
  }
  return m === 2 ? { a: cosine / 2, b: 0 } : { a: (2 * cosine) / m, b: (-2 * sine) / m };
}

/** ψ of a read-out's wave. */
export function phaseOf({ a, b }: ReadoutWave): number {
  return Math.atan2(b, a);
}

/** The frequency with the largest part of a neuron's read-out to an output head. */
export function strongestReadout(readout: NdArray<"float64">, j: number, head: Pick<Head, "offset" | "classes">): number {
  let [best, largest] = [1, -1];
  for (let k = 1; k <= harmonicsOf(head.classes); k++) {
    const { a, b } = readoutWave(readout, j, head, k);
    if (a * a + b * b > largest) [best, largest] = [k, a * a + b * b];
  }
  return best;
}

/**
 * How the sum of squares of a neuron's read-out to an output head, centred over its classes, parts among the frequencies k = 1 …,
 * [harmonics].
 */
export function readoutPowers(readout: NdArray<"float64">, j: number, head: Pick<Head, "offset" | "classes">): number[] {
  const m = head.classes;
  return Array.from({ length: harmonicsOf(m) }, (_, i) => {
    const { a, b } = readoutWave(readout, j, head, i + 1);
    return (m === 2 ? m : m / 2) * (a * a + b * b);
  });
}

/** The sum of squares of a neuron's read-out to each output head, [tasks]. */
export function readoutEnergies(readout: NdArray<"float64">, j: number, heads: readonly Head[]): number[] {
  const start = j * dim(readout, 1);
  return heads.map(({ offset, classes }) => {
    let total = 0;
    for (let c = 0; c < classes; c++) total += at(readout.data, start + offset + c) ** 2;
    return total;
  });
}
