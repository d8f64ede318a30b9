import { type Absence, noResult } from "./absence.ts";
import { asNull, type Claim, type Context, defineClaim, derived } from "./claim.ts";
import type { Unit } from "./judged.ts";
import { SYRKIS } from "./papers.ts";
import { atLeast, atMost, holds, of } from "./rule.ts";
import type { AnalyzedRun } from "./run.ts";
import { likeSeed } from "./subject.ts";
import { isHarder } from "./tasks.ts";
import { meanReaches, orderText, type Training, trained, trainingOf } from "./training.ts";

/** The tasks that the paper says come first without the four simplest. */
const NEXT: readonly number[] = [11, 13, 17, 19];

const choose = (n: number, k: number) => Array.from({ length: k }, (_, i) => (n - i) / (i + 1)).reduce((a, b) => a * b, 1);

const trainedTasks = trained(
  "number of trained tasks of q > 7",
  "count",
  ({ tasks }) => tasks.filter(({ q }) => isHarder(q)).length,
);

/** Trained tasks of q > 7 with the epoch at which each is reached by a rule, the first first. */
function orderOf({ curves }: Training, rule: "first_epoch" | "grok_epoch") {
  return curves.q
    .flatMap((q, h) => {
      const epoch = curves[rule][h];
      return isHarder(q) && typeof epoch === "number" ? [{ q, grok: epoch }] : [];
    })
    .sort((a, b) => a.grok - b.grok || a.q - b.q);
}

const hitsOf = (training: Training, rule: "first_epoch" | "grok_epoch") =>
  orderOf(training, rule)
    .slice(0, NEXT.length)
    .filter(({ q }) => NEXT.includes(q)).length;

/** The chance that `hits` or more of the four are among four tasks drawn of `n`. */
function chanceOfHits(n: number, hits: number): number {
  const ways = NEXT.map((_, i) => i + 1).filter((k) => k >= hits);
  return hits === 0 ? 1 : ways.reduce((sum, k) => sum + choose(4, k) * choose(n - 4, 4 - k), 0) / choose(n, 4);
}

const maskedFirst = defineClaim({
  id: "masked-first",
  paper: `${SYRKIS}, Ablations`,
  claim: "With 2, 3, 5 and 7 masked out of the loss, 11, 13, 17 and 19 come first.",
  printed: "11, 13, 17, 19",
  analysis: "curves",
  subject: { roles: ["masked"] },
  values: {
    tasks: trainedTasks,
    reached: trained(
      "trained tasks that reach a validation accuracy of 0.99",
      "count",
      (training) => orderOf(training, "first_epoch").length,
    ),
    hits: trained(
      "tasks among 11, 13, 17 and 19 within the first four to reach a validation accuracy of 0.99",
      "count",
      (training) => hitsOf(training, "first_epoch"),
    ),
    stays: trained("those within the first four to stay there", "count", (training) => hitsOf(training, "grok_epoch")),
    chance: asNull(
      trained("chance of so many", "number", (training) =>
        chanceOfHits(training.tasks.filter(({ q }) => isHarder(q)).length, hitsOf(training, "first_epoch")),
      ),
    ),
  },
  texts: {
    first: (run) => {
      const training = trainingOf(run);
      return training === undefined ? "unknown" : orderText(orderOf(training, "first_epoch"), 4);
    },
    staying: (run) => {
      const training = trainingOf(run);
      return training === undefined ? "unknown" : orderText(orderOf(training, "grok_epoch"), 4);
    },
  },
  rule: holds(atLeast("hits", 4)).orPartly(atLeast("hits", 2)).requiring(atLeast("reached", 4), atLeast("tasks", 8)),
  ours: "first at 0.99: {first}; staying there: {staying}",
  none: "chance of {hits} of the four {chance}",
});

/** Mean accuracy that tells when training gets there: no single task's dip moves it. */
const ARRIVED = 0.8;

interface Times {
  readonly own: number;
  readonly other: number;
  readonly label: string;
}

/**
 * When this run and the comparable one of the same seed (else of any) reach {@link ARRIVED} over the tasks that both are trained
 * on.
 */
function timesOf(run: AnalyzedRun, { others }: Context): Times | Absence {
  const training = trainingOf(run);
  if (training === undefined) return noResult(run, "curves");
  const known = likeSeed(run, others).flatMap((other) => {
    const theirs = trainingOf(other);
    return theirs === undefined
      ? []
      : [{ label: other.label, other: meanReaches(theirs, ARRIVED, isHarder) ?? Number.POSITIVE_INFINITY }];
  });
  const [first] = known.sort((a, b) => a.other - b.other);
  if (first === undefined) return { kind: "no run", roles: ["miiii"], like: "with the same settings" };
  return { ...first, own: meanReaches(training, ARRIVED, isHarder) ?? Number.POSITIVE_INFINITY };
}

const timed = (words: string, unit: Unit, value: (times: Times) => number) =>
  derived(words, unit, (run, context) => {
    const both = timesOf(run, context);
    return "kind" in both ? both : value(both);
  });

const maskedDelay = defineClaim({
  id: "masked-delay",
  paper: `${SYRKIS}, Ablations`,
  claim: "With 2, 3, 5 and 7 masked out of the loss the other tasks are not notably delayed.",
  printed: "“not notably delayed”",
  analysis: "curves",
  subject: { roles: ["masked"], beside: { role: "miiii", same: "settings" } },
  values: {
    own: timed(`epoch at which the mean accuracy over the tasks of q > 7 is ${ARRIVED}`, "epochs", ({ own }) => own),
    other: timed("such epoch of the comparable miiii run", "epochs", ({ other }) => other),
    longest: derived("last epoch of the comparable run", "epochs", (_, { others }) =>
      Math.max(0, ...others.map((other) => trainingOf(other)?.epochs ?? 0)),
    ),
    ratio: timed("ratio of the two epochs", "r", ({ own, other }) => own / Math.max(1, other)),
  },
  texts: {
    reference: (run, context) => {
      const both = timesOf(run, context);
      return "kind" in both ? "unknown" : both.label;
    },
    sooner: (run, context) => {
      const both = timesOf(run, context);
      return !("kind" in both) && both.own <= 0.8 * both.other ? "sooner, not later" : "";
    },
  },
  rule: holds(atMost("ratio", 1.25))
    .orPartly(atMost("ratio", 2))
    .requiring(atMost("other", of("longest"))),
  ours: "{own}, {ratio} times {reference}'s {other}",
  none: "ratio 1",
  notes: { reproduced: "{sooner}" },
});

/** Claims about training with the four simplest tasks masked out of the loss. */
export const MASKED_CLAIMS: readonly Claim[] = [maskedFirst, maskedDelay];
