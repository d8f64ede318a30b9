import { ensure, int32, type NdArray, randomStream } from "../core/index.ts";
import { type Head, hasShuffledLabels, headsOf, type TaskConfig } from "./task.ts";

/** Every sample of a task in grid order: row x0, column x1, index x0·p + x1. */
export interface Dataset {
  readonly p: number;
  readonly heads: readonly Head[];
  /** Low digits, [p²]. */
  readonly x0: Int32Array;
  /** High digits, [p²]. */
  readonly x1: Int32Array;
  /** Class of each sample for each output head, [p², heads]. */
  readonly targets: NdArray<"int32">;
}

/** The number a sample stands for: n = x0 + x1·p, x0 being the low digit. It is not the sample's index, which is x0·p + x1. */
export function numberOf(x0: number, x1: number, p: number): number {
  return x0 + x1 * p;
}

/** All p² samples with their targets. `seed` matters to shuffled labels alone (stream `labels`). */
export function makeDataset(config: TaskConfig, seed: number): Dataset {
  const { p } = config;
  const heads = headsOf(config);
  const samples = p * p;
  const x0 = Int32Array.from({ length: samples }, (_, i) => Math.floor(i / p));
  const x1 = Int32Array.from({ length: samples }, (_, i) => i % p);
  const source = hasShuffledLabels(config) ? randomStream(seed, "labels").permutation(samples) : undefined;
  const targets = new Int32Array(samples * heads.length);
  for (let i = 0; i < samples; i++) {
    const from = source?.[i] ?? i;
    const [a, b] = [Math.floor(from / p), from % p];
    heads.forEach((head, h) => {
      const remainder = (head.adds ? a + b : numberOf(a, b, p)) % head.q;
      targets[i * heads.length + h] = config.labels === "divisibility" ? Number(remainder === 0) : remainder;
    });
  }
  return { p, heads, x0, x1, targets: int32(targets, [samples, heads.length]) };
}

/** Which samples are trained on, and which measure generalisation; indices in grid order's numbering, each list ascending. */
export interface Split {
  readonly train: Int32Array;
  /** min(1000, half of the rest). */
  readonly validation: Int32Array;
  readonly test: Int32Array;
}

/** The seeded split (stream `split`): ⌊fraction·p²⌋ training samples. */
export function makeSplit(p: number, fraction: number, seed: number): Split {
  const samples = p * p;
  const train = Math.floor(fraction * samples);
  ensure(
    fraction > 0 && fraction < 1 && train >= 1 && samples - train >= 2,
    "usage",
    () => `train fraction: must leave at least one training and two other samples of ${samples}, got ${fraction}`,
  );
  const order = randomStream(seed, "split").permutation(samples);
  const validation = Math.min(1000, Math.floor((samples - train) / 2));
  return {
    train: order.slice(0, train).sort(),
    validation: order.slice(train, train + validation).sort(),
    test: order.slice(train + validation).sort(),
  };
}
