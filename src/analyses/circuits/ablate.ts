import { at } from "../../core/index.ts";
import { type HeadMetrics, mean } from "../../math/index.ts";
import type { Edits } from "../kit/define.ts";
import { rounded } from "../kit/text.ts";
import { sizeClasses } from "./size-classes.ts";

/** A model's accuracy and loss per output head under edits, on the samples in use. */
export type Evaluate = (edits: Edits) => Promise<HeadMetrics>;

/**
 * What random parts of one size do, per head: mean over draws and the largest of them. `others_accuracy_lost`: what each draw
 * costs all output heads but this one, averaged over them; null where there is one output head alone.
 */
export type RandomParts = {
  size: number;
  draws: number;
  accuracy_lost: { mean: number[]; largest: number[] };
  loss_gained: { mean: number[]; largest: number[] };
  others_accuracy_lost: { mean: number[]; smallest: number[]; largest: number[] } | null;
};

/** What removing each of several parts does to each output head, [parts][tasks]; `null[null_of[i]]` is the null of part i. */
export type Ablations = {
  labels: number[];
  sizes: number[];
  accuracy_lost: number[][];
  loss_gained: number[][];
  null: RandomParts[];
  null_of: number[];
};

/** One part of the model that can be taken out. */
export interface Part {
  readonly label: number;
  readonly size: number;
  readonly edits: Edits;
}

interface Change {
  readonly accuracy_lost: number[];
  readonly loss_gained: number[];
}

/** Over draws, for each output head what is lost on average by all output heads but it. */
function othersOver(draws: readonly Change[]): RandomParts["others_accuracy_lost"] {
  const heads = draws[0]?.accuracy_lost.length ?? 0;
  if (heads < 2) return null;
  const byHead = Array.from({ length: heads }, (_, own) =>
    draws.map(({ accuracy_lost }) => mean(accuracy_lost.filter((_lost, h) => h !== own))),
  );
  return {
    mean: rounded(byHead.map(mean)),
    smallest: rounded(byHead.map((lost) => Math.min(...lost))),
    largest: rounded(byHead.map((lost) => Math.max(...lost))),
  };
}

/**
 * The number of forward passes that {@link ablate} makes for parts of these sizes.
 */
export function passes(sizes: readonly number[], draws: number): number {
  return sizes.length + sizeClasses(sizes).length * draws;
}

/** How parts are evaluated, and random ones, of which there are many more. */
export interface Evaluations {
  readonly evaluate: Evaluate;
  readonly evaluateDraw: Evaluate;
}

/**
 * Takes each part out by itself, and random parts of each size class.
 *
 * @param randomPart The edits that take out a random part as large as the i-th one; drawn anew each time.
 */
export async function ablate(
  parts: readonly Part[],
  { evaluate, evaluateDraw }: Evaluations,
  baseline: HeadMetrics,
  draws: number,
  randomPart: (i: number) => Edits,
): Promise<Ablations> {
  const change = async (edits: Edits, by: Evaluate): Promise<Change> => {
    const { accuracy, loss } = await by(edits);
    return {
      accuracy_lost: accuracy.map((value, h) => at(baseline.accuracy, h) - value),
      loss_gained: loss.map((value, h) => value - at(baseline.loss, h)),
    };
  };
  const changes: Change[] = [];
  for (const { edits } of parts) changes.push(await change(edits, evaluate));
  const null_of = parts.map(() => 0);
  const none: RandomParts[] = [];
  for (const { size, members } of draws === 0 ? [] : sizeClasses(parts.map((part) => part.size))) {
    for (const i of members) null_of[i] = none.length;
    const random: Change[] = [];
    for (let draw = 0; draw < draws; draw++) random.push(await change(randomPart(at(members, 0)), evaluateDraw));
    const over = (name: keyof Change) => ({
      mean: rounded(baseline.loss.map((_, h) => mean(random.map((one) => at(one[name], h))))),
      largest: rounded(baseline.loss.map((_, h) => Math.max(...random.map((one) => at(one[name], h))))),
    });
    none.push({
      size,
      draws,
      accuracy_lost: over("accuracy_lost"),
      loss_gained: over("loss_gained"),
      others_accuracy_lost: othersOver(random),
    });
  }
  return {
    labels: parts.map((part) => part.label),
    sizes: parts.map((part) => part.size),
    accuracy_lost: changes.map((one) => rounded(one.accuracy_lost)),
    loss_gained: changes.map((one) => rounded(one.loss_gained)),
    null: none,
    null_of,
  };
}

/** What draws' losses may be off by, being evaluated in single precision: nats, and a share of them. */
const DRAW_PRECISION = 1e-5;

/**
 * Whether a part costs more loss than the largest of its draws by more than their precision: a group of all neurons there are is
 * its own random group, and rounding would decide.
 */
export function costsMoreLoss(gained: number, largest: number): boolean {
  return gained > largest + DRAW_PRECISION * (1 + Math.abs(largest));
}

/**
 * The most that random parts as large as part i cost an output head, and the mean that they cost the others; undefined where
 * there is no such null.
 */
export function nullOf(
  { null: none, null_of }: Ablations,
  i: number,
  head: number,
): { accuracy: number; loss: number; others: number | undefined; draws: number } | undefined {
  const own = none[at(null_of, i)];
  return own === undefined
    ? undefined
    : {
        accuracy: at(own.accuracy_lost.largest, head),
        loss: at(own.loss_gained.largest, head),
        others: own.others_accuracy_lost?.mean[head],
        draws: own.draws,
      };
}
