import { rmSync } from "node:fs";
import { join } from "node:path";
import { isRunDirectory, listCheckpoints, openRunDirectory, readHistory, readMetrics } from "../checkpoint/index.ts";
import type { Json } from "../core/index.ts";
import { type Head, headsOf } from "../tasks/index.ts";
import { objectiveOf, type SeedResult, seedResult, type Tick, trialValue } from "./objective.ts";
import type { SweepSpec } from "./spec.ts";

/** A trial's folder within that of its sweep, which holds a run directory for each seed. */
export function trialFolder(number: number): string {
  return join("trials", String(number).padStart(6, "0"));
}

/** The run directory of one seed within the folder of the sweep. */
export function seedFolder(number: number, seed: number): string {
  return join(trialFolder(number), `seed-${seed}`);
}

/** The ticks that a run directory holds; none where there is no run. */
export function storedTicks(path: string): Tick[] {
  if (!isRunDirectory(path)) return [];
  return readMetrics({ path }).rows.map(({ epoch, validation }) => ({ epoch, accuracy: validation.accuracy }));
}

/** Every so many epochs, all of which are ticks, a run reports. */
export function reportEvery(epochs: number): number {
  return 2 * Math.max(1, Math.round(epochs / 100));
}

/** What a finished run came to, from its own files. */
export function finishedSeed(spec: SweepSpec, path: string, seed: number): SeedResult {
  const heads = headsOf(openRunDirectory(path).header.config);
  return seedResult(spec.objective, heads, storedTicks(path), spec.budget.epochs, seed);
}

/**
 * Removes the checkpoints of a finished run between its first and its last: a sweep of many runs would fill the disk with them.
 */
export function keepEnds(path: string): void {
  for (const { path: file } of listCheckpoints({ path }).slice(1, -1)) rmSync(file, { force: true });
}

/** Seconds of training in a run directory. */
export function trainedSeconds(path: string): number {
  return readHistory({ path }).rows.reduce((sum, { wall_seconds }) => sum + wall_seconds, 0);
}

/**
 * The reports of one trial: its ticks in, [step, value] pairs out, each step once. Steps are epochs, counted on over the seeds.
 */
export class Reports {
  readonly #spec: SweepSpec;
  readonly #finished: number[] = [];
  #ticks = new Map<number, Tick>();
  #last: number;

  /** @param reported - the last step that the study has. */
  constructor(spec: SweepSpec, reported: number | null) {
    this.#spec = spec;
    this.#last = reported ?? -1;
  }

  /** The steps that a tick of the seed in training brings. */
  add(heads: readonly Head[], tick: Tick): [number, number][] {
    const { objective, budget } = this.#spec;
    this.#ticks.set(tick.epoch, tick);
    const step = this.#finished.length * budget.epochs + tick.epoch;
    if (tick.epoch === 0 || tick.epoch % reportEvery(budget.epochs) !== 0 || step <= this.#last) return [];
    this.#last = step;
    // A run that was resumed from an earlier state goes over some ticks again.
    const past = [...this.#ticks.values()].filter(({ epoch }) => epoch <= tick.epoch).sort((a, b) => a.epoch - b.epoch);
    return [[step, trialValue(this.#finished, objectiveOf(objective, heads, past, budget.epochs))]];
  }

  /** Begins the next seed. */
  next(value: number): void {
    this.#finished.push(value);
    this.#ticks = new Map();
  }
}

/** What the study keeps of a finished trial. */
export function trialAttrs(results: readonly SeedResult[], seconds: number): Readonly<Record<string, Json>> {
  return { seeds: results.map((result) => ({ ...result })), seconds: Math.round(seconds) };
}
