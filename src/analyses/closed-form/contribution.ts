import { at, dim, float64, type NdArray } from "../../core/index.ts";
import { type Head, logitsOf } from "../../tasks/index.ts";
import type { Matmul } from "../kit/define.ts";

/** Consecutive columns of the logits. */
export interface Columns {
  readonly offset: number;
  readonly classes: number;
}

/** The columns of all output heads. */
export function allColumns(heads: readonly Head[]): Columns {
  return { offset: 0, classes: logitsOf(heads) };
}

/** Some neurons and their values, [samples, neurons]. */
export interface GroupValues {
  readonly group: readonly number[];
  readonly values: NdArray<"float64">;
}

/**
 * The values of several groups of neurons, from those of all, [samples, d_mlp]. One pass over the samples serves all groups: a
 * neuron's values lie so far apart that each costs a look into memory, unless the sample's row is at hand.
 */
export function valuesOfGroups(all: NdArray<"float64">, groups: readonly (readonly number[])[]): GroupValues[] {
  const [samples, width] = [dim(all, 0), dim(all, 1)];
  const { data } = all;
  const places = groups.map((group) => Int32Array.from(group));
  const found = groups.map((group) => new Float64Array(samples * group.length));
  for (let i = 0; i < samples; i++) {
    const row = i * width;
    for (let n = 0; n < groups.length; n++) {
      const [group, own] = [places[n] as Int32Array, found[n] as Float64Array];
      const start = i * group.length;
      for (let g = 0; g < group.length; g++) own[start + g] = data[row + (group[g] as number)] as number;
    }
  }
  return groups.map((group, n) => ({ group, values: float64(at(found, n), [samples, group.length]) }));
}

/**
 * What a group of neurons adds to logits: values[:, group] times readout[group, columns], [samples, classes]. A patch changes the
 * logits by this much and by nothing else, for what follows the neurons is linear.
 */
export async function contribution(
  { group, values }: GroupValues,
  readout: NdArray<"float64">,
  { offset, classes }: Columns,
  matmul: Matmul,
): Promise<Float64Array> {
  const logits = dim(readout, 1);
  if (group.length === 0) return new Float64Array(dim(values, 0) * classes);
  const rows = new Float64Array(group.length * classes);
  group.forEach((j, g) => {
    rows.set(readout.data.subarray(j * logits + offset, j * logits + offset + classes), g * classes);
  });
  return (await matmul(values, float64(rows, [group.length, classes]))).data;
}
