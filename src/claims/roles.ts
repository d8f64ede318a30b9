import type { AnalyzedRun } from "./run.ts";

/**
 * What a run is to a claim, read off its settings:
 *
 * - `nanda`: modular addition; `nanda-shuffled`: its twin with shuffled labels.
 * - `miiii`: remainders by every prime, with dropout and Grokfast; `basis`: its shuffled twin.
 * - `masked`: without q ∈ {2, 3, 5, 7}; `no-grokfast`: λ = 0; `no-dropout`: rate 0.
 */
export type Role = "nanda" | "nanda-shuffled" | "miiii" | "basis" | "masked" | "no-grokfast" | "no-dropout";

/**
 * The role of a run; undefined where it is none of the paper's (divisibility labels, addition and remainders in one model,
 * several changes at once).
 */
export function roleOf({ config }: Pick<AnalyzedRun, "config">): Role | undefined {
  const { task, labels, shuffle_labels, grokfast_lambda, dropout } = config;
  if (labels !== "remainder") return undefined;
  switch (task) {
    case "nanda":
      return shuffle_labels ? "nanda-shuffled" : "nanda";
    case "basis":
      return "basis";
    case "masked":
      return shuffle_labels || grokfast_lambda === 0 || dropout === 0 ? undefined : "masked";
    case "joint":
      return undefined;
    case "miiii":
      if (shuffle_labels) return "basis";
      if (grokfast_lambda === 0) return dropout === 0 ? undefined : "no-grokfast";
      return dropout === 0 ? "no-dropout" : "miiii";
    default:
      return task satisfies never;
  }
}
