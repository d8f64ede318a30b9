import { median } from "../math/index.ts";
import { type Absence, noResult } from "./absence.ts";
import { asNull, type Claim, defineClaim, derived, metric, overOthers } from "./claim.ts";
import type { Unit } from "./judged.ts";
import { SYRKIS } from "./papers.ts";
import { all, atLeast, atMost, below, each, holds, of, times } from "./rule.ts";
import { type AnalyzedRun, resultOf } from "./run.ts";
import { isHarder } from "./tasks.ts";
import { grokEpochs, trained, trainingOf } from "./training.ts";

/** Peak over end from which the count of active frequencies has a spike. */
const SPIKE = 1.25;

const peak = metric("omega", "sound_peak", "largest count of active frequencies a neuron", "number");
const peakEpoch = metric("omega", "sound_peak_epoch", "its epoch", "epochs");
const end = metric("omega", "sound_final", "count at the end", "number");
const none = asNull(metric("omega", "sound_null", "count of a neuron without structure", "number"));

const reference = asNull(
  metric("omega", "sound_reference", "count of neurons with one frequency a digit, smeared over the DFT's", "number"),
);

/** The counts between the first task to generalise and the first of q > 7. */
function secondPhase(run: AnalyzedRun): number | Absence {
  const [omega, training] = [resultOf(run, "omega"), trainingOf(run)];
  if (omega === undefined) return noResult(run, "omega");
  if (training === undefined) return noResult(run, "curves");
  const [from, to] = [Math.min(...grokEpochs(training)), Math.min(...grokEpochs(training, isHarder))];
  const between = omega.sound.mean.filter((_, i) => (omega.epochs[i] ?? 0) >= from && (omega.epochs[i] ?? 0) < to);
  return between.length === 0 ? Number.NaN : median(between);
}

/** A claim about a solution can be tested on active frequencies only once every task is solved: until then more may come. */
const complete = {
  tasks: metric("curves", "heads", "number of tasks", "count"),
  grokked: metric("curves", "heads_grokked", "tasks whose validation accuracy stays at 0.99 or above", "count"),
};

const allGrokked = atLeast("grokked", of("tasks"));

const phases = defineClaim({
  id: "omega-phases",
  paper: `${SYRKIS}, ω-spike`,
  claim:
    "The number of active frequencies goes through four phases: none; gradual emergence; a wall; back to about phase two's count.",
  printed: "0, 0, 10, 18, 10",
  analysis: "omega",
  subject: { roles: ["miiii"], solved: true, fromStart: "all" },
  values: {
    ...complete,
    second: derived("median count between the first task to generalise and the first of q > 7", "number", secondPhase),
    peak,
    epoch: peakEpoch,
    end,
    none,
    reference,
  },
  rule: each(
    atLeast("peak", times(1.5, "end")),
    all(atMost("end", times(1.5, "second")), atLeast("end", times(1 / 1.5, "second"))),
  ).requiring(allGrokked),
  ours: "{second} in phase two, peak {peak} (epoch {epoch}), {end} at the end",
  none: "{none} throughout; neurons of one frequency a digit {reference}",
  notes: { always: "that nothing is active at first holds for every untrained model" },
});

const groks = (words: string, unit: Unit, value: (epochs: readonly number[]) => number) =>
  trained(words, unit, (training) => value(grokEpochs(training, isHarder)));

const when = defineClaim({
  id: "omega-when",
  paper: `${SYRKIS}, ω-spike`,
  claim: "The spike of active frequencies comes as the harder tasks generalise.",
  printed: "“as the 25 tasks generalise”",
  analysis: "omega",
  subject: { roles: ["miiii"], solved: true },
  values: {
    ...complete,
    peak,
    epoch: peakEpoch,
    end,
    none,
    from: groks("epoch at which the first task of q > 7 generalises", "epochs", (epochs) => Math.min(...epochs)),
    to: groks("epoch at which the last does", "epochs", (epochs) => Math.max(...epochs)),
  },
  texts: {
    spike: (run) => {
      const sound = resultOf(run, "omega")?.sound;
      return sound === undefined || sound.peak.value >= SPIKE * sound.final
        ? ""
        : "the count has no spike: its peak is about its end";
    },
  },
  rule: holds(
    atLeast("peak", times(SPIKE, "end")),
    atLeast("epoch", times(0.5, "from")),
    atMost("epoch", times(2, "to")),
  ).requiring(allGrokked),
  ours: "peak {peak} at epoch {epoch}, end {end}; tasks from {from} to {to}",
  none: "{none} throughout",
  notes: { "not reproduced": "{spike}" },
});

const addition = defineClaim({
  id: "omega-nanda",
  paper: `${SYRKIS}, ω-spike`,
  claim: "The spike of active frequencies belongs to learning many tasks at once: addition has none.",
  printed: "implied by the comparison with nanda",
  analysis: "omega",
  subject: { roles: ["nanda"], solved: true },
  values: { peak, epoch: peakEpoch, end, none, reference },
  rule: holds(below("peak", times(SPIKE, "end"))),
  ours: "peak {peak} at epoch {epoch}, end {end}",
  none: "{none} throughout; neurons of one frequency a digit {reference}; a spike is a peak of 1.25 times the end",
  notes: { "not reproduced": "addition spikes too" },
});

/** Counts of the table that were logged, and those of them within 3 of print. */
function printedTable(run: AnalyzedRun): { readonly logged: number; readonly near: number } | Absence {
  const omega = resultOf(run, "omega");
  if (omega === undefined) return noResult(run, "omega");
  const rows = omega.paper.table.flatMap(({ printed, count }) => (count === null ? [] : [{ printed, count }]));
  return { logged: rows.length, near: rows.filter(({ printed, count }) => Math.abs(printed - count) <= 3).length };
}

const tabled = (words: string, value: (table: { readonly logged: number; readonly near: number }) => number) =>
  derived(words, "count", (run) => {
    const table = printedTable(run);
    return "kind" in table ? table : value(table);
  });

const table = defineClaim({
  id: "omega-table",
  paper: `${SYRKIS}, table of active frequencies`,
  claim: "Active frequencies by the paper's own count at epochs 256, 1024, 4096, 16384 and 65536.",
  printed: "0, 0, 10, 18, 10",
  analysis: "omega",
  subject: { roles: ["miiii"], paperSettings: true },
  values: {
    near: tabled("epochs of the table at which the first neuron's bins above μ+1σ are within 3 of print", ({ near }) => near),
    logged: tabled("epochs of the table that were logged", ({ logged }) => logged),
    control: asNull(
      metric("omega", "paper_amplitude_peak", "largest count of a fixed spectrum with this run's amplitude", "count"),
    ),
  },
  texts: {
    counts: (run) =>
      resultOf(run, "omega")
        ?.paper.table.map(({ count }) => count ?? "–")
        .join(", ") ?? "unknown",
  },
  rule: holds(atLeast("near", 5))
    .orPartly(atLeast("near", times(0.5, "logged")))
    .requiring(atLeast("logged", 3)),
  ours: "{counts}",
  none: "up to {control} for a fixed spectrum with this run's amplitude",
  notes: { always: "this count also spikes when only the amplitude changes" },
});

const spike = derived("peak of the count over its end, over the whole run", "r", (run) => {
  const sound = resultOf(run, "omega")?.sound;
  if (sound === undefined) return noResult(run, "omega");
  return sound.final === 0 ? Number.POSITIVE_INFINITY : sound.peak.value / sound.final;
});

const masked = defineClaim({
  id: "omega-masked",
  paper: `${SYRKIS}, Ablations`,
  claim: "With 2, 3, 5 and 7 masked out of the loss the spike is subtler.",
  printed: "“subtler”",
  analysis: "omega",
  subject: { roles: ["masked"], solved: true, beside: { role: "miiii", same: "settings", solved: true } },
  values: { ours: spike, theirs: overOthers(spike, "mean of the same over comparable miiii runs") },
  rule: holds(atMost("ours", times(0.9, "theirs"))).orPartly(below("ours", of("theirs"))),
  ours: "peak {ours} times the end, against {theirs}, each over its whole run",
  none: "1 (no spike)",
});

/** Claims about active frequencies through training. */
export const OMEGA_CLAIMS: readonly Claim[] = [phases, when, addition, table, masked];
