import { at, ensure } from "../../core/index.ts";
import { norm } from "../../math/index.ts";
import type { AnalysisInput, MetricsRow } from "../kit/define.ts";
import { lastingEpoch } from "../kit/epochs.ts";
import { seriesOf } from "../kit/inputs.ts";
import { rounded } from "../kit/text.ts";

/** Most ticks that a result holds; with more logged, every n-th and the last. */
export const TICKS = 400;

/** A gradient has settled when it stays below this share of its largest norm. */
export const SETTLED = 0.1;

/** The epoch from which `late_half_epoch` counts: before it every gradient is large, whatever is learned. */
export const LATE = 100;

/** Result of `norms`. */
export type NormsResult = {
  matrices: string[];
  epochs: number[];
  weight_norms: number[][];
  gradient_epochs: number[];
  gradient_norms: number[][];
  filtered_gradient_norms: number[][];
  half_epoch: number[];
  late_half_epoch: number[];
  settled_epoch: (number | null)[];
  initial_weight_norm: number[];
  final_weight_norm: number[];
  null: {
    half_epoch: number | null;
    late_half_epoch: number | null;
    settled_epoch: number | null;
    decay_only_weight_norm: number[] | null;
  };
};

/**
 * The first epoch by which a curve has accumulated half of its area over log(1 + epoch) (trapezoid rule); the first where it has
 * none.
 */
function halfEpoch(epochs: readonly number[], values: readonly number[]): number {
  const areas = epochs.map((epoch, i) =>
    i === 0 ? 0 : ((at(values, i) + at(values, i - 1)) / 2) * (Math.log1p(epoch) - Math.log1p(at(epochs, i - 1))),
  );
  const total = areas.reduce((a, b) => a + b, 0);
  let behind = 0;
  const index = areas.findIndex((area) => {
    behind += area;
    return behind >= (total / 2) * (1 - 1e-12); // a half that rounding has moved is still a half
  });
  return at(epochs, Math.max(index, 0));
}

/** As {@link halfEpoch}, of what comes after {@link LATE}; undefined where less than two ticks do. */
function lateHalfEpoch(epochs: readonly number[], values: readonly number[]): number | undefined {
  const from = epochs.findIndex((epoch) => epoch >= LATE);
  return from < 0 || epochs.length - from < 2 ? undefined : halfEpoch(epochs.slice(from), values.slice(from));
}

/** The first epoch from which a curve stays below {@link SETTLED} of its largest value; null where its end does not. */
function settledEpoch(epochs: readonly number[], values: readonly number[]): number | null {
  const limit = SETTLED * Math.max(...values);
  return lastingEpoch(epochs, values, (value) => value < limit);
}

/**
 * What weight decay alone leaves of a weight after `epochs` steps of AdamW, as a factor; undefined where the settings are not
 * known.
 */
function decayFactor(config: AnalysisInput["config"], epochs: number): number | undefined {
  const { lr, weight_decay, warmup = 0 } = config;
  if (lr === undefined || weight_decay === undefined) return undefined;
  let log = 0;
  const warm = Math.min(warmup, epochs);
  // Step by step; of a warm-up beyond any real one, at that many midpoints.
  const points = Math.min(warm, 100_000);
  for (let i = 0; i < points; i++) {
    const step = points === warm ? i + 1 : ((i + 0.5) * warm) / points;
    log += (warm / points) * Math.log1p((-lr * weight_decay * step) / warmup);
  }
  return Math.exp(log + (epochs - warm) * Math.log1p(-lr * weight_decay));
}

function thinned<T>(rows: readonly T[]): T[] {
  const every = Math.ceil(rows.length / TICKS);
  return rows.filter((_, i) => i % every === 0 || i === rows.length - 1);
}

/** What `norms` finds; see its definition. */
export function compute(input: AnalysisInput): NormsResult {
  const { metrics } = seriesOf(input);
  const [first, last] = [metrics[0], metrics[metrics.length - 1]];
  ensure(first !== undefined && last !== undefined, "input", () => "norms: the run must hold metrics, got none");
  const matrices = Object.keys(first.weight_norms);
  ensure(matrices.length > 0, "input", () => "norms: the run's metrics must hold weight norms, got none");
  const of = (norms: Readonly<Record<string, number>> | undefined, name: string, epoch: number): number => {
    const value = norms?.[name];
    ensure(value !== undefined, "input", () => `norms: metrics of epoch ${epoch} must hold ${name}, got none`);
    return value;
  };
  const stepped = metrics.filter((row) => row.gradient_norms !== undefined);
  const epochs = stepped.map(({ epoch }) => epoch);
  const gradients = matrices.map((name) => stepped.map((row) => of(row.gradient_norms, name, row.epoch)));
  const total = stepped.map((_, tick) => norm(gradients.map((curve) => at(curve, tick))));
  const curve = (rows: readonly MetricsRow[], norms: (row: MetricsRow) => Readonly<Record<string, number>> | undefined) =>
    matrices.map((name) =>
      rounded(
        rows.map((row) => of(norms(row), name, row.epoch)),
        6,
      ),
    );
  const kept = thinned(metrics);
  const keptSteps = thinned(stepped);
  const initial = matrices.map((name) => of(first.weight_norms, name, first.epoch));
  const factor = decayFactor(input.config, last.epoch - first.epoch);
  const some = stepped.length > 0;
  return {
    matrices,
    epochs: kept.map(({ epoch }) => epoch),
    weight_norms: curve(kept, (row) => row.weight_norms),
    gradient_epochs: keptSteps.map(({ epoch }) => epoch),
    gradient_norms: curve(keptSteps, (row) => row.gradient_norms),
    filtered_gradient_norms: curve(keptSteps, (row) => row.filtered_gradient_norms ?? row.gradient_norms),
    half_epoch: some ? gradients.map((values) => halfEpoch(epochs, values)) : [],
    late_half_epoch: gradients.flatMap((values) => lateHalfEpoch(epochs, values) ?? []),
    settled_epoch: some ? gradients.map((values) => settledEpoch(epochs, values)) : [],
    initial_weight_norm: initial,
    final_weight_norm: matrices.map((name) => of(last.weight_norms, name, last.epoch)),
    null: {
      half_epoch: some ? halfEpoch(epochs, total) : null,
      late_half_epoch: lateHalfEpoch(epochs, total) ?? null,
      settled_epoch: some ? settledEpoch(epochs, total) : null,
      decay_only_weight_norm: factor === undefined ? null : initial.map((value) => value * factor),
    },
  };
}
