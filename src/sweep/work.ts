import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Json, MiiiiError } from "../core/index.ts";
import { headsOf } from "../tasks/index.ts";
import type { SeedResult } from "./objective.ts";
import { overridesOf } from "./space.ts";
import { type SweepSpec, trialConfig } from "./spec.ts";
import type { Claimed, Counts, Study } from "./study.ts";
import { type RuntimeChoice, type TrainEnd, Trainer } from "./trainer-process.ts";
import { finishedSeed, keepEnds, Reports, seedFolder, storedTicks, trainedSeconds, trialAttrs } from "./trial.ts";

/** What happens to a trial while it is worked on. */
export type SweepEvent =
  | { readonly type: "begun"; readonly trial: Claimed }
  | { readonly type: "epoch"; readonly number: number; readonly seed: number; readonly epoch: number; readonly value?: number }
  | { readonly type: "held"; readonly number: number; readonly message: string }
  | { readonly type: "ended"; readonly number: number; readonly end: TrialEnd; readonly state: Counts };

/** How a trial ended here. */
export type TrialEnd =
  | { readonly type: "complete"; readonly value: number; readonly results: readonly SeedResult[] }
  | { readonly type: "pruned"; readonly epoch: number; readonly seed: number }
  | { readonly type: "failed"; readonly reason: string }
  /** Stopped and saved, to be resumed. */
  | { readonly type: "stopped" }
  /** Another process has it by now. */
  | { readonly type: "lost" }
  /** The process that trained it ended; it is taken up again. */
  | { readonly type: "died"; readonly reason: string };

/** How trials are worked on. */
export interface WorkOptions extends RuntimeChoice {
  /** Trials at once. */
  readonly jobs: number;
  /** Stops all trials, saved. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: SweepEvent) => void;
}

/** Milliseconds between looks at a run that another process still has. */
const HELD_MS = 2000;

/** One trial under way. */
class Slot {
  readonly trainer: Trainer;
  number: number | undefined;
  lost = false;
  pruned = false;

  constructor(choice: RuntimeChoice) {
    this.trainer = new Trainer(choice);
  }

  /** Another process has the trial. */
  lose(): void {
    this.lost = true;
    this.trainer.stop();
  }
}

/** Works on the trials of a study until none is left, or until it is stopped. */
class Work {
  readonly #study: Study;
  readonly #spec: SweepSpec;
  readonly #folder: string;
  readonly #options: WorkOptions;
  readonly #slots: readonly Slot[];
  /** Set where going on makes no sense: a full disk, a storage that has gone. */
  #failure: unknown;

  constructor(study: Study, spec: SweepSpec, folder: string, options: WorkOptions) {
    this.#study = study;
    this.#spec = spec;
    this.#folder = folder;
    this.#options = options;
    this.#slots = Array.from({ length: options.jobs }, () => new Slot(options));
  }

  get #stopping(): boolean {
    return this.#options.signal.aborted || this.#failure !== undefined;
  }

  #stopAll(): void {
    for (const { trainer } of this.#slots) trainer.stop();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#stopAll();
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    const stop = () => this.#stopAll();
    signal.addEventListener("abort", stop);
    const beat = setInterval(() => void this.#beat(), this.#spec.heartbeat * 1000);
    try {
      await Promise.all(this.#slots.map((slot) => this.#workIn(slot).catch((error: unknown) => this.#fail(error))));
    } finally {
      clearInterval(beat);
      signal.removeEventListener("abort", stop);
      for (const { trainer } of this.#slots) trainer.close();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Shows life for the trials whose processes do. */
  async #beat(): Promise<void> {
    const silent = 4000 * this.#spec.heartbeat;
    const numbers = this.#slots.flatMap(({ number, trainer }) =>
      number === undefined || trainer.silence > silent ? [] : [number],
    );
    if (numbers.length === 0) return;
    try {
      const { lost } = await this.#study.beat(numbers);
      for (const slot of this.#slots) if (slot.number !== undefined && lost.includes(slot.number)) slot.lose();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #workIn(slot: Slot): Promise<void> {
    while (!this.#stopping) {
      const claimed = await this.#study.claim();
      if (claimed.trial !== null) {
        if (this.#stopping) {
          await this.#study.release([claimed.trial.number]);
          return;
        }
        await this.#trial(slot, claimed.trial);
        continue;
      }
      const { running, waiting } = claimed.counts;
      if (running + waiting === 0) return;
      // Others' trials are waited for: should their workers die, they are taken up here.
      await sleep(Math.min(5000, 500 * this.#spec.heartbeat), undefined, { signal: this.#options.signal }).catch(() => undefined);
    }
  }

  async #trial(slot: Slot, trial: Claimed): Promise<void> {
    const { onEvent } = this.#options;
    slot.number = trial.number;
    slot.lost = false;
    slot.pruned = false;
    onEvent({ type: "begun", trial });
    try {
      const end = await this.#settle(trial.number, await this.#seeds(slot, trial));
      onEvent({ type: "ended", number: trial.number, end, state: await this.#study.counts() });
    } finally {
      slot.number = undefined;
    }
  }

  /** Tells the study how a trial ended. */
  async #settle(number: number, end: TrialEnd): Promise<TrialEnd> {
    const tell = async (state: "COMPLETE" | "PRUNED" | "FAIL", attrs: Readonly<Record<string, Json>>, value?: number) => {
      const { lost } = await this.#study.tell(number, { state, attrs, ...(value === undefined ? {} : { value }) });
      return lost ? ({ type: "lost" } as const) : end;
    };
    switch (end.type) {
      case "complete": {
        const seconds = end.results.map(({ seed }) => trainedSeconds(join(this.#folder, seedFolder(number, seed))));
        const total = seconds.reduce((sum, s) => sum + s, 0);
        return tell("COMPLETE", trialAttrs(end.results, total), end.value);
      }
      case "pruned":
        return tell("PRUNED", { pruned_at: { seed: end.seed, epoch: end.epoch } });
      case "failed":
        return tell("FAIL", { reason: end.reason });
      case "stopped":
      case "died":
        await this.#study.release([number], end.type === "died");
        return end;
      case "lost":
        return end;
      default:
        return end satisfies never;
    }
  }

  /** Trains the seeds of a trial one after the other. */
  async #seeds(slot: Slot, trial: Claimed): Promise<TrialEnd> {
    const reports = new Reports(this.#spec, trial.step);
    const results: SeedResult[] = [];
    for (const seed of this.#spec.seeds) {
      const path = join(this.#folder, seedFolder(trial.number, seed));
      let end: TrainEnd;
      let reached = 0;
      try {
        end = await this.#seed(slot, trial, seed, reports, (epoch) => {
          reached = epoch;
        });
        if (slot.lost) return { type: "lost" };
        const last = seed === this.#spec.seeds.at(-1);
        if (slot.pruned && end.type === "done" && (end.interrupted || !last)) return { type: "pruned", seed, epoch: reached };
        if (end.type === "died") return { type: "died", reason: end.message };
        if (end.type === "failed") throw new MiiiiError(end.code, end.message);
        if (end.interrupted) return { type: "stopped" };
        const result = finishedSeed(this.#spec, path, seed);
        if (this.#spec.keep === "ends") keepEnds(path);
        results.push(result);
        reports.next(result.value);
      } catch (error) {
        // What lies in the settings or in the run is the trial's own; a disk or a device is everybody's.
        if (error instanceof MiiiiError && ["numeric", "usage", "input"].includes(error.code))
          return { type: "failed", reason: error.message };
        this.#fail(error);
        return { type: "stopped" };
      }
    }
    return { type: "complete", value: results.reduce((sum, { value }) => sum + value, 0) / results.length, results };
  }

  async #seed(slot: Slot, trial: Claimed, seed: number, reports: Reports, onReached: (epoch: number) => void): Promise<TrainEnd> {
    const { onEvent } = this.#options;
    const { number } = trial;
    const config = trialConfig(this.#spec, overridesOf(this.#spec.space, trial.params), seed);
    const heads = headsOf(config);
    const path = join(this.#folder, seedFolder(number, seed));
    let value: number | undefined;
    const report = async (values: readonly [number, number][]) => {
      if (values.length === 0) return;
      value = values.at(-1)?.[1];
      try {
        const answer = await this.#study.report(number, values);
        if (answer.lost) slot.lose();
        else if (answer.prune && !slot.pruned) {
          slot.pruned = true;
          slot.trainer.stop();
        }
      } catch (error) {
        this.#fail(error);
      }
    };
    await report(storedTicks(path).flatMap((tick) => reports.add(heads, tick)));
    const pending: Promise<void>[] = [];
    for (;;) {
      if (slot.lost || slot.pruned || this.#stopping) return { type: "done", epoch: 0, interrupted: true };
      const end = await slot.trainer.train(
        { path, config, omega: this.#spec.omega },
        {
          onEpoch: (epoch) => {
            onReached(epoch);
            onEvent({ type: "epoch", number, seed, epoch, ...(value === undefined ? {} : { value }) });
          },
          onTick: (tick) => {
            pending.push(report(reports.add(heads, tick)));
          },
        },
      );
      await Promise.all(pending);
      if (end.type !== "failed" || !end.locked) return end;
      // A process that was taken for dead has the run still: it stops when it learns that the trial is no longer its own.
      onEvent({ type: "held", number, message: end.message });
      await sleep(HELD_MS, undefined, { signal: this.#options.signal }).catch(() => undefined);
    }
  }
}

/**
 * Trains a study's trials, several at once, until none waits or runs anywhere; trials whose workers die are taken up. Upon the
 * signal every run is saved and every trial given back.
 *
 * @param folder - the sweep's, under which the run directories are.
 * @throws what made going on pointless: kind `io` for a full disk or a storage that is gone, kind `runtime` for a device.
 */
export function workOn(study: Study, spec: SweepSpec, folder: string, options: WorkOptions): Promise<void> {
  return new Work(study, spec, folder, options).run();
}
