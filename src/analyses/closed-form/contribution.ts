import { dim, float64, type NdArray } from "../../core/index.ts";
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

/**
 * What a group of neurons adds to logits: values[:, group] times readout[group, columns], [samples, classes]. A patch changes the
 * logits by this much and by nothing else, for what follows the neurons is linear.
 */
export async function contribution(
  values: NdArray<"float64">,
  readout: NdArray<"float64">,
  group: readonly number[],
  { offset, classes }: Columns,
  matmul: Matmul,
): Promise<Float64Array> {
  const [samples, width, logits] = [dim(values, 0), dim(values, 1), dim(readout, 1)];
  if (group.length === 0) return new Float64Array(samples * classes);
  const own = new Float64Array(samples * group.length);
  for (let i = 0; i < samples; i++) {
    const [from, to] = [i * width, i * group.length];
    for (let g = 0; g < group.length; g++) own[to + g] = values.data[from + (group[g] as number)] as number;
  }
  const rows = new Float64Array(group.length * classes);
  group.forEach((j, g) => {
    rows.set(readout.data.subarray(j * logits + offset, j * logits + offset + classes), g * classes);
  });
  return (await matmul(float64(own, [samples, group.length]), float64(rows, [group.length, classes]))).data;
}
