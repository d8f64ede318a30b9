import { at, dim, int32, type NdArray } from "../../core/index.ts";
import { headAccuracy } from "../../math/index.ts";
import { type Head, hasShuffledLabels } from "../../tasks/index.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { residues, sampleNumbers } from "./groups.ts";

/** A trained task, with its number among all. */
export type TrainedHead = Head & { readonly number: number };

/** One rung of the ladder by task: accuracy and mean cross-entropy in nats. */
export type Rung = {
  accuracy: number[];
  loss: number[];
  /** The same on validation samples alone; where the split is known. */
  validation?: { accuracy: number[]; loss: number[] };
  /** Accuracy against the task's own answer; where the model was trained on shuffled labels. */
  task_accuracy?: number[];
};

/** What rungs are scored against. */
export interface Judge {
  readonly heads: readonly TrainedHead[];
  /** Each task's classes, [tasks] of [p²]. */
  readonly targets: readonly Int32Array[];
  /** The same sample by sample, [p², tasks]: with these, one pass over logits scores all tasks. */
  readonly together: NdArray<"int32">;
  /** The task's own answers where the targets are shuffled. */
  readonly answers?: readonly Int32Array[];
  readonly validation?: Int32Array;
  readonly samples: Int32Array;
}

/** What the rungs of a model's tasks are scored against: its own labels, and the task's where those are shuffled. */
export function judgeOf(
  { config, targets, split }: Pick<AnalysisInput, "config" | "targets" | "split">,
  heads: readonly TrainedHead[],
): Judge {
  const samples = Int32Array.from({ length: dim(targets, 0) }, (_, i) => i);
  const width = dim(targets, 1);
  const numbers = sampleNumbers(config);
  const validation = split?.validation;
  const trained = samples.length * heads.length;
  const together = Int32Array.from({ length: trained }, (_, i) => {
    const { number } = at(heads, i % heads.length);
    return at(targets.data, Math.floor(i / heads.length) * width + number);
  });
  return {
    heads,
    samples,
    together: int32(together, [samples.length, heads.length]),
    targets: heads.map(({ number }) => samples.map((i) => at(targets.data, i * width + number))),
    ...(hasShuffledLabels(config) ? { answers: heads.map((head) => residues(numbers, head)) } : {}),
    ...(validation === undefined || validation.length === 0 ? {} : { validation }),
  };
}

/** The scores of one task on one rung. */
export interface TaskScore {
  readonly accuracy: number;
  readonly loss: number;
  readonly validation?: { readonly accuracy: number; readonly loss: number };
  readonly task_accuracy?: number;
}

/** The accuracies of all tasks over logits [p², classes], on all samples and on validation alone. */
export function accuraciesOf(
  { heads, together, validation }: Judge,
  logits: NdArray<"float64">,
): { readonly accuracy: number; readonly validation?: number }[] {
  const all = headAccuracy(logits, together, heads);
  const held = validation === undefined ? undefined : headAccuracy(logits, together, heads, validation);
  return all.map((accuracy, task) => ({ accuracy, ...(held === undefined ? {} : { validation: at(held, task) }) }));
}

/** A rung from its tasks' scores. */
export function rungOf(scores: readonly TaskScore[]): Rung {
  const known = <T>(value: (score: TaskScore) => T | undefined): T[] =>
    scores.flatMap((score) => {
      const found = value(score);
      return found === undefined ? [] : [found];
    });
  const validation = known(({ validation: own }) => own);
  const answers = known(({ task_accuracy }) => task_accuracy);
  return {
    accuracy: scores.map(({ accuracy }) => accuracy),
    loss: scores.map(({ loss }) => loss),
    ...(validation.length === 0
      ? {}
      : { validation: { accuracy: validation.map((own) => own.accuracy), loss: validation.map((own) => own.loss) } }),
    ...(answers.length === 0 ? {} : { task_accuracy: answers }),
  };
}
