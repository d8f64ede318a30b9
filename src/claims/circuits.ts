import type { PrimesResult } from "../analyses/primes/compute.ts";
import type { ProgressResult } from "../analyses/progress/compute.ts";
import { formatPercent as percent, formatNumber as text } from "../core/index.ts";
import { type Claim, eachSolved, isJudgement, metricsOf, notTested, onShuffled, verdictOf } from "./claim.ts";

const PAPER = "Syrkis & Søgaard 2024";

/** Claims about attention, about the primes behind the neurons' periods, and about circuits. */
export const CIRCUIT_CLAIMS: readonly Claim[] = [
  {
    id: "attention-nanda",
    source: `${PAPER}, Attention`,
    statement: "nanda's attention heads look at both digits, periodically.",
    paper: "both, periodic",
    rule: "Heads that read both digits (neither has three quarters of their attention to the two), and heads whose attention has a larger share at one frequency than 99 % of token permutations: at least three quarters of the heads each. Both: reproduced; the latter alone: partly; else not reproduced, since attention that knows no key from another reads both digits too.",
    analysis: "attention",
    judge: eachSolved("nanda", (run) => {
      const m = metricsOf(run, "attention", [
        "heads",
        "heads_both_digits",
        "heads_periodic",
        "heads_one_digit_null",
        "share",
        "share_null",
      ]);
      if (isJudgement(m)) return m;
      const [both, periodic] = [m.heads_both_digits, m.heads_periodic].map((count) => count >= 0.75 * m.heads);
      return {
        verdict: !periodic ? "not reproduced" : both ? "reproduced" : "partly",
        ours: `both in ${m.heads_both_digits} of ${m.heads}, periodic ${m.heads_periodic} (${percent(m.share)} at one frequency)`,
        none: `both in ${text(m.heads - m.heads_one_digit_null)} of ${m.heads} random heads; share below ${percent(m.share_null)}`,
      };
    }),
  },
  {
    id: "attention-miiii",
    source: `${PAPER}, Attention`,
    statement: "Each of miiii's attention heads attends to one digit.",
    paper: "one digit each",
    rule: "Heads of which one digit has at least three quarters of the attention to the two: all: reproduced; at least half, and one more than of heads with random weights of these norms: partly; else not reproduced. Not tested where random heads do so as well.",
    analysis: "attention",
    judge: eachSolved("miiii", (run, runs) => {
      const m = metricsOf(run, "attention", [
        "heads",
        "heads_one_digit",
        "heads_one_digit_null",
        "mean_x0",
        "mean_x1",
        "mean_equals",
      ]);
      if (isJudgement(m)) return m;
      if (m.heads_one_digit_null > m.heads - 1)
        return notTested(
          `${run.label}: ${text(m.heads_one_digit_null)} of ${m.heads} heads with random weights of its norms read one digit`,
        );
      const more = m.heads_one_digit >= Math.max(m.heads / 2, m.heads_one_digit_null + 1);
      return {
        verdict: m.heads_one_digit === m.heads ? "reproduced" : more ? "partly" : "not reproduced",
        ours: `${m.heads_one_digit} of ${m.heads}; mean attention ${percent(m.mean_x0)}, ${percent(m.mean_x1)} and ${percent(m.mean_equals)} to '='`,
        none: `${text(m.heads_one_digit_null)} of ${m.heads} random heads${onShuffled(runs, run, (twin) => {
          const own = metricsOf(twin, "attention", ["heads", "heads_one_digit"]);
          return isJudgement(own) ? undefined : `${own.heads_one_digit} of ${own.heads}`;
        })}`,
      };
    }),
  },
  {
    id: "primes-miiii",
    source: `${PAPER}, Fig. 12`,
    statement: "miiii's periodicity corresponds to its 29 primes.",
    paper: "“periodicity corresponding to 29 primes”",
    rule: "Primes q for which some neuron has more than a tenth of its variance explained by n mod q, above the 99 % null of token permutations: at least nine tenths of all: reproduced; at least half: partly; else not reproduced.",
    analysis: "primes",
    judge: eachSolved("miiii", (run) => {
      const m = metricsOf(run, "primes", ["primes_covered", "mean_best", "mean_best_null", "selective_one", "selective_several"]);
      if (isJudgement(m)) return m;
      const all = (run.result("primes") as PrimesResult).primes.length;
      return {
        verdict: m.primes_covered >= 0.9 * all ? "reproduced" : m.primes_covered >= all / 2 ? "partly" : "not reproduced",
        ours: `${m.primes_covered} of ${all} primes, by ${text(m.selective_one + m.selective_several)} neurons; mean best ε² ${m.mean_best.toFixed(2)}`,
        none: `0 primes; mean best ε² ${m.mean_best_null.toFixed(3).replace("-", "−")}`,
      };
    }),
  },
  {
    id: "circuits-reused",
    source: `${PAPER}, Discussion`,
    statement: "Circuits are reused across tasks.",
    paper: "stated, not measured",
    rule: "Accuracy lost without the neurons of one prime, mean over primes: the other heads lose at least half of what that prime's own head loses: reproduced; at least a tenth: partly; in both cases more than they lose to random groups of neurons; else not reproduced. The own head's loss must exceed that of random groups.",
    analysis: "circuits",
    judge: eachSolved("miiii", (run) => {
      const m = metricsOf(run, "circuits", [
        "own_accuracy_lost",
        "other_accuracy_lost",
        "null_accuracy_lost",
        "null_other_accuracy_lost",
      ]);
      if (isJudgement(m)) return m;
      if (m.own_accuracy_lost <= m.null_accuracy_lost)
        return notTested(`${run.label}: no prime's neurons matter more to its head than random groups of their size`);
      const beyond = m.other_accuracy_lost > m.null_other_accuracy_lost;
      const share = beyond ? m.other_accuracy_lost / m.own_accuracy_lost : 0;
      return {
        verdict: share >= 0.5 ? "reproduced" : share >= 0.1 ? "partly" : "not reproduced",
        ours: `own head ${percent(m.own_accuracy_lost)}, others ${percent(m.other_accuracy_lost)}`,
        none: `random groups: own at most ${percent(m.null_accuracy_lost)}, others ${percent(m.null_other_accuracy_lost)}`,
      };
    }),
  },
];

/** Claims of Nanda et al. about the course of training, by their progress measures. */
export const PROGRESS_CLAIMS: readonly Claim[] = [
  {
    id: "nanda-circuit-first",
    source: "Nanda et al. 2023, section 5",
    statement: "The circuit forms before the model visibly generalises: restricted loss falls ahead of the test loss.",
    paper: "circuit formation precedes grokking",
    rule: "Checkpoint from which restricted loss on new samples stays at or below half of ln p, against that of the loss itself: earlier: reproduced; the same: partly; later or never: not reproduced.",
    analysis: "progress",
    judge: eachSolved("nanda", (run) => {
      const result = run.result("progress") as ProgressResult | undefined;
      if (result === undefined) return notTested(`${run.label}: progress ${run.run.missing.progress ?? "was not run"}`);
      const [circuit, whole] = [result.restricted_epoch[0] ?? undefined, result.generalised_epoch[0] ?? undefined];
      if (whole === undefined || result.epochs.length < 8)
        return notTested(`${run.label}: ${result.epochs.length} checkpoints do not show when it generalises`);
      const first = circuit ?? Number.POSITIVE_INFINITY;
      return {
        verdict: first < whole ? "reproduced" : first === whole ? "partly" : "not reproduced",
        ours: `restricted by ${circuit === undefined ? "no epoch" : text(circuit)}, loss by ${text(whole)}`,
        none: "the same epoch",
      };
    }),
  },
  {
    id: "nanda-sparsity",
    source: "Nanda et al. 2023, section 5",
    statement: "The token embedding becomes sparse in the Fourier basis as the circuit forms.",
    paper: "Gini coefficient rises",
    rule: "Gini coefficient of the embedding's Fourier norms: last at least twice the first, and above the 99 % null of token permutations. Both: reproduced; one: partly.",
    analysis: "progress",
    judge: eachSolved("nanda", (run) => {
      const m = metricsOf(run, "progress", ["W_E_gini", "W_E_gini_first", "W_E_gini_null"]);
      if (isJudgement(m)) return m;
      return {
        verdict: verdictOf([m.W_E_gini >= 2 * m.W_E_gini_first, m.W_E_gini > m.W_E_gini_null]),
        ours: `from ${m.W_E_gini_first.toFixed(2)} to ${m.W_E_gini.toFixed(2)}`,
        none: `below ${m.W_E_gini_null.toFixed(2)}`,
      };
    }),
  },
];
