import { spearman } from "../math/index.ts";
import { asNull, type Claim, defineClaim } from "./claim.ts";
import { SYRKIS } from "./papers.ts";
import { atLeast, atMost, below, holds, of, times } from "./rule.ts";
import { isHarder, SIMPLE } from "./tasks.ts";
import { orderText, type Training, trained, trainingOf } from "./training.ts";

/** 1 over the number of ways to choose and order `k` of `n`. */
const chanceOfOrder = (n: number, k: number) => 1 / Array.from({ length: k }, (_, i) => n - i).reduce((a, b) => a * b, 1);

const harderTasks = ({ tasks }: Training) => tasks.filter(({ q }) => isHarder(q));

/** Tasks with the epoch at which each is reached, the first first. */
function orderBy(q: readonly number[], epochs: readonly (number | null)[]): { readonly q: number; readonly grok: number }[] {
  return q
    .flatMap((modulus, h) => (typeof epochs[h] === "number" ? [{ q: modulus, grok: epochs[h] }] : []))
    .sort((a, b) => a.grok - b.grok || a.q - b.q);
}

/** Tasks of q > 7 with the epoch from which validation accuracy stays at 0.9: the rule that most of them meet within a run. */
const generalised = ({ curves }: Training) => orderBy(curves.q, curves.stays90_epoch).filter(({ q }) => isHarder(q));

const epochsOf = (training: Training) => generalised(training).map(({ grok }) => grok);

/** The rules by which a task counts as generalised from an epoch on: the order of tasks depends on them. */
const RULES = ["first_epoch", "grok_epoch", "stays90_epoch"] as const;

type RuleName = (typeof RULES)[number];

const SPOKEN: { readonly [rule in RuleName]: string } = {
  first_epoch: "first ≥ 0.99",
  grok_epoch: "stays ≥ 0.99",
  stays90_epoch: "stays ≥ 0.9",
};

/** Whether 2, 3, 5 and 7 come in that order (a tie is one logged tick), and whether all come before every other task. */
function simplest(
  q: readonly number[],
  epochs: readonly (number | null)[],
): { readonly ordered: boolean; readonly first: boolean } {
  const at = (modulus: number) => epochs[q.indexOf(modulus)] ?? Number.POSITIVE_INFINITY;
  const simple = SIMPLE.map(at);
  const earliest = Math.min(...q.filter(isHarder).map(at), Number.POSITIVE_INFINITY);
  return {
    ordered: simple.every((epoch, i) => Number.isFinite(epoch) && epoch >= (simple[i - 1] ?? 0)),
    first: simple.every((epoch) => epoch < earliest),
  };
}

const byRule = ({ curves }: Training, held: (found: { readonly ordered: boolean; readonly first: boolean }) => boolean) =>
  RULES.filter((name) => held(simplest(curves.q, curves[name]))).length;

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
  subject: { roles: ["miiii"], finished: true, fromStart: "all" },
  values: {
    others,
    both: trained(
      `rules (${Object.values(SPOKEN).join(", ")}) by which 2, 3, 5 and 7 come in this order and before every other task`,
      "count",
      (training) => byRule(training, ({ ordered, first }) => ordered && first),
    ),
    either: trained("rules by which one of the two holds", "count", (training) =>
      byRule(training, ({ ordered, first }) => ordered || first),
    ),
    chance: trained("chance of this order", "number", ({ tasks }) => chanceOfOrder(tasks.length, 4)),
  },
  texts: {
    orders: (run) => {
      const curves = trainingOf(run)?.curves;
      if (curves === undefined) return "unknown";
      return RULES.map((name) => `${SPOKEN[name]}: ${orderText(orderBy(curves.q, curves[name]), 5)}`).join("; ");
    },
    memorised: (run) => {
      const curves = trainingOf(run)?.curves;
      return curves === undefined ? "unknown" : orderText(orderBy(curves.q, curves.memorised_epoch), 5, "none");
    },
  },
  rule: holds(atLeast("both", RULES.length)).orPartly(atLeast("either", 1)).requiring(atLeast("others", 4)),
  ours: "by {both} of 3 rules; {orders}",
  none: "chance {chance} of one order",
  twin: "memorised in the order {memorised}",
});

const together = {
  others,
  done: trained(
    "tasks of q > 7 whose validation accuracy stays at 0.9 or above",
    "count",
    (training) => generalised(training).length,
  ),
};

const restTogether = defineClaim({
  id: "rest-together",
  paper: `${SYRKIS}, Fig. 5`,
  claim: "The other tasks generalise around the same time.",
  printed: "25 tasks around epoch 40,000",
  analysis: "curves",
  subject: { roles: ["miiii"], finished: true, fromStart: "harder" },
  values: {
    ...together,
    from: trained("epoch from which the first of these tasks does", "epochs", (training) => Math.min(...epochsOf(training))),
    to: trained("epoch from which the last of these tasks does", "epochs", (training) => Math.max(...epochsOf(training))),
  },
  rule: holds(atMost("to", times(4, "from")))
    .orPartly(atMost("to", times(8, "from")))
    .requiring(atLeast("done", 6), atLeast("done", times(0.5, "others"))),
  ours: "{done} of {others} tasks from {from} to {to}",
  none: "tasks learned one by one would spread without bound",
});

const restUnordered = defineClaim({
  id: "rest-unordered",
  paper: `${SYRKIS}, Fig. 5`,
  claim: "The other tasks generalise in no particular order.",
  printed: "“no particular order”",
  analysis: "curves",
  subject: { roles: ["miiii"], finished: true, fromStart: "harder" },
  values: {
    ...together,
    rho: trained("Spearman's ρ of q and the epoch from which it does", "r", rho),
    unordered: trained("|ρ|", "r", (training) => Math.abs(rho(training))),
    limit: asNull(
      trained("95 % limit of |ρ|", "r", (training) => 1.96 / Math.sqrt(Math.max(1, generalised(training).length - 1))),
    ),
  },
  texts: {
    direction: (run) => {
      const training = trainingOf(run);
      return training !== undefined && rho(training) > 0 ? "smaller moduli come earlier" : "larger moduli come earlier";
    },
  },
  rule: holds(below("unordered", of("limit"))).requiring(atLeast("done", 6), atLeast("done", times(0.5, "others"))),
  ours: "ρ = {rho} over {done} tasks",
  none: "|ρ| < {limit}",
  notes: { "not reproduced": "{direction}" },
});

/** Claims about the order in which tasks generalise. */
export const ORDER_CLAIMS: readonly Claim[] = [simpleFirst, restTogether, restUnordered];
