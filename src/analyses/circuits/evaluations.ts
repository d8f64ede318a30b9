import { at, type NdArray } from "../../core/index.ts";
import { type HeadMetrics, headMetrics } from "../../math/index.ts";
import { logitsOf } from "../../tasks/index.ts";
import type { AnalysisInput, Edits, Forward } from "../kit/define.ts";
import { trainedHeads } from "../kit/inputs.ts";
import type { Evaluations } from "./ablate.ts";

/**
 * Evaluates a model under edits on some samples, all where they are left out: parts in double precision, draws in single where
 * that decides.
 *
 * @param onDone Called after each.
 */
export function evaluationsOf(
  { config: { p }, heads, targets, scoreDraw }: AnalysisInput,
  forward: Forward,
  samples: Int32Array | undefined,
  onDone: () => void,
): Evaluations {
  const trained = trainedHeads(heads);
  // The same memory for all of them: fresh memory costs as much as a group's product.
  const memory = new Float64Array((samples?.length ?? p * p) * logitsOf(heads));
  const told = ({ accuracy, loss }: HeadMetrics): HeadMetrics => {
    onDone();
    const own = (values: ArrayLike<number>) => trained.map(({ number }) => at(values, number));
    return { accuracy: own(accuracy), loss: own(loss) };
  };
  const evaluate = async (edits: Edits) => told(headMetrics(await forward(edits, samples, memory), targets, heads, samples));
  const scored = {
    samples: samples ?? Int32Array.from({ length: p * p }, (_, i) => i),
    targets,
    scoresOf: (logits: NdArray<"float64">, some: Int32Array) => headMetrics(logits, targets, heads, some),
  };
  return {
    evaluate,
    async evaluateDraw(edits) {
      const found = await scoreDraw?.(edits, scored);
      return found === undefined ? evaluate(edits) : told(found);
    },
  };
}
