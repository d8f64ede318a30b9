import type { OmegaResult } from "../analyses/omega/compute.ts";
import { formatNumber as text } from "../core/index.ts";
import { median } from "../math/index.ts";
import { type Claim, eachRun, eachSolved, isJudgement, metricsOf, notTested, runsOf, verdictOf } from "./claim.ts";
import type { ClaimRun } from "./run.ts";
import { settingsApart } from "./settings.ts";
import { comparable, grokEpochs, isHarder, trainingOf } from "./training.ts";

const PAPER = "Syrkis & Søgaard 2024";

function omegaOf(run: ClaimRun): OmegaResult | undefined {
  return run.result("omega") as OmegaResult | undefined;
}

/** Peak over end from which the count of active frequencies has a spike. */
const SPIKE = 1.25;

/** Peak over end of the sound count up to an epoch; undefined where nothing is active at the end. */
function spikeOf({ epochs, sound }: OmegaResult, last: number): number | undefined {
  const until = sound.mean.filter((_, i) => (epochs[i] ?? 0) <= last);
  const end = until.at(-1) ?? 0;
  return end === 0 ? undefined : Math.max(...until) / end;
}

/** Claims about active frequencies and gradients through training. */
export const TIME_CLAIMS: readonly Claim[] = [
  {
    id: "omega-phases",
    source: `${PAPER}, ω-spike`,
    statement:
      "The number of active frequencies goes through four phases: none; gradual emergence; a wall; back to about phase two's count.",
    paper: "0, 0, 10, 18, 10",
    rule: "By the sound count of a neuron: below 0.5 at the start; its peak at least 1.5 times its end; its end within a factor 1.5 of its median between the first head to generalise and the first of q > 7. All three: reproduced; some: partly; none: not reproduced.",
    analysis: "omega",
    judge: eachSolved("miiii", (run) => {
      const omega = omegaOf(run);
      const training = trainingOf(run);
      if (omega === undefined || training === undefined)
        return notTested(`${run.label}: omega or curves ${run.run.missing.omega ?? run.run.missing.curves ?? "was not run"}`);
      const { mean, peak, final } = omega.sound;
      const [from, to] = [Math.min(...grokEpochs(training)), Math.min(...grokEpochs(training, isHarder))];
      const between = mean.filter((_, i) => (omega.epochs[i] ?? 0) >= from && (omega.epochs[i] ?? 0) < to);
      const second = between.length === 0 ? undefined : median(between);
      const start = mean[0] ?? 0;
      const back = second !== undefined && final <= 1.5 * second && final >= second / 1.5;
      return {
        verdict: verdictOf([start < 0.5, peak.value >= 1.5 * final, back]),
        ours: `${text(start)} at first, ${second === undefined ? "no tick" : text(second)} in phase two, peak ${text(peak.value)} (epoch ${text(peak.epoch)}), ${text(final)} at the end`,
        none: `${text(omega.null.sound)} throughout`,
      };
    }),
  },
  {
    id: "omega-when",
    source: `${PAPER}, ω-spike`,
    statement: "The spike of active frequencies comes as the harder heads generalise.",
    paper: "“as the 25 heads generalise”",
    rule: "Epoch of the sound count's peak, which must be at least 1.25 times its end, between half the first and twice the last grok epoch of the heads of q > 7: reproduced; else not reproduced.",
    analysis: "omega",
    judge: eachSolved("miiii", (run) => {
      const m = metricsOf(run, "omega", ["sound_peak", "sound_peak_epoch", "sound_final", "sound_null"]);
      if (isJudgement(m)) return m;
      const training = trainingOf(run);
      const groks = training === undefined ? [] : grokEpochs(training, isHarder);
      if (groks.length === 0) return notTested(`${run.label}: no head of q > 7 generalises`);
      const [from, to] = [Math.min(...groks), Math.max(...groks)];
      const spike = m.sound_peak >= SPIKE * m.sound_final;
      return {
        verdict: spike && m.sound_peak_epoch >= from / 2 && m.sound_peak_epoch <= 2 * to ? "reproduced" : "not reproduced",
        ours: `peak ${text(m.sound_peak)} at epoch ${text(m.sound_peak_epoch)}, end ${text(m.sound_final)}; heads from ${text(from)} to ${text(to)}`,
        none: `${text(m.sound_null)} throughout`,
        ...(spike ? {} : { why: "the sound count has no spike: its peak is about its end" }),
      };
    }),
  },
  {
    id: "omega-table",
    source: `${PAPER}, table of active frequencies`,
    statement: "Active frequencies by the paper's own count at epochs 256, 1024, 4096, 16384 and 65536.",
    paper: "0, 0, 10, 18, 10",
    rule: "Counts of the first neuron's bins above μ+1σ, each within 3 of print: all five: reproduced; at least half of those logged, three at least: partly; else not reproduced. Runs on another schedule than the paper's are not tested.",
    analysis: "omega",
    judge: eachRun("miiii", (run) => {
      const omega = omegaOf(run);
      if (omega === undefined) return notTested(`${run.label}: omega ${run.run.missing.omega ?? "was not run"}`);
      const caveat = settingsApart(run.run.config);
      if (caveat !== undefined) return notTested(`epochs of another schedule: ${run.label} has ${caveat}`);
      const rows = omega.paper.table.flatMap(({ printed, count }) => (count === null ? [] : [{ printed, count }]));
      if (rows.length < 3) return notTested(`${run.label}: only ${rows.length} of the five epochs were logged`);
      const near = rows.filter(({ printed, count }) => Math.abs(printed - count) <= 3).length;
      return {
        verdict: near === omega.paper.table.length ? "reproduced" : near >= rows.length / 2 ? "partly" : "not reproduced",
        ours: omega.paper.table.map(({ count }) => count ?? "–").join(", "),
        none: `up to ${omega.null.paper_amplitude_peak} for a fixed spectrum with this run's amplitude`,
        why: "this count spikes for a mere change of amplitude",
      };
    }),
  },
  {
    id: "omega-masked",
    source: `${PAPER}, Ablations`,
    statement: "Without 2, 3, 5 and 7 in the loss the spike is subtler.",
    paper: "“subtler”",
    rule: "Peak over end of the sound count up to the last epoch of both, masked against a comparable miiii run, which must have a spike (a peak of at least 1.25 times the end): smaller by at least 10 %: reproduced; smaller: partly; else not reproduced.",
    analysis: "omega",
    judge: eachSolved("masked", (run, runs) => {
      const own = omegaOf(run);
      if (own === undefined) return notTested(`${run.label}: omega ${run.run.missing.omega ?? "was not run"}`);
      const references = comparable(run, runsOf(runs, "miiii")).flatMap((other) => {
        const omega = omegaOf(other);
        if (omega === undefined) return [];
        const last = Math.min(own.epochs.at(-1) ?? 0, omega.epochs.at(-1) ?? 0);
        const [ours, theirs] = [spikeOf(own, last), spikeOf(omega, last)];
        return ours === undefined || theirs === undefined ? [] : [{ label: other.label, last, ours, theirs }];
      });
      if (references.length === 0) return { ...notTested("no comparable run of miiii is among these"), missing: true };
      const { label, last, ours, theirs } = references.reduce((a, b) => (b.theirs > a.theirs ? b : a));
      if (theirs < SPIKE)
        return notTested(`${label} has no spike either: its peak is ${theirs.toFixed(2)} times its end at epoch ${text(last)}`);
      return {
        verdict: ours <= 0.9 * theirs ? "reproduced" : ours < theirs ? "partly" : "not reproduced",
        ours: `peak ${ours.toFixed(2)} times the end, against ${theirs.toFixed(2)}, by epoch ${text(last)}`,
        none: "1 (no spike)",
      };
    }),
  },
  ...(["nanda", "miiii"] as const).map(
    (role): Claim => ({
      id: `attention-early-${role}`,
      source: `${PAPER}, gradient norms`,
      statement: `Attention converges early in ${role}.`,
      paper: "“converges early”",
      rule: "Epoch by which half of the gradient norm's area over log epochs lies behind, geometric mean over the attention matrices against the others: at most half: reproduced; at most 0.8: partly; else not reproduced.",
      analysis: "norms",
      judge: eachSolved(role, (run) => {
        const m = metricsOf(run, "norms", ["attention_half_epoch", "other_half_epoch", "half_epoch_null"]);
        if (isJudgement(m)) return m;
        const ratio = m.attention_half_epoch / m.other_half_epoch;
        return {
          verdict: ratio <= 0.5 ? "reproduced" : ratio <= 0.8 ? "partly" : "not reproduced",
          ours: `half by epoch ${text(Math.round(m.attention_half_epoch))}, the others by ${text(Math.round(m.other_half_epoch))}`,
          none: `${text(Math.round(m.half_epoch_null))} for the whole gradient`,
        };
      }),
    }),
  ),
];
