import { at, ensure } from "../../core/index.ts";
import { mean, NOMINAL_NOISE_SHARE, sum } from "../../math/index.ts";
import type { AnalysisInput, OmegaRow } from "../kit/define.ts";
import { bump, fixedSpectrum, grokEpoch, nearestTick, type PaperOmega, paperOmega, peakOver, threeTaps } from "../kit/epochs.ts";
import { matmulOf, seriesOf, trainedHeads } from "../kit/inputs.ts";
import { rounded } from "../kit/text.ts";
import { closedFormReference } from "./reference.ts";

type Peak = { epoch: number; value: number };

/** Mean active frequencies of a neuron over time, in all and by frequency, [ticks] and [ticks][bins]. */
type ActiveOverTime = { mean: number[]; by_omega0: number[][]; by_omega1: number[][]; peak: Peak; final: number };

/** One printed count of the paper beside ours at the nearest tick; null where the run has none near it. */
export type TableRow = { epoch: number; printed: number; tick: number | null; count: number | null };

/** Result of `omega`. */
export type OmegaResult = {
  p: number;
  entries: number;
  epochs: number[];
  sound: ActiveOverTime;
  nominal: ActiveOverTime;
  paper: PaperOmega & { epochs: number[]; bins_per_tick: number; peak: Peak; final: number; table: TableRow[] };
  grok: { q: number; epoch: number | null }[];
  reference: { sound: number; nominal: number };
  null: {
    sound: number;
    nominal: number;
    paper_bump: number[];
    paper_bump_peak: number;
    paper_amplitude: number[];
    paper_amplitude_peak: number;
  };
};

/** The paper's table: epochs and numbers of active frequencies. */
const PRINTED = [
  [256, 0],
  [1024, 0],
  [4096, 10],
  [16384, 18],
  [65536, 10],
] as const;

/**
 * Active entries of a neuron of an untrained model in rows logged before the null relabelled both digits alike: measured 0.08 to
 * 0.10, where three parts at 1 % each would have given 0.03.
 */
export const EARLIER_NULL = 0.1;

/** What neurons without structure score by the sound rule: measured at each tick where the run has that. */
function soundNull(rows: readonly OmegaRow[]): number {
  const measured = rows.flatMap(({ sound_null }) => (sound_null === undefined ? [] : [sound_null]));
  return measured.length < rows.length ? EARLIER_NULL : mean(measured);
}

export const last = (values: readonly number[]) => at(values, values.length - 1);

function overTime(
  epochs: readonly number[],
  means: readonly number[],
  omega0: readonly (readonly number[])[],
  omega1: readonly (readonly number[])[],
): ActiveOverTime {
  return {
    mean: [...means],
    by_omega0: omega0.map((bins) => rounded(bins, 4)),
    by_omega1: omega1.map((bins) => rounded(bins, 4)),
    peak: peakOver(epochs, means),
    final: last(means),
  };
}

/** What `omega` finds; see its definition. */
export async function compute(input: AnalysisInput): Promise<OmegaResult> {
  const series = seriesOf(input);
  const { p } = input.config;
  const rows = series.omega;
  ensure(rows.length > 0, "input", () => "omega: the run must hold frequency statistics, got none (trained with --no-omega?)");
  const epochs = rows.map(({ epoch }) => epoch);
  const withBins = rows.filter(({ paper_bins }) => paper_bins.length > 0);
  ensure(withBins.length > 0, "input", () => "omega: the run must hold the first neuron's bins, got none");
  const paperEpochs = withBins.map(({ epoch }) => epoch);
  const taps = withBins.map(({ paper_bins }) => threeTaps(paper_bins));
  const paper = paperOmega(taps);
  const width = (p + 1) / 2;
  const bumpCount = paperOmega(fixedSpectrum(bump(taps.length), width)).count;
  const amplitudeCount = paperOmega(fixedSpectrum(paper.bins.map(sum), width)).count;
  const metricEpochs = series.metrics.map(({ epoch }) => epoch);
  const table = PRINTED.map(([epoch, printed]) => {
    const tick = nearestTick(paperEpochs, epoch);
    return tick === undefined
      ? { epoch, printed, tick: null, count: null }
      : { epoch, printed, tick: at(paperEpochs, tick), count: at(paper.count, tick) };
  });
  return {
    p,
    entries: (p * p - 1) / 2,
    epochs,
    sound: overTime(
      epochs,
      rows.map((row) => row.sound_mean),
      rows.map((row) => row.sound_by_omega0),
      rows.map((row) => row.sound_by_omega1),
    ),
    nominal: overTime(
      epochs,
      rows.map((row) => row.nominal_mean),
      rows.map((row) => row.nominal_by_omega0),
      rows.map((row) => row.nominal_by_omega1),
    ),
    paper: {
      ...paper,
      bins: paper.bins.map((bins) => rounded(bins, 4)),
      epochs: paperEpochs,
      bins_per_tick: width,
      peak: peakOver(paperEpochs, paper.count),
      final: last(paper.count),
      table,
    },
    grok: input.heads.map(({ q }, h) => ({
      q,
      epoch: grokEpoch(
        metricEpochs,
        series.metrics.map(({ validation }) => at(validation.accuracy, h)),
      ),
    })),
    reference: await closedFormReference(p, trainedHeads(input.heads), input.seed, matmulOf(input)),
    null: {
      sound: soundNull(rows),
      nominal: NOMINAL_NOISE_SHARE * ((p * p - 1) / 2),
      paper_bump: bumpCount,
      paper_bump_peak: Math.max(...bumpCount),
      paper_amplitude: amplitudeCount,
      paper_amplitude_peak: Math.max(...amplitudeCount),
    },
  };
}
