import { dim, int32, type NdArray } from "../../core/index.ts";
import type { Head } from "../../tasks/index.ts";
import type { AnalysisInput, HitsAfter } from "../kit/define.ts";
import { matmulOf } from "../kit/inputs.ts";
import { allAnswersOf, type LogitChange } from "./answers.ts";

/** Whether each output head's answer is its target, 1 or 0, [n, tasks]; see {@link HitsAfter}. */
export function hitsOf(
  logits: NdArray<"float64">,
  targets: NdArray<"int32">,
  heads: readonly Head[],
  change?: LogitChange,
): Uint8Array {
  const tasks = heads.length;
  const hits = new Uint8Array(dim(logits, 0) * tasks);
  allAnswersOf(logits, heads, change).forEach((answers, h) => {
    for (let i = 0; i < answers.length; i++) if (answers[i] === targets.data[i * tasks + h]) hits[i * tasks + h] = 1;
  });
  return hits;
}

/** Answers after changes of logits: a runtime's, or in plain loops where the analysis was given none. */
export function hitsAfterOf(input: Pick<AnalysisInput, "heads" | "matmul" | "hitsAfter">): HitsAfter {
  const { heads, hitsAfter } = input;
  const matmul = matmulOf(input);
  return (
    hitsAfter ??
    (async (logits, targets) => async (values, readout) => {
      const { data } = await matmul(values, readout);
      return hitsOf(logits, targets, heads, { by: data, columns: { offset: 0, classes: dim(logits, 1) }, sign: 1 });
    })
  );
}

/** The classes of some samples (grid indices), [samples, tasks]. */
export function targetsAt(targets: NdArray<"int32">, samples: Int32Array): NdArray<"int32"> {
  const tasks = dim(targets, 1);
  const data = new Int32Array(samples.length * tasks);
  samples.forEach((sample, i) => {
    data.set(targets.data.subarray(sample * tasks, (sample + 1) * tasks), i * tasks);
  });
  return int32(data, [samples.length, tasks]);
}
