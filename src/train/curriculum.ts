import { ensure, float64, inPrecision, type NdArray } from "../core/index.ts";
import { mean } from "../math/index.ts";
import { type CurriculumState, DECISION_EVERY, hasTaskSchedule, latePrimesOut, type RunConfig } from "../model/index.ts";
import { type Head, headWeights } from "../tasks/index.ts";

/** What a decision rests on, of the model after an epoch. */
export interface Standing {
  /** Validation accuracy of each task. */
  readonly accuracy: readonly number[];
  /** Training loss of each task in nats. */
  readonly losses: readonly number[];
}

/**
 * Which tasks stand in the loss, and how heavily, epoch by epoch. Late tasks come in after `late_epoch` epochs, or when the mean
 * validation accuracy of the trained tasks reaches `late_accuracy`, whichever is first; that is decided at every
 * {@link DECISION_EVERY}th epoch. The validation samples thus have a say in training where an accuracy is given; the test samples
 * never have.
 */
export class Curriculum {
  readonly #config: RunConfig;
  readonly #heads: readonly Head[];
  #entered: readonly number[];
  #losses: readonly number[] | undefined;

  constructor(config: RunConfig, heads: readonly Head[], state?: CurriculumState) {
    this.#config = config;
    this.#heads = heads;
    ensure(
      (state?.entered.length ?? 0) <= config.late_primes.length && (state?.losses?.length ?? heads.length) === heads.length,
      "input",
      () => `curriculum: must fit ${heads.length} tasks, ${config.late_primes.length} of them late, got ${JSON.stringify(state)}`,
    );
    this.#entered = state?.entered ?? [];
    this.#losses = state?.losses;
  }

  /** What to resume from; undefined where weights are fixed. */
  get state(): CurriculumState | undefined {
    if (!hasTaskSchedule(this.#config)) return undefined;
    return { entered: this.#entered, ...(this.#losses === undefined ? {} : { losses: this.#losses }) };
  }

  /** Whether {@link advance} needs to know how the model after `epoch` stands. */
  decides(epoch: number): boolean {
    const { late_primes, late_accuracy } = this.#config;
    const waits = late_accuracy > 0 && this.#entered.length < late_primes.length;
    return epoch > 0 && epoch % DECISION_EVERY === 0 && (waits || this.#follows(epoch));
  }

  /** Whether the losses after `epoch` weigh the tasks. */
  #follows(epoch: number): boolean {
    const { loss_power, loss_power_epoch } = this.#config;
    return loss_power !== 0 && epoch >= loss_power_epoch;
  }

  /** Whether the weights of the next step may differ from those of the step that ended in `epoch`. */
  changes(epoch: number): boolean {
    return this.decides(epoch) || this.#dueByEpoch(epoch) > this.#entered.length;
  }

  #dueByEpoch(epoch: number): number {
    const { late_primes, late_epoch, late_order } = this.#config;
    if (late_epoch === 0) return 0;
    const rounds = Math.floor(epoch / late_epoch);
    return late_order === "one-by-one" ? Math.min(rounds, late_primes.length) : rounds > 0 ? late_primes.length : 0;
  }

  /** Brings in the tasks that are due after `epoch`; `standing` is given where it {@link decides}. */
  advance(epoch: number, standing?: Standing): void {
    const { late_primes, late_accuracy, late_order } = this.#config;
    let due = this.#dueByEpoch(epoch);
    if (standing !== undefined && late_accuracy > 0) {
      const trained = this.trained();
      const accuracies = standing.accuracy.filter((_, h) => trained[h]);
      if (mean(accuracies) >= late_accuracy)
        due = Math.max(due, late_order === "one-by-one" ? this.#entered.length + 1 : late_primes.length);
    }
    const arrivals = Math.max(0, Math.min(due, late_primes.length) - this.#entered.length);
    this.#entered = [...this.#entered, ...new Array<number>(arrivals).fill(epoch)];
    if (standing !== undefined && this.#follows(epoch)) this.#losses = standing.losses;
  }

  /** Which tasks are in the loss now, by number. */
  trained(): boolean[] {
    const out = this.untrained();
    return this.#heads.map(({ q, active }) => active && !out.includes(q));
  }

  /** The late tasks that are still out, by q. */
  untrained(): readonly number[] {
    return latePrimesOut(this.#config, this.state);
  }

  /** Weight of each task in the loss now. */
  weights(): NdArray<"float64"> {
    const { task_weights: exponent, loss_power: lossPower } = this.#config;
    const losses = this.#losses === undefined ? {} : { losses: this.#losses, lossPower };
    return headWeights(this.#heads, { exponent, trained: this.trained(), ...losses });
  }

  /** The step's input `task_weights`; none where weights are fixed. */
  feeds(batch: number): Record<string, NdArray> {
    if (!hasTaskSchedule(this.#config)) return {};
    return {
      task_weights: inPrecision(
        float64(
          this.weights().data.map((weight) => weight / batch),
          [this.#heads.length, 1],
        ),
        this.#config.precision,
      ),
    };
  }
}

/** Throws a usage error where the settings of late tasks do not fit each other or the task. */
export function checkLateTasks(config: RunConfig, heads: readonly Head[]): void {
  const { late_primes, late_epoch, late_accuracy } = config;
  const trained = heads.filter(({ active }) => active).map(({ q }) => q);
  const others = late_primes.filter((q) => !trained.includes(q));
  ensure(
    others.length === 0,
    "usage",
    () => `late_primes: must be among the trained tasks, q = ${trained.join(", ")}, got ${others.join(", ")}`,
  );
  ensure(
    late_primes.length < trained.length,
    "usage",
    () => `late_primes: must leave a task in the loss from the beginning, got ${late_primes.join(", ")}, all there are`,
  );
  const given = late_epoch > 0 || late_accuracy > 0;
  ensure(
    late_primes.length === 0 || given,
    "usage",
    () =>
      "late_primes: must come with late_epoch or late_accuracy, which say when they come in (mask_primes leaves tasks out for good)",
  );
  ensure(
    late_primes.length > 0 || !given,
    "usage",
    () => "late_epoch, late_accuracy: must come with late_primes, which tasks come in late",
  );
}
