import type { AlgorithmResult, Ladder } from "./compute.ts";

/** A rung's name among the results. */
export type RungName = keyof Ladder;

/** Rungs from the model down to its closed form, controls beside what they control. */
export const RUNGS = [
  "model",
  "interaction",
  "linear",
  "even",
  "u_hat",
  "u_hat_relu",
  "circuit",
  "circuit_permuted",
  "circuit_reassigned",
  "ideal",
] as const satisfies readonly RungName[];

/** How rungs are named where they are shown. */
export const NAMES: Readonly<Record<RungName, string>> = {
  model: "model",
  interaction: "interaction",
  linear: "linear half",
  even: "even half",
  u_hat: "û, even half",
  u_hat_relu: "û under the ReLU",
  circuit: "circuit",
  circuit_permuted: "read-out permuted",
  circuit_reassigned: "neurons of other tasks",
  ideal: "ideal (not evidence)",
};

/** A rung's accuracy by task; undefined where the result has no such rung. */
export function rungAccuracy({ ladder }: Pick<AlgorithmResult, "ladder">, rung: RungName): readonly number[] | undefined {
  return ladder[rung]?.accuracy;
}
