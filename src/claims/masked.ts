import { median } from "../math/index.ts";
import { type Absence, noResult } from "./absence.ts";
import { type Claim, type Context, defineClaim, derived } from "./claim.ts";
import type { Unit } from "./judged.ts";
import { SYRKIS } from "./papers.ts";
import { atLeast, atMost, holds, times } from "./rule.ts";
import type { AnalyzedRun } from "./run.ts";
import { grokOrder, isHarder, orderText, trained, trainingOf } from "./training.ts";

/** The tasks that the paper says come first without the four simplest. */
const NEXT: readonly number[] = [11, 13, 17, 19];

const choose = (n: number, k: number) => Array.from({ length: k }, (_, i) => (n - i) / (i + 1)).reduce((a, b) => a * b, 1);

const trainedTasks = trained(
  "number of trained tasks of q > 7",
  "count",
  ({ tasks }) => tasks.filter(({ q }) => isHarder(q)).length,
);

const maskedFirst = defineClaim({
  id: "masked-first",
  paper: `${SYRKIS}, Ablations`,
  claim: "With 2, 3, 5 and 7 masked out of the loss, 11, 13, 17 and 19 come first.",
  printed: "11, 13, 17, 19",
  analysis: "curves",
  subject: { roles: ["masked"] },
  values: {
    tasks: trainedTasks,
    generalised: trained(
      "trained tasks that generalise",
      "count",
      (training) => grokOrder(training).filter(({ q }) => isHarder(q)).length,
    ),
    hits: trained(
      "tasks among 11, 13, 17 and 19 within the first four to generalise",
      "count",
      (training) =>
        grokOrder(training)
          .filter(({ q }) => isHarder(q))
          .slice(0, 4)
          .filter(({ q }) => NEXT.includes(q)).length,
    ),
    chance: trained("chance of all four", "number", ({ tasks }) => 1 / choose(tasks.filter(({ q }) => isHarder(q)).length, 4)),
  },
  texts: {
    order: (run) => {
      const training = trainingOf(run);
      return training === undefined
        ? "unknown"
        : orderText(
            grokOrder(training).filter(({ q }) => isHarder(q)),
            4,
          );
    },
  },
  rule: holds(atLeast("hits", 4)).orPartly(atLeast("hits", 2)).requiring(atLeast("generalised", 4), atLeast("tasks", 8)),
  ours: "{order}",
  none: "chance {chance}",
});

interface Pairs {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  readonly considered: number;
}

/** Grok epochs of the tasks of q > 19 that generalise here and in the comparable run that shares the most of them. */
function pairsOf(run: AnalyzedRun, { others }: Context): Pairs | Absence {
  const own = trainingOf(run)?.tasks;
  if (own === undefined) return noResult(run, "curves");
  const paired = others.map((other) => {
    const reference = trainingOf(other)?.tasks ?? [];
    return own.flatMap(({ q, grok }) => {
      const theirs = reference.find((task) => task.q === q)?.grok;
      return q > 19 && grok !== undefined && theirs !== undefined ? [{ grok, theirs }] : [];
    });
  });
  const [pairs] = paired.sort((a, b) => b.length - a.length);
  if (pairs === undefined) return { kind: "no run", roles: ["miiii"], like: "with the same settings" };
  return {
    ours: pairs.map(({ grok }) => grok),
    theirs: pairs.map(({ theirs }) => theirs),
    considered: own.filter(({ q }) => q > 19).length,
  };
}

const paired = (words: string, unit: Unit, value: (pairs: Pairs) => number) =>
  derived(words, unit, (run, context) => {
    const pairs = pairsOf(run, context);
    return "kind" in pairs ? pairs : value(pairs);
  });

const middle = (epochs: readonly number[]) => (epochs.length === 0 ? 0 : median(epochs));

const maskedDelay = defineClaim({
  id: "masked-delay",
  paper: `${SYRKIS}, Ablations`,
  claim: "Without 2, 3, 5 and 7 in the loss the other tasks are not notably delayed.",
  printed: "“not notably delayed”",
  analysis: "curves",
  subject: { roles: ["masked"], beside: { role: "miiii", same: "settings" } },
  values: {
    tasks: paired("number of tasks of q > 19", "count", ({ considered }) => considered),
    both: paired("tasks of q > 19 that generalise in both runs", "count", ({ ours }) => ours.length),
    epoch: paired("median epoch at which they generalise", "epochs", ({ ours }) => middle(ours)),
    other: paired("that of a comparable miiii run", "epochs", ({ theirs }) => middle(theirs)),
    ratio: paired("ratio of the two", "r", ({ ours, theirs }) => middle(ours) / Math.max(1, middle(theirs))),
  },
  rule: holds(atMost("ratio", 1.25))
    .orPartly(atMost("ratio", 2))
    .requiring(atLeast("both", 1), atLeast("both", times(0.5, "tasks"))),
  ours: "{epoch}, {ratio} of miiii's {other}",
  none: "ratio 1",
});

/** Claims about training with the four simplest tasks masked out of the loss. */
export const MASKED_CLAIMS: readonly Claim[] = [maskedFirst, maskedDelay];
