import { median } from "../math/index.ts";
import { type Absence, noResult } from "./absence.ts";
import { asNull, type Claim, type Context, defineClaim, derived, metric } from "./claim.ts";
import type { Unit } from "./judged.ts";
import type { Result } from "./metrics.ts";
import { SYRKIS } from "./papers.ts";
import { all, atLeast, atMost, below, each, holds, of, times } from "./rule.ts";
import { type AnalyzedRun, resultOf } from "./run.ts";
import { grokEpochs, isHarder, trainingOf } from "./training.ts";

/** Peak over end from which the count of active frequencies has a spike. */
const SPIKE = 1.25;

const peak = metric("omega", "sound_peak", "largest count of active frequencies a neuron", "number");
const peakEpoch = metric("omega", "sound_peak_epoch", "its epoch", "epochs");
const end = metric("omega", "sound_final", "count at the end", "number");
const none = asNull(metric("omega", "sound_null", "count of a neuron without structure", "number"));

/** The counts between the first task to generalise and the first of q > 7. */
function secondPhase(run: AnalyzedRun): number | Absence {
  const [omega, training] = [resultOf(run, "omega"), trainingOf(run)];
  if (omega === undefined) return noResult(run, "omega");
  if (training === undefined) return noResult(run, "curves");
  const [from, to] = [Math.min(...grokEpochs(training)), Math.min(...grokEpochs(training, isHarder))];
  const between = omega.sound.mean.filter((_, i) => (omega.epochs[i] ?? 0) >= from && (omega.epochs[i] ?? 0) < to);
  return between.length === 0 ? Number.NaN : median(between);
}

const phases = defineClaim({
  id: "omega-phases",
  paper: `${SYRKIS}, ω-spike`,
  claim:
    "The number of active frequencies goes through four phases: none; gradual emergence; a wall; back to about phase two's count.",
  printed: "0, 0, 10, 18, 10",
  analysis: "omega",
  subject: { roles: ["miiii"], solved: true },
  values: {
    first: derived("count at the first tick", "number", (run) => resultOf(run, "omega")?.sound.mean[0] ?? noResult(run, "omega")),
    second: derived("median count between the first task to generalise and the first of q > 7", "number", secondPhase),
    peak: derived("largest count", "number", (run) => resultOf(run, "omega")?.sound.peak.value ?? noResult(run, "omega")),
    epoch: derived("its epoch", "epochs", (run) => resultOf(run, "omega")?.sound.peak.epoch ?? noResult(run, "omega")),
    end: derived("count at the end", "number", (run) => resultOf(run, "omega")?.sound.final ?? noResult(run, "omega")),
    none: asNull(
      derived(
        "count of a neuron without structure",
        "number",
        (run) => resultOf(run, "omega")?.null.sound ?? noResult(run, "omega"),
      ),
    ),
  },
  rule: each(
    below("first", 0.5),
    atLeast("peak", times(1.5, "end")),
    all(atMost("end", times(1.5, "second")), atLeast("end", times(1 / 1.5, "second"))),
  ),
  ours: "{first} at first, {second} in phase two, peak {peak} (epoch {epoch}), {end} at the end",
  none: "{none} throughout",
});

const when = defineClaim({
  id: "omega-when",
  paper: `${SYRKIS}, ω-spike`,
  claim: "The spike of active frequencies comes as the harder tasks generalise.",
  printed: "“as the 25 tasks generalise”",
  analysis: "omega",
  subject: { roles: ["miiii"], solved: true },
  values: {
    peak,
    epoch: peakEpoch,
    end,
    none,
    done: derived("tasks of q > 7 that generalise", "count", (run) => {
      const training = trainingOf(run);
      return training === undefined ? noResult(run, "curves") : grokEpochs(training, isHarder).length;
    }),
    from: derived("epoch of the first of them", "epochs", (run) => {
      const training = trainingOf(run);
      return training === undefined ? noResult(run, "curves") : Math.min(...grokEpochs(training, isHarder));
    }),
    to: derived("epoch of the last of them", "epochs", (run) => {
      const training = trainingOf(run);
      return training === undefined ? noResult(run, "curves") : Math.max(...grokEpochs(training, isHarder));
    }),
  },
  rule: holds(
    atLeast("peak", times(SPIKE, "end")),
    atLeast("epoch", times(0.5, "from")),
    atMost("epoch", times(2, "to")),
  ).requiring(atLeast("done", 1)),
  texts: {
    spike: (run) => {
      const sound = resultOf(run, "omega")?.sound;
      return sound === undefined || sound.peak.value >= SPIKE * sound.final
        ? ""
        : "the count has no spike: its peak is about its end";
    },
  },
  ours: "peak {peak} at epoch {epoch}, end {end}; tasks from {from} to {to}",
  none: "{none} throughout",
  notes: { "not reproduced": "{spike}" },
});

/** Counts of the table that were logged, and those of them within 3 of print. */
function tableOf(run: AnalyzedRun): { readonly logged: number; readonly near: number } | Absence {
  const omega = resultOf(run, "omega");
  if (omega === undefined) return noResult(run, "omega");
  const rows = omega.paper.table.flatMap(({ printed, count }) => (count === null ? [] : [{ printed, count }]));
  return { logged: rows.length, near: rows.filter(({ printed, count }) => Math.abs(printed - count) <= 3).length };
}

const tabled = (words: string, value: (table: { readonly logged: number; readonly near: number }) => number) =>
  derived(words, "count", (run) => {
    const table = tableOf(run);
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

/** Peak over end of the sound count up to an epoch; undefined where nothing is active at the end. */
function spikeOf({ epochs, sound }: Result<"omega">, last: number): number | undefined {
  const until = sound.mean.filter((_, i) => (epochs[i] ?? 0) <= last);
  const final = until.at(-1) ?? 0;
  return final === 0 ? undefined : Math.max(...until) / final;
}

interface Spikes {
  readonly label: string;
  readonly last: number;
  readonly ours: number;
  readonly theirs: number;
}

/** The spikes of a masked run and of the comparable run with the largest, up to the last epoch of both. */
function spikesOf(run: AnalyzedRun, { others }: Context): Spikes | Absence {
  const own = resultOf(run, "omega");
  if (own === undefined) return noResult(run, "omega");
  const known = others.flatMap((other): Spikes[] => {
    const omega = resultOf(other, "omega");
    if (omega === undefined) return [];
    const last = Math.min(own.epochs.at(-1) ?? 0, omega.epochs.at(-1) ?? 0);
    const [ours, theirs] = [spikeOf(own, last), spikeOf(omega, last)];
    return ours === undefined || theirs === undefined ? [] : [{ label: other.label, last, ours, theirs }];
  });
  const [first] = known.sort((a, b) => b.theirs - a.theirs);
  return first ?? { kind: "no run", roles: ["miiii"], like: "with the same settings and active frequencies" };
}

const spikes = (words: string, unit: Unit, value: (spikes: Spikes) => number) =>
  derived(words, unit, (run, context) => {
    const both = spikesOf(run, context);
    return "kind" in both ? both : value(both);
  });

const masked = defineClaim({
  id: "omega-masked",
  paper: `${SYRKIS}, Ablations`,
  claim: "Without 2, 3, 5 and 7 in the loss the spike is subtler.",
  printed: "“subtler”",
  analysis: "omega",
  subject: { roles: ["masked"], solved: true, beside: { role: "miiii", same: "settings" } },
  values: {
    ours: spikes("peak of the count over its end", "r", ({ ours }) => ours),
    theirs: spikes("same of a comparable miiii run", "r", ({ theirs }) => theirs),
    last: spikes("last epoch of both", "epochs", ({ last }) => last),
  },
  rule: holds(atMost("ours", times(0.9, "theirs")))
    .orPartly(below("ours", of("theirs")))
    .requiring(atLeast("theirs", SPIKE)),
  ours: "peak {ours} times the end, against {theirs}, by epoch {last}",
  none: "1 (no spike)",
});

/** Claims about active frequencies through training. */
export const OMEGA_CLAIMS: readonly Claim[] = [phases, when, table, masked];
