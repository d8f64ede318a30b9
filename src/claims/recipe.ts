import { formatNumber as text } from "../core/index.ts";
import { median, spearman } from "../math/index.ts";
import { type Claim, eachRun, type Judgement, noRun, notTested, runsOf, unsolvedWhy, verdictOf } from "./claim.ts";
import type { ClaimRun } from "./run.ts";
import { comparable, grokEpochs, isHarder, SIMPLE, type Standing, standingAt, type Training, trainingOf } from "./training.ts";

const PAPER = "Syrkis & Søgaard 2024";

const listOf = (values: readonly (number | string)[]) => (values.length === 0 ? "none" : values.join(", "));

/** A judgement of a run that was stopped: what it did not reach, it may not have had the time to. */
function withStop(judgement: Judgement, stopped: string): Judgement {
  if (judgement.verdict !== "partly" && judgement.verdict !== "not reproduced") return judgement;
  return { ...judgement, why: judgement.why === undefined ? stopped : `${judgement.why}; ${stopped}` };
}

/** As {@link training}; a run that was stopped before its planned epochs and has not generalised says nothing yet. */
function finished(role: "nanda" | "miiii", judge: (training: Training, run: ClaimRun) => Judgement): Claim["judge"] {
  return training(role, (own, run) => {
    const planned = run.run.config.epochs;
    const why = unsolvedWhy(run);
    if (planned === undefined || own.epochs >= planned) return judge(own, run);
    if (why === undefined) return withStop(judge(own, run), `stopped at epoch ${text(own.epochs)} of ${text(planned)} planned`);
    return notTested(`${why} of ${text(planned)} planned`);
  });
}

/** Judges the training of each run of a role. */
function training(
  role: Parameters<typeof eachRun>[0],
  judge: (training: Training, run: ClaimRun, runs: readonly ClaimRun[]) => Judgement,
): Claim["judge"] {
  return eachRun(role, (run, runs) => {
    const known = trainingOf(run);
    return known === undefined
      ? notTested(`${run.label}: curves ${run.run.missing.curves ?? "was not run"}`)
      : judge(known, run, runs);
  });
}

/** Mean validation accuracy from which the runs with the whole recipe count as having got there. */
const ARRIVED = 0.9;

const arrivedRule = `A miiii run of the same settings must have a mean validation accuracy of ${ARRIVED} over the heads of q > 7 by this run's last epoch`;

/**
 * Judges an ablation against what a comparable `miiii` run had reached by the same epoch; not tested where there is no such run, or
 * where none had got anywhere by then.
 */
function besideMiiii(
  role: Parameters<typeof eachRun>[0],
  judge: (training: Training, own: Standing, reference: Standing & { readonly run: ClaimRun }) => Judgement,
): Claim["judge"] {
  return training(role, (known, run, runs) => {
    const references = comparable(run, runsOf(runs, "miiii")).flatMap((other) => {
      const standing = standingAt(other, known.epochs, isHarder);
      return standing === undefined ? [] : [{ ...standing, run: other }];
    });
    const [best] = references.sort((a, b) => b.accuracy - a.accuracy);
    const own = standingAt(run, known.epochs, isHarder);
    if (best === undefined || own === undefined) return noRun("miiii with the same settings");
    if (best.accuracy < ARRIVED)
      return notTested(
        `${run.label} was trained for ${text(known.epochs)} epochs, by which ${best.run.label} has a mean accuracy of ${best.accuracy.toFixed(2)} over the heads of q > 7`,
      );
    return judge(known, own, best);
  });
}

const grokOrder = ({ heads }: Training) =>
  heads.flatMap(({ q, grok }) => (grok === undefined ? [] : [{ q, grok }])).sort((a, b) => a.grok - b.grok || a.q - b.q);

/** 1 over the number of ways to choose and order `k` of `n`. */
const chanceOfOrder = (n: number, k: number) => 1 / Array.from({ length: k }, (_, i) => n - i).reduce((a, b) => a * b, 1);

const factorial = (k: number) => Array.from({ length: k }, (_, i) => i + 1).reduce((a, b) => a * b, 1);

/** Claims about the course of training: accuracy, order, ablations of the recipe. */
export const TRAINING_CLAIMS: readonly Claim[] = [
  {
    id: "all-heads",
    source: `${PAPER}, Fig. 5`,
    statement: "miiii reaches a perfect validation accuracy on every task.",
    paper: "1 on 29 of 29",
    rule: "Last validation accuracy of every head 1: reproduced; at least 0.99 on more than half of the heads: partly; else not reproduced.",
    analysis: "curves",
    judge: finished("miiii", ({ heads, epochs }) => {
      const perfect = heads.filter(({ validationAccuracy }) => validationAccuracy === 1).length;
      const good = heads.filter(({ validationAccuracy }) => validationAccuracy >= 0.99).length;
      const worst = heads.reduce((a, b) => (b.validationAccuracy < a.validationAccuracy ? b : a));
      return {
        verdict: perfect === heads.length ? "reproduced" : good > heads.length / 2 ? "partly" : "not reproduced",
        ours: `1 on ${perfect} of ${heads.length}, at least 0.99 on ${good}; lowest ${worst.validationAccuracy.toFixed(3)} (q = ${worst.q}) at epoch ${text(epochs)}`,
        none: "1/q, 0.5 at most",
      };
    }),
  },
  ...(["nanda", "miiii"] as const).map(
    (role): Claim => ({
      id: `grokking-${role}`,
      source: role === "nanda" ? "Nanda et al. 2023, Fig. 2" : `${PAPER}, Fig. 5`,
      statement: `${role} groks: ${role === "nanda" ? "it generalises" : "each head generalises"} long after it has memorised its training samples.`,
      paper: role === "nanda" ? "train by 1.4k, test by 10k" : "“grokked on all tasks”",
      rule: "Epochs from which validation and training accuracy stay at 0.99: their ratio at least 2 for 90 % of all heads: reproduced; for any: partly; else not reproduced.",
      analysis: "curves",
      judge: finished(role, ({ heads }) => {
        const ratios = heads.map(({ grok, memorised }) =>
          grok === undefined || memorised === undefined ? 0 : (1 + grok) / (1 + memorised),
        );
        const late = ratios.filter((ratio) => ratio >= 2).length;
        const generalised = ratios.filter((ratio) => ratio > 0);
        if (generalised.length === 0) return { verdict: "not reproduced", ours: "no head generalises", none: "ratio 1" };
        return {
          verdict: late >= 0.9 * heads.length ? "reproduced" : late > 0 ? "partly" : "not reproduced",
          ours: `${late} of ${heads.length} heads; median ratio ${text(median(generalised))}`,
          none: "ratio 1",
        };
      }),
    }),
  ),
  {
    id: "simple-first",
    source: `${PAPER}, Fig. 5`,
    statement: "The tasks modulo 2, 3, 5 and 7 generalise first, in that order.",
    paper: "2, 3, 5, 7",
    rule: "Grok epochs of 2, 3, 5, 7 ascending (a tie is one logged tick), and all before every other head's (of which there must be four at least): both: reproduced; one: partly; else not reproduced.",
    analysis: "curves",
    judge: finished("miiii", (own, run) => {
      const others = own.heads.filter(({ q }) => isHarder(q)).length;
      if (others < 4) return notTested(`${run.label}: p = ${run.run.config.p} has too few heads of q > 7 (${others})`);
      const epochs = SIMPLE.map((q) => own.heads.find((head) => head.q === q)?.grok ?? Number.POSITIVE_INFINITY);
      const inOrder = epochs.every((epoch, i) => Number.isFinite(epoch) && epoch >= (epochs[i - 1] ?? 0));
      const first = Math.max(...epochs) < Math.min(...grokEpochs(own, isHarder), Number.POSITIVE_INFINITY);
      const order = grokOrder(own).slice(0, 6);
      return {
        verdict: verdictOf([inOrder, first]),
        ours: order.length === 0 ? "no head generalises" : order.map(({ q, grok }) => `${q} (${text(grok)})`).join(", "),
        none: `chance ${chanceOfOrder(own.heads.length, 4).toExponential(0)}`,
      };
    }),
  },
  {
    id: "rest-together",
    source: `${PAPER}, Fig. 5`,
    statement: "The other tasks generalise around the same time, in no particular order.",
    paper: "25 heads around epoch 40,000",
    rule: "Over the heads of q > 7 that generalise (at least half of them, and six): last grok epoch at most 4 times the first; |Spearman ρ| of q and grok epoch below 1.96/√(n − 1). Both: reproduced; one: partly.",
    analysis: "curves",
    judge: finished("miiii", (own, run) => {
      const harder = own.heads.filter(({ q }) => isHarder(q));
      const done = harder.flatMap(({ q, grok }) => (grok === undefined ? [] : [{ q, grok }]));
      if (done.length < Math.max(6, harder.length / 2))
        return notTested(`${run.label}: only ${done.length} of ${harder.length} heads of q > 7 generalise`);
      const epochs = done.map(({ grok }) => grok);
      const [from, to] = [Math.min(...epochs), Math.max(...epochs)];
      const rho = spearman(
        done.map(({ q }) => q),
        epochs,
      );
      const limit = 1.96 / Math.sqrt(done.length - 1);
      return {
        verdict: verdictOf([to <= 4 * from, Math.abs(rho) < limit]),
        ours: `${done.length} of ${harder.length} heads from ${text(from)} to ${text(to)}; ρ = ${rho.toFixed(2).replace("-", "−")}`,
        none: `|ρ| < ${limit.toFixed(2)}`,
        ...(Math.abs(rho) < limit ? {} : { why: rho > 0 ? "smaller moduli come earlier" : "larger moduli come earlier" }),
      };
    }),
  },
  {
    id: "no-grokfast",
    source: `${PAPER}, Hyper-parameter optimization`,
    statement: "Without Grokfast (λ = 0) the model does not converge.",
    paper: "no convergence",
    rule: `${arrivedRule}. None of these heads generalises and their mean accuracy is below 0.5: reproduced; below ${ARRIVED}: partly; else not reproduced.`,
    analysis: "curves",
    judge: besideMiiii("no-grokfast", (_, own, reference) => ({
      verdict: own.generalised === 0 && own.accuracy < 0.5 ? "reproduced" : own.accuracy < ARRIVED ? "partly" : "not reproduced",
      ours: `mean accuracy ${own.accuracy.toFixed(2)} over the heads of q > 7 at epoch ${text(own.epoch)}, ${own.generalised} of ${own.heads} generalise`,
      none: `with Grokfast ${reference.accuracy.toFixed(2)}, ${reference.generalised} of ${reference.heads} (${reference.run.label})`,
    })),
  },
  {
    id: "no-dropout",
    source: `${PAPER}, Ablations`,
    statement: "Without dropout the model overfits every task but q = 2 and 3.",
    paper: "2 and 3 alone generalise",
    rule: `${arrivedRule}. 2 and 3 generalise and no other head: reproduced; at least half of all heads are memorised (training accuracy 0.99) without generalising: partly; else not reproduced.`,
    analysis: "curves",
    judge: besideMiiii("no-dropout", ({ heads }, { epoch }, reference) => {
      const solved = heads.filter(({ grok }) => grok !== undefined).map(({ q }) => q);
      const overfit = heads.filter(({ grok, trainAccuracy }) => grok === undefined && trainAccuracy >= 0.99).length;
      const exactly = solved.length === 2 && solved.includes(2) && solved.includes(3);
      const all = standingAt(reference.run, epoch, () => true);
      return {
        verdict: exactly ? "reproduced" : overfit >= heads.length / 2 ? "partly" : "not reproduced",
        ours: `generalise: ${listOf(solved.length > 8 ? [`${solved.length} heads`] : solved)}; ${overfit} of ${heads.length} overfit, epoch ${text(epoch)}`,
        none: `with dropout ${all?.generalised ?? 0} of ${heads.length} generalise by then, mean accuracy ${(all?.accuracy ?? 0).toFixed(2)} (${reference.run.label})`,
      };
    }),
  },
  {
    id: "masked-first",
    source: `${PAPER}, Ablations`,
    statement: "With 2, 3, 5 and 7 left out of the loss, 11, 13, 17 and 19 come first.",
    paper: "11, 13, 17, 19",
    rule: "The first four of the trained heads (eight at least) to generalise: all four of these: reproduced; two or three: partly; else not reproduced.",
    analysis: "curves",
    judge: training("masked", (own, run) => {
      const order = grokOrder(own).filter(({ q }) => isHarder(q));
      if (order.length < 4)
        return notTested(`${run.label}: only ${order.length} trained heads generalise by epoch ${text(own.epochs)}`);
      const trained = own.heads.filter(({ q }) => isHarder(q)).length;
      if (trained < 8) return notTested(`${run.label}: p = ${run.run.config.p} has too few heads of q > 7 (${trained})`);
      const first = order.slice(0, 4).map(({ q }) => q);
      const hits = first.filter((q) => [11, 13, 17, 19].includes(q)).length;
      return {
        verdict: hits === 4 ? "reproduced" : hits >= 2 ? "partly" : "not reproduced",
        ours: order
          .slice(0, 4)
          .map(({ q, grok }) => `${q} (${text(grok)})`)
          .join(", "),
        none: `chance ${(factorial(4) * chanceOfOrder(trained, 4)).toExponential(0)}`,
      };
    }),
  },
  {
    id: "masked-delay",
    source: `${PAPER}, Ablations`,
    statement: "Without 2, 3, 5 and 7 in the loss the other tasks are not notably delayed.",
    paper: "“not notably delayed”",
    rule: "Median grok epoch of the heads of q > 19 that generalise in both runs, masked over a comparable miiii run: at most 1.25: reproduced; at most 2: partly; else not reproduced. At least half of these heads must have generalised.",
    analysis: "curves",
    judge: training("masked", (own, run, runs) => {
      const considered = own.heads.filter(({ q }) => q > 19).length;
      const paired = comparable(run, runsOf(runs, "miiii")).map((other) => {
        const reference = trainingOf(other)?.heads ?? [];
        return own.heads.flatMap(({ q, grok }) => {
          const theirs = reference.find((head) => head.q === q)?.grok;
          return q > 19 && grok !== undefined && theirs !== undefined ? [{ grok, other: theirs }] : [];
        });
      });
      const [pairs] = paired.sort((a, b) => b.length - a.length);
      if (pairs === undefined) return noRun("miiii with the same settings");
      if (pairs.length === 0 || pairs.length < considered / 2)
        return notTested(`only ${pairs.length} of ${considered} heads generalise in both runs`);
      const [ours, theirs] = [median(pairs.map(({ grok }) => grok)), median(pairs.map(({ other }) => other))];
      const ratio = ours / theirs;
      return {
        verdict: ratio <= 1.25 ? "reproduced" : ratio <= 2 ? "partly" : "not reproduced",
        ours: `${text(ours)}, ${ratio.toFixed(2)} of miiii's ${text(theirs)}`,
        none: "ratio 1",
      };
    }),
  },
];
