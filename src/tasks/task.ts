import { ensure } from "../core/index.ts";
import { isPrime, primesBelow } from "./primes.ts";

/**
 * What is learned (Eq. 1 and 2, Syrkis & Søgaard 2024).
 *
 * - `nanda`: (x0 + x1) mod p.
 * - `miiii`: n mod q for every prime q < p, where n = x0 + x1·p.
 * - `basis`: `miiii` with whole label rows permuted over the samples, the baseline without structure.
 * - `masked`: `miiii` with q ∈ {2, 3, 5, 7}, or the given `mask_primes`, masked out of the loss, though still evaluated.
 * - `joint`: both in one model: the remainders of `miiii`, and as the last output head, with q = p, the sum of `nanda`.
 */
export type TaskName = "nanda" | "miiii" | "basis" | "masked" | "joint";

/** Every task by name. */
export const TASK_NAMES = ["nanda", "miiii", "basis", "masked", "joint"] as const satisfies readonly TaskName[];

/** `remainder`: the class is n mod q. `divisibility`: two classes an output head, whether q divides n. */
export type Labels = "remainder" | "divisibility";

/** The kinds of labels. */
export const LABELS = ["remainder", "divisibility"] as const satisfies readonly Labels[];

/** The settings that fix a task. */
export interface TaskConfig {
  readonly task: TaskName;
  /** The prime modulus and number base, 5 to 251. */
  readonly p: number;
  readonly labels: Labels;
  /** Permute whole label rows over the samples (always so for `basis`). */
  readonly shuffle_labels: boolean;
  /** Tasks masked out of the loss, by q. */
  readonly mask_primes?: readonly number[];
  /** Tasks that a schedule had not brought into the loss when the model was kept, by q. */
  readonly untrained?: readonly number[];
}

/** Whether labels are permuted over the samples: a run that can only memorise. */
export function hasShuffledLabels({
  task,
  shuffle_labels = false,
}: Pick<TaskConfig, "task"> & Partial<Pick<TaskConfig, "shuffle_labels">>): boolean {
  return task === "basis" || shuffle_labels;
}

/** The tasks that `masked` masks out where none are named. */
const MASKED = [2, 3, 5, 7];

/** The tasks masked out of the loss for a whole run, by q. */
export function maskedPrimes({ task, mask_primes = [] }: Pick<TaskConfig, "task" | "mask_primes">): readonly number[] {
  return task === "masked" && mask_primes.length === 0 ? MASKED : mask_primes;
}

/** One output of the model: n mod q, or for addition (x0 + x1) mod p. */
export interface Head {
  readonly q: number;
  /** Whether it is the addition head: of (x0 + x1) mod q, with q = p. Every other q lies below p. */
  readonly adds: boolean;
  /** Number of classes: q, or 2 for divisibility. */
  readonly classes: number;
  /** Where its logits begin among all logits. */
  readonly offset: number;
  /** Whether it is part of the loss. */
  readonly active: boolean;
}

/** Throws unless `p` is a prime from 5 to 251. */
export function ensureModulus(p: number): void {
  ensure(isPrime(p) && p >= 5 && p <= 251, "usage", () => `p: must be a prime from 5 to 251, got ${p}`);
}

/** The output heads of a task in order of q; the addition head, which is `nanda`'s only one and `joint`'s last, has q = p. */
export function headsOf(config: TaskConfig): Head[] {
  ensureModulus(config.p);
  const { p, task } = config;
  const moduli = [...(task === "nanda" ? [] : primesBelow(p)), ...(task === "nanda" || task === "joint" ? [p] : [])];
  const masked = maskedPrimes(config);
  const untrained = config.untrained ?? [];
  let offset = 0;
  const heads = moduli.map((q) => {
    const classes = config.labels === "divisibility" ? 2 : q;
    const head = { q, adds: q === p, classes, offset, active: !masked.includes(q) && !untrained.includes(q) };
    offset += classes;
    return head;
  });
  const strange = (config.mask_primes ?? []).filter((q) => !moduli.includes(q));
  ensure(
    strange.length === 0,
    "usage",
    () => `mask_primes: must be among the tasks, q = ${moduli.join(", ")}, got ${strange.join(", ")}`,
  );
  ensure(
    moduli.some((q) => !masked.includes(q)),
    "usage",
    () => `mask_primes: a task must remain beside q = ${masked.join(", ")}; at p = ${config.p} there are ${moduli.join(", ")}`,
  );
  return heads;
}

/** Number of logits of all output heads together. */
export function logitsOf(heads: readonly Head[]): number {
  return heads.reduce((sum, head) => sum + head.classes, 0);
}
