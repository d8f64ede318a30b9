import { spearman } from "../math/index.ts";
import { type Claim, defineClaim } from "./claim.ts";
import { SYRKIS } from "./papers.ts";
import { all, atLeast, atMost, below, each, of, times } from "./rule.ts";
import { grokEpochs, grokOrder, isHarder, orderText, SIMPLE, type Training, trained, trainingOf } from "./training.ts";

/** 1 over the number of ways to choose and order `k` of `n`. */
const chanceOfOrder = (n: number, k: number) => 1 / Array.from({ length: k }, (_, i) => n - i).reduce((a, b) => a * b, 1);

const harderTasks = ({ tasks }: Training) => tasks.filter(({ q }) => isHarder(q));

const generalised = (training: Training) => grokOrder(training).filter(({ q }) => isHarder(q));

/** Epochs of 2, 3, 5 and 7; never is infinitely late. */
const simpleEpochs = ({ tasks }: Training) =>
  SIMPLE.map((q) => tasks.find((task) => task.q === q)?.grok ?? Number.POSITIVE_INFINITY);

const others = trained("number of tasks of q > 7", "count", (training) => harderTasks(training).length);

const rho = (training: Training) => {
  const done = generalised(training);
  if (done.length === 0) return 0;
  return spearman(
    done.map(({ q }) => q),
    done.map(({ grok }) => grok),
  );
};

const simpleFirst = defineClaim({
  id: "simple-first",
  paper: `${SYRKIS}, Fig. 5`,
  claim: "The tasks modulo 2, 3, 5 and 7 generalise first, in that order.",
  printed: "2, 3, 5, 7",
  analysis: "curves",
  subject: { roles: ["miiii"], finished: true },
  values: {
    others,
    in_order: trained(
      "neighbours among 2, 3, 5 and 7 that generalise in order (a tie is one logged tick)",
      "count",
      (training) => {
        const epochs = simpleEpochs(training);
        return epochs.filter((epoch, i) => i > 0 && Number.isFinite(epoch) && epoch >= (epochs[i - 1] ?? 0)).length;
      },
    ),
    first: trained("tasks among 2, 3, 5 and 7 that generalise before every other", "count", (training) => {
      const earliest = Math.min(...grokEpochs(training, isHarder), Number.POSITIVE_INFINITY);
      return simpleEpochs(training).filter((epoch) => epoch < earliest).length;
    }),
    chance: trained("chance of this order", "number", ({ tasks }) => chanceOfOrder(tasks.length, 4)),
  },
  texts: {
    order: (run) => {
      const training = trainingOf(run);
      return training === undefined ? "unknown" : orderText(grokOrder(training), 6);
    },
  },
  rule: each(atLeast("in_order", 3), atLeast("first", 4)).requiring(atLeast("others", 4)),
  ours: "{order}",
  none: "chance {chance}",
});

const restTogether = defineClaim({
  id: "rest-together",
  paper: `${SYRKIS}, Fig. 5`,
  claim: "The other tasks generalise around the same time, in no particular order.",
  printed: "25 tasks around epoch 40,000",
  analysis: "curves",
  subject: { roles: ["miiii"], finished: true },
  values: {
    others,
    done: trained("tasks of q > 7 that generalise", "count", (training) => generalised(training).length),
    from: trained("epoch of the first of them", "epochs", (training) => Math.min(...grokEpochs(training, isHarder))),
    to: trained("epoch of the last of them", "epochs", (training) => Math.max(...grokEpochs(training, isHarder))),
    rho: trained("Spearman's ρ of q and that epoch", "r", rho),
    unordered: trained("|ρ|", "r", (training) => Math.abs(rho(training))),
    limit: trained("95 % limit of |ρ|", "r", (training) => 1.96 / Math.sqrt(Math.max(1, generalised(training).length - 1))),
  },
  rule: each(atMost("to", times(4, "from")), below("unordered", of("limit"))).requiring(
    all(atLeast("done", 6), atLeast("done", times(0.5, "others"))),
  ),
  texts: {
    direction: (run) => {
      const training = trainingOf(run);
      return training !== undefined && rho(training) > 0 ? "smaller moduli come earlier" : "larger moduli come earlier";
    },
  },
  ours: "{done} of {others} tasks from {from} to {to}; ρ = {rho}",
  none: "|ρ| < {limit}",
  notes: { partly: "{direction}", "not reproduced": "{direction}" },
});

/** Claims about the order in which tasks generalise. */
export const ORDER_CLAIMS: readonly Claim[] = [simpleFirst, restTogether];
