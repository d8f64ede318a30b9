import { noResult } from "./absence.ts";
import { asNull, type Claim, defineClaim, derived, metric } from "./claim.ts";
import type { Unit } from "./judged.ts";
import type { Result } from "./metrics.ts";
import { NANDA } from "./papers.ts";
import { above, atLeast, atMost, below, each, holds, of, times } from "./rule.ts";
import { resultOf } from "./run.ts";

const read = (words: string, unit: Unit, value: (result: Result<"progress">) => number) =>
  derived(words, unit, (run) => {
    const result = resultOf(run, "progress");
    return result === undefined ? noResult(run, "progress") : value(result);
  });

const NEVER = Number.POSITIVE_INFINITY;

const circuitFirst = defineClaim({
  id: "nanda-circuit-first",
  paper: `${NANDA}, section 5`,
  claim: "The circuit forms before the model visibly generalises: restricted loss falls ahead of the test loss.",
  printed: "circuit formation precedes grokking",
  analysis: "progress",
  subject: { roles: ["nanda"], solved: true },
  values: {
    restricted: read(
      "checkpoint from which restricted loss on new samples stays at or below half of ln p",
      "epochs",
      ({ restricted_epoch }) => restricted_epoch[0] ?? NEVER,
    ),
    whole: read("such checkpoint of the loss itself", "epochs", ({ generalised_epoch }) => generalised_epoch[0] ?? NEVER),
    last: read("last checkpoint", "epochs", ({ epochs }) => epochs.at(-1) ?? 0),
    checkpoints: read("number of checkpoints", "count", ({ epochs }) => epochs.length),
  },
  rule: holds(below("restricted", of("whole")))
    .orPartly(atMost("restricted", of("whole")))
    .requiring(atLeast("checkpoints", 8), atMost("whole", of("last"))),
  ours: "restricted by {restricted}, loss by {whole}",
  none: "the same epoch",
});

const sparsity = defineClaim({
  id: "nanda-sparsity",
  paper: `${NANDA}, section 5`,
  claim: "The token embedding becomes sparse in the Fourier basis as the circuit forms.",
  printed: "Gini coefficient rises",
  analysis: "progress",
  subject: { roles: ["nanda"], solved: true },
  values: {
    last: metric("progress", "W_E_gini", "last Gini coefficient of the embedding's Fourier norms", "r"),
    first: metric("progress", "W_E_gini_first", "first such coefficient", "r"),
    none: asNull(metric("progress", "W_E_gini_null", "99 % null of token permutations", "r")),
  },
  rule: each(atLeast("last", times(2, "first")), above("last", of("none"))),
  ours: "from {first} to {last}",
  none: "below {none}",
});

/** Claims of Nanda et al. about the course of training, by their progress measures. */
export const PROGRESS_CLAIMS: readonly Claim[] = [circuitFirst, sparsity];
