import type { AlgorithmResult } from "../../src/analyses/algorithm/compute.ts";
import type { AttentionResult } from "../../src/analyses/attention/compute.ts";
import { oneDigit } from "../../src/analyses/attention/compute.ts";
import type { BeatsResult } from "../../src/analyses/beats/compute.ts";
import type { CircuitsResult } from "../../src/analyses/circuits/compute.ts";
import type { ClockResult } from "../../src/analyses/clock/compute.ts";
import type { CurvesResult } from "../../src/analyses/curves/compute.ts";
import type { FftResult } from "../../src/analyses/fft/compute.ts";
import type { FourierResult } from "../../src/analyses/fourier/compute.ts";
import type { MechanismResult } from "../../src/analyses/mechanism/compute.ts";
import type { NeuronsResult } from "../../src/analyses/neurons/compute.ts";
import type { OmegaResult } from "../../src/analyses/omega/compute.ts";
import type { PatchResult } from "../../src/analyses/patch/compute.ts";
import type { PositionalResult } from "../../src/analyses/positional/compute.ts";
import type { PrimesResult } from "../../src/analyses/primes/compute.ts";
import type { ProgressResult } from "../../src/analyses/progress/compute.ts";
import type { SvdResult } from "../../src/analyses/svd/compute.ts";
import type { Count } from "./rates.ts";

/** One null: what counts as a false alarm in a model without structure. */
export interface Check<R> {
  /** What is found, and of what: "key frequencies (any in a model)". */
  readonly name: string;
  /** Undefined where a model has no such thing. */
  readonly count: (result: R) => Count | undefined;
}

/** The checks of one analysis. */
interface Checked {
  readonly id: string;
  readonly checks: readonly Check<unknown>[];
}

/** Alarms among `events`, each of which has the stated chance. */
function rate(events: readonly boolean[], chance: number): Count {
  return { alarms: events.filter(Boolean).length, trials: events.length, expected: chance * events.length };
}

/** A mean that is foretold: `alarms` of `trials` where `expected` of one are said. */
function foretold(alarms: number, trials: number, expected: number): Count {
  return { alarms, trials, expected: expected * trials };
}

const outside = (value: number, low: number, high: number) => value < low || value > high;

function checksOf<R>(id: string, checks: readonly Check<R>[]): Checked {
  return { id, checks: checks.map(({ name, count }) => ({ name, count: (result) => count(result as R) })) };
}

const addition = (result: MechanismResult) => (result.kind === "addition" ? result : undefined);
const heads = (result: MechanismResult) => (result.kind === "heads" ? result : undefined);

/** Live neurons' values. */
const live = <T>(values: readonly T[], best: readonly number[]) => values.filter((_, j) => best[j] !== 0);

/** The part of a model that says how much of its own parts exceed a null of relabelled tokens or random parts. */
function exceeding({ q, embedding }: CircuitsResult, name: "accuracy_lost" | "loss_gained"): Count | undefined {
  const events = embedding.labels.flatMap((label, i) => {
    const head = q.length === 1 ? 0 : q.indexOf(label);
    const none = embedding.null[embedding.null_of[i] ?? -1];
    const [value, limit] = [embedding[name][i]?.[head], none?.[name].largest[head]];
    return value === undefined || limit === undefined || none === undefined ? [] : [{ alarm: value > limit, draws: none.draws }];
  });
  const chance = events[0] === undefined ? 0 : 1 / (events[0].draws + 1);
  return rate(
    events.map(({ alarm }) => alarm),
    chance,
  );
}

/** Tasks that are read from some neuron. */
const read = (tasks: BeatsResult["tasks"]) => tasks.filter(({ neurons }) => neurons > 0);

/** Analyses without a check, and why. */
export const UNCHECKED: Readonly<Record<string, string>> = {
  norms: "it has no null",
  course: "its limits are those of neurons and algorithm, at each checkpoint",
  emergence: "its limit is that of neurons, at each checkpoint and by rows of the matrix",
};

/** Every null of every analysis that has a rate. */
export const CHECKED: readonly Checked[] = [
  checksOf<PositionalResult>("positional", [
    { name: "|r| above its limit", count: (r) => rate([Math.abs(r.pearson) > r.null.limit], 0.05) },
    { name: "|cosine| above the limit", count: (r) => rate([Math.abs(r.cosine) > r.null.limit], 0.05) },
    { name: "sound r outside its range", count: (r) => rate([outside(r.sound.pearson, ...r.null.pearson)], 0.05) },
    { name: "distance outside its range", count: (r) => rate([outside(r.sound.distance, ...r.null.distance)], 0.05) },
  ]),
  checksOf<SvdResult>("svd", [
    {
      name: "singular values outside their band (each)",
      count: ({ singular_values: values, null: { singular_values: band } }) =>
        rate(
          values.map((value, i) => outside(value, band.lower[i] ?? 0, band.upper[i] ?? 0)),
          0.05,
        ),
    },
    { name: "stable rank outside its range", count: (r) => rate([outside(r.stable_rank, ...r.null.stable_rank)], 0.05) },
    {
      name: "participation ratio outside its range",
      count: (r) => rate([outside(r.participation_ratio, ...r.null.participation_ratio)], 0.05),
    },
    {
      name: "periodic singular vectors (each)",
      count: (r) =>
        rate(
          r.vectors.map(({ peak }) => peak.share > r.null.peak_share),
          0.01,
        ),
    },
    {
      name: "periodic subspaces (each)",
      count: (r) =>
        rate(
          r.subspaces.map(({ peak, null_share }) => peak.share > null_share),
          0.01,
        ),
    },
  ]),
  checksOf<FourierResult>("fourier", [
    { name: "key frequencies (any in a model)", count: (r) => rate([r.key_frequencies.length > 0], 0.01) },
    { name: "Gini outside its range", count: (r) => rate([outside(r.gini, ...r.null.gini)], 0.05) },
    {
      name: "rows active by the paper's μ+1σ (mean count)",
      count: (r) => foretold(r.paper.active.length, 1, r.null.paper_active),
    },
  ]),
  checksOf<FftResult>("fft", [
    {
      name: "neurons with a sound active entry (each; three parts at 1 %)",
      count: (r) =>
        rate(
          live(r.active.sound, r.best_k).map((count) => count > 0),
          0.03,
        ),
    },
    {
      name: "sound active entries a neuron (mean count)",
      count: (r) => foretold(r.active_mean.sound * (r.neurons - r.dead), r.neurons - r.dead, r.null.active_sound),
    },
    {
      name: "nominal active entries a neuron (mean count)",
      count: (r) => foretold(r.active_mean.nominal * (r.neurons - r.dead), r.neurons - r.dead, r.null.active_nominal),
    },
    {
      name: "best share above its limit (each neuron)",
      count: (r) =>
        rate(
          live(r.share, r.best_k).map((share) => share > r.null.share),
          0.01,
        ),
    },
  ]),
  checksOf<PrimesResult>("primes", [
    {
      name: "best ε² above the band (each neuron)",
      count: (r) =>
        rate(
          live(r.best_selectivity, r.best_prime).map((value) => value > r.null.band),
          0.01,
        ),
    },
    {
      name: "ε² above the prime's own band (each neuron and prime)",
      count: (r) =>
        rate(
          live(r.neuron_selectivity, r.best_prime).flatMap((row) =>
            row.map((value, m) => value > (r.null.band_by_prime[m] ?? 0)),
          ),
          0.01,
        ),
    },
    {
      name: "interaction's best ε² above its band (each neuron)",
      count: ({ interaction: r }) =>
        rate(
          live(r.best_selectivity, r.best_prime).map((value) => value > r.null.band),
          0.01,
        ),
    },
    {
      name: "embedding's ε² above its limit (each prime)",
      count: ({ embedding: r }) =>
        rate(
          r.selectivity.map((value, m) => value > (r.null[m] ?? 0)),
          0.01,
        ),
    },
    {
      name: "embedding's ε² above the family-wise limit (any in a model)",
      count: ({ embedding: r }) => rate([r.selectivity.some((value) => value > r.null_familywise)], 0.01),
    },
  ]),
  checksOf<AttentionResult>("attention", [
    {
      name: "best share above its limit (each attention head and digit)",
      count: (r) =>
        rate(
          r.share.flatMap((keys, h) =>
            [0, 1].flatMap((key) => (r.best_k[h]?.[key] === 0 ? [] : [(keys[key] ?? 0) > r.null.share])),
          ),
          0.01,
        ),
    },
    {
      name: "attention heads that read one digit (share of attention heads)",
      count: (r) => foretold(r.reads.filter(oneDigit).length, r.heads, r.null.one_digit),
    },
  ]),
  checksOf<MechanismResult>("mechanism", [
    {
      name: "cosine coefficients above the family-wise limit (any in a model)",
      count: (r) => {
        const own = addition(r);
        return own && rate([own.cos_coefficients.some((value) => Math.abs(value) > own.cos_coefficients_null)], 0.01);
      },
    },
    {
      name: "logit share above its limit (addition)",
      count: (r) => {
        const own = addition(r);
        return own && rate([own.logit_share > own.logit_share_null], 0.01);
      },
    },
    {
      name: "p of the logit share at most 0.05 (addition)",
      count: (r) => {
        const own = addition(r);
        return own && rate([own.logit_share_p <= 0.05], 0.05);
      },
    },
    {
      name: "Gini of W_L outside its range",
      count: (r) => {
        const own = addition(r);
        return own && rate([outside(own.W_L_gini, own.W_L_gini_null.lower, own.W_L_gini_null.upper)], 0.01);
      },
    },
    {
      name: "participation ratio of W_L outside its range",
      count: (r) => {
        const own = addition(r);
        const limits = own?.W_L_participation_ratio_null;
        return own && limits && rate([outside(own.W_L_participation_ratio, limits.lower, limits.upper)], 0.01);
      },
    },
    {
      name: "logit share above its limit (each task)",
      count: (r) => {
        const own = heads(r);
        return (
          own &&
          rate(
            own.heads.map((head) => head.logit_share > head.logit_share_null),
            0.01,
          )
        );
      },
    },
    {
      name: "p of the logit share at most 0.05 (each task)",
      count: (r) => {
        const own = heads(r);
        return (
          own &&
          rate(
            own.heads.map((head) => head.logit_share_p <= 0.05),
            0.05,
          )
        );
      },
    },
  ]),
  checksOf<NeuronsResult>("neurons", [
    {
      name: "R² above its limit (each neuron)",
      count: (r) => ({ alarms: r.above_null, trials: r.neurons - r.dead, expected: r.null.above }),
    },
    {
      name: "output frequency equal to k (share of neurons)",
      count: (r) => ({ alarms: r.output_matches, trials: r.neurons - r.dead, expected: r.null.output_matches }),
    },
    {
      name: "p of coincident pairs at most 0.05 (sharing)",
      count: ({ sharing: r }) => (r.neurons === 0 ? undefined : rate([r.probability <= 0.05], 0.05)),
    },
  ]),
  checksOf<AlgorithmResult>("algorithm", [
    {
      name: "circuits more accurate than with every one of 20 permuted read-outs (each task)",
      count: ({ ladder: { circuit, circuit_permuted: none }, null: { draws, samples }, p }) =>
        // The controls look at a sample of a large grid, the circuit at all of it: only where both see the same is there a rate.
        samples < p * p
          ? undefined
          : rate(
              circuit.accuracy.map((value, h) => value > (none.largest[h] ?? 1)),
              1 / (draws + 1),
            ),
    },
  ]),
  checksOf<BeatsResult>("beats", [
    {
      name: "p of the most-read neurons that beat at most 0.05, tokens relabelled (each task)",
      count: ({ tasks }) =>
        rate(
          read(tasks).map(({ permuted }) => (permuted?.probability ?? 1) <= 0.05),
          0.05,
        ),
    },
    {
      name: "p of the same at most 0.05, second waves of random neurons (each task)",
      count: ({ tasks }) =>
        rate(
          read(tasks).map(({ used }) => used.probability <= 0.05),
          0.05,
        ),
    },
    {
      name: "neurons that beat, p ≢ ±1 mod q (share of most-read neurons)",
      count: ({ p, tasks }) => {
        // Where p ≡ ±1 both digits ask for one frequency, and a model that reads them alike has it in both or in neither.
        const own = read(tasks).filter(({ q }) => (p - 1) % q !== 0 && (p + 1) % q !== 0);
        const neurons = own.reduce((sum, task) => sum + task.neurons, 0);
        const uniform = own.reduce((sum, task) => sum + task.uniform, 0);
        const beating = own.reduce((sum, task) => sum + task.beats, 0);
        return neurons === 0 ? undefined : foretold(beating, neurons, uniform / neurons);
      },
    },
  ]),
  checksOf<ClockResult>("clock", [
    {
      name: "distance irrelevance outside its 1 % and 99 % limits",
      count: (r) =>
        rate([outside(r.distance_irrelevance, r.null.distance_irrelevance.low, r.null.distance_irrelevance.high)], 0.02),
    },
    {
      name: "circularity outside its 1 % and 99 % limits",
      count: (r) => rate([outside(r.circularity, r.null.circularity.low, r.null.circularity.high)], 0.02),
    },
  ]),
  checksOf<PatchResult>("patch", [
    {
      name: "groups whose interchange exceeds the largest of 20 random groups (each, even half)",
      count: ({ even, random }) =>
        rate(
          even.iia.map((value, i) => value > (random.even.iia_largest[i] ?? 1)),
          1 / (random.draws + 1),
        ),
    },
  ]),
  checksOf<CurvesResult>("curves", [
    {
      name: "validation accuracy above guessing (any task of a model)",
      count: (r) =>
        r.chance_limit === null
          ? undefined
          : rate([r.final.validation_accuracy.some((value, h) => value > (r.chance_limit?.[h] ?? 1))], 0.01),
    },
  ]),
  checksOf<OmegaResult>("omega", [
    {
      name: "sound active entries a neuron at a tick (mean count)",
      count: (r) => foretold(r.sound.final, 1, r.null.sound),
    },
  ]),
  checksOf<ProgressResult>("progress", [
    {
      name: "Gini of W_E above its limit at a checkpoint",
      count: (r) => rate([(r.W_E_gini[0] ?? 0) > (r.null.W_E_gini[0] ?? 0)], 0.01),
    },
  ]),
  checksOf<CircuitsResult>("circuits", [
    {
      name: "parts of W_E that cost their task more accuracy than 20 relabelled ones (each)",
      count: (r) => exceeding(r, "accuracy_lost"),
    },
    {
      name: "parts of W_E that cost their task more loss than 20 relabelled ones (each)",
      count: (r) => exceeding(r, "loss_gained"),
    },
  ]),
];
