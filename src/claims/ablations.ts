import { type Absence, noResult } from "./absence.ts";
import { type Claim, type Context, defineClaim, derived } from "./claim.ts";
import type { Unit } from "./judged.ts";
import { SYRKIS } from "./papers.ts";
import { atLeast, below, holds, times } from "./rule.ts";
import type { AnalyzedRun } from "./run.ts";
import { likeSeed } from "./subject.ts";
import { meanReaches, type Standing, standingAt, trained, trainingOf } from "./training.ts";

/** Mean accuracy from which a run has converged, if slowly. */
const CONVERGED = 0.8;

/** Mean accuracy from which the runs with the whole recipe count as having got there. */
const ARRIVED = 0.9;

interface Beside {
  readonly own: Standing;
  readonly best: Standing;
  readonly run: AnalyzedRun;
  readonly epochs: number;
}

/**
 * What an ablated run had reached by its last epoch, and the best comparable run, of the same seed if there is one, by the same
 * epoch.
 */
function besideBest(run: AnalyzedRun, { others }: Context): Beside | Absence {
  const training = trainingOf(run);
  if (training === undefined) return noResult(run, "curves");
  const { epochs } = training;
  const own = standingAt(run, epochs, () => true);
  const [best] = likeSeed(run, others)
    .flatMap((other) => {
      const standing = standingAt(other, epochs, () => true);
      return standing === undefined ? [] : [{ best: standing, run: other }];
    })
    .sort((a, b) => b.best.accuracy - a.best.accuracy);
  if (own === undefined || best === undefined) return { kind: "no run", roles: ["miiii"], like: "with the same settings" };
  return { own, ...best, epochs };
}

const reached = (words: string, unit: Unit, value: (beside: Beside) => number) =>
  derived(words, unit, (run, context) => {
    const beside = besideBest(run, context);
    return "kind" in beside ? beside : value(beside);
  });

const reference = {
  arrived: reached("mean accuracy of a comparable miiii run by this run's last epoch", "r", ({ best }) => best.accuracy),
  epochs: reached("last epoch", "epochs", ({ epochs }) => epochs),
};

const referenceTexts = {
  reference: (run: AnalyzedRun, context: Context) => {
    const beside = besideBest(run, context);
    return "kind" in beside ? "unknown" : beside.run.label;
  },
};

const noGrokfast = defineClaim({
  id: "no-grokfast",
  paper: `${SYRKIS}, Hyper-parameter optimization`,
  claim: "Without Grokfast (λ = 0) the model does not converge.",
  printed: "no convergence",
  analysis: "curves",
  subject: { roles: ["no-grokfast"], beside: { role: "miiii", same: "settings" } },
  values: {
    ...reference,
    accuracy: reached("mean accuracy over the tasks", "r", ({ own }) => own.accuracy),
    generalised: reached("number of tasks that generalise", "count", ({ own }) => own.generalised),
    tasks: reached("number of tasks", "count", ({ own }) => own.tasks),
    slower: derived(`time to a mean accuracy of ${CONVERGED} over that of the comparable run`, "r", (run, context) => {
      const beside = besideBest(run, context);
      if ("kind" in beside) return beside;
      const [own, other] = [run, beside.run].map((one) => {
        const training = trainingOf(one);
        return training === undefined ? undefined : meanReaches(training, CONVERGED);
      });
      return own === undefined || other === undefined ? Number.POSITIVE_INFINITY : own / Math.max(1, other);
    }),
    other_generalised: reached("number of them that generalise with Grokfast", "count", ({ best }) => best.generalised),
  },
  texts: referenceTexts,
  rule: holds(below("accuracy", 0.5)).orPartly(below("accuracy", CONVERGED)).requiring(atLeast("arrived", ARRIVED)),
  ours: "mean accuracy {accuracy} at epoch {epochs}, {generalised} of {tasks} generalise",
  none: "with Grokfast {arrived}, {other_generalised} of {tasks} ({reference})",
  notes: { "not reproduced": "it converges, {slower} times slower" },
});

const noDropout = defineClaim({
  id: "no-dropout",
  paper: `${SYRKIS}, Ablations`,
  claim: "Without dropout the model overfits every task but q = 2 and 3.",
  printed: "2 and 3 alone generalise",
  analysis: "curves",
  subject: { roles: ["no-dropout"], beside: { role: "miiii", same: "settings" } },
  values: {
    ...reference,
    easiest: trained(
      "tasks among 2 and 3 that generalise",
      "count",
      ({ tasks }) => tasks.filter(({ q, grok }) => q <= 3 && grok !== undefined).length,
    ),
    others: trained(
      "tasks among the others that generalise",
      "count",
      ({ tasks }) => tasks.filter(({ q, grok }) => q > 3 && grok !== undefined).length,
    ),
    overfit: trained(
      "tasks with a training accuracy of at least 0.99 that do not generalise",
      "count",
      ({ tasks }) => tasks.filter(({ grok, trainAccuracy }) => grok === undefined && trainAccuracy >= 0.99).length,
    ),
    tasks: trained("number of tasks", "count", ({ tasks }) => tasks.length),
    with_dropout: derived("tasks that generalise with dropout by then", "count", (run, context) => {
      const beside = besideBest(run, context);
      if ("kind" in beside) return beside;
      return standingAt(beside.run, beside.epochs, () => true)?.generalised ?? 0;
    }),
  },
  texts: {
    ...referenceTexts,
    solved: (run) => {
      const solved = (trainingOf(run)?.tasks ?? []).filter(({ grok }) => grok !== undefined).map(({ q }) => q);
      return solved.length === 0 ? "none" : solved.length > 8 ? `${solved.length} tasks` : solved.join(", ");
    },
  },
  rule: holds(atLeast("easiest", 2), below("others", 1))
    .orPartly(atLeast("overfit", times(0.5, "tasks")))
    .requiring(atLeast("arrived", ARRIVED)),
  ours: "generalise: {solved}; {overfit} of {tasks} overfit, epoch {epochs}",
  none: "with dropout {with_dropout} of {tasks} generalise by then; mean accuracy {arrived} ({reference})",
});

/** Claims about what training without a part of the recipe gives. */
export const ABLATION_CLAIMS: readonly Claim[] = [noGrokfast, noDropout];
