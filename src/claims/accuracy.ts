import { formatNumber } from "../core/index.ts";
import { median } from "../math/index.ts";
import { type Claim, defineClaim } from "./claim.ts";
import { NANDA, SYRKIS } from "./papers.ts";
import { above, atLeast, holds, of, times } from "./rule.ts";
import type { AnalyzedRun } from "./run.ts";
import { lateTasks } from "./tasks.ts";
import { type Training, trained, trainingOf } from "./training.ts";

/** Accuracy from which a task counts as learned. */
const LEARNED = 0.99;

/** How many times later than memorised a task must generalise for that to be grokking. */
const LATER = 2;

/** The tasks that are in the loss from the beginning: the others' epochs count from where their schedule let them in. */
const fromStart = ({ tasks }: Training, { config }: AnalyzedRun) => tasks.filter(({ q }) => !lateTasks(config).includes(q));

/** Epoch of generalising over epoch of memorising by task; those that do neither are left out. */
const delays = (training: Training, run: AnalyzedRun) =>
  fromStart(training, run).flatMap(({ grok, memorised }) =>
    grok === undefined || memorised === undefined ? [] : [(1 + grok) / (1 + memorised)],
  );

const allTasks = defineClaim({
  id: "all-heads",
  paper: `${SYRKIS}, Fig. 5`,
  claim: "miiii reaches a perfect validation accuracy on every task.",
  printed: "1 on 29 of 29",
  analysis: "curves",
  subject: { roles: ["miiii"], finished: true },
  values: {
    perfect: trained(
      "tasks with a last validation accuracy of 1",
      "count",
      ({ tasks }) => tasks.filter((task) => task.validationAccuracy === 1).length,
    ),
    good: trained(
      `tasks with a last validation accuracy of at least ${LEARNED}`,
      "count",
      ({ tasks }) => tasks.filter((task) => task.validationAccuracy >= LEARNED).length,
    ),
    tasks: trained("number of tasks", "count", ({ tasks }) => tasks.length),
    epochs: trained("epochs trained", "epochs", ({ epochs }) => epochs),
  },
  texts: {
    lowest: (run) => {
      const worst = trainingOf(run)?.tasks.reduce((a, b) => (b.validationAccuracy < a.validationAccuracy ? b : a));
      return worst === undefined ? "unknown" : `${worst.validationAccuracy.toFixed(3)} (q = ${worst.q})`;
    },
  },
  rule: holds(atLeast("perfect", of("tasks"))).orPartly(above("good", times(0.5, "tasks"))),
  ours: `1 on {perfect} of {tasks}, at least ${LEARNED} on {good}; lowest {lowest} at epoch {epochs}`,
  none: "1/q, 0.5 at most",
});

const grokking = (["nanda", "miiii"] as const).map((role) =>
  defineClaim({
    id: `grokking-${role}`,
    paper: role === "nanda" ? `${NANDA}, Fig. 2` : `${SYRKIS}, Fig. 5`,
    claim: `${role} groks: ${role === "nanda" ? "it generalises" : "each task is generalised"} long after its training samples are memorised.`,
    printed: role === "nanda" ? "train by 1.4k, test by 10k" : "“grokked on all tasks”",
    analysis: "curves",
    subject: { roles: [role], finished: true },
    values: {
      late: trained(
        `tasks whose validation accuracy stays at ${LEARNED} from an epoch at least ${LATER} times that of their training accuracy`,
        "count",
        (training, run) => delays(training, run).filter((delay) => delay >= LATER).length,
      ),
      tasks: trained(
        "number of tasks in the loss from the beginning",
        "count",
        (training, run) => fromStart(training, run).length,
      ),
    },
    texts: {
      delay: (run) => {
        const training = trainingOf(run);
        const known = training === undefined ? [] : delays(training, run);
        return known.length === 0 ? "no task generalises" : `median ratio ${formatNumber(median(known))}`;
      },
    },
    rule: holds(atLeast("late", times(0.9, "tasks"))).orPartly(atLeast("late", times(0.5, "tasks"))),
    ours: "{late} of {tasks} tasks; {delay}",
    none: "ratio 1",
  }),
);

/** Claims about whether tasks are learned, and how long after their training samples. */
export const ACCURACY_CLAIMS: readonly Claim[] = [allTasks, ...grokking];
