import { createHash } from "node:crypto";
import { parse as parseYaml } from "yaml";
import { ensure, type Json, MiiiiError, messageOf } from "../core/index.ts";
import { unknownName } from "../core/nearest.ts";
import type { RunConfig } from "../model/index.ts";
import { headsOf } from "../tasks/index.ts";
import { PRESETS, type Preset, presetConfig } from "../train/presets.ts";
import { ensureMeasurable, GOALS, MEASURES, type Objective } from "./objective.ts";
import { type Dimension, gridSize, type Overrides, overridesOf, parseOverrides, parseSpace } from "./space.ts";

export const SAMPLERS = ["tpe", "random", "grid", "cmaes"] as const;
export const KEEPS = ["ends", "all"] as const;
export const PRUNERS = ["none", "median", "hyperband"] as const;

/** What a sweep is, complete and checked. */
export interface SweepSpec {
  readonly study: string;
  readonly base: { readonly preset: Preset; readonly fast: boolean; readonly set: Overrides };
  readonly space: readonly Dimension[];
  readonly seeds: readonly number[];
  readonly objective: Objective;
  readonly sampler: (typeof SAMPLERS)[number];
  readonly sampler_seed: number;
  readonly pruner: (typeof PRUNERS)[number];
  readonly budget: { readonly trials: number; readonly epochs: number };
  /** Whether runs keep frequency statistics. */
  readonly omega: boolean;
  /** Which checkpoints a finished run keeps: the first and the last (`ends`), or `all`. */
  readonly keep: (typeof KEEPS)[number];
  /** Seconds between signs of life; a worker silent for four times as long is taken for dead. */
  readonly heartbeat: number;
  /** The specification with every default filled in, as it is kept with the study. */
  readonly document: Readonly<Record<string, Json>>;
  /** SHA-256 of the document without the number of trials, which may be raised. */
  readonly hash: string;
}

type Fields = Readonly<Record<string, unknown>>;

const shown = (value: unknown) => JSON.stringify(value)?.slice(0, 80) ?? "nothing";

function fieldsOf(value: unknown, where: string, known: readonly string[]): Fields {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  ensure(isObject, "usage", () => `${where || "the specification"}: must map ${known.join(", ")} to values, got ${shown(value)}`);
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw unknownName(where === "" ? "key in the specification" : `key in ${where}`, key, known);
  }
  return value as Fields;
}

function oneOf<T extends string>(value: unknown, where: string, known: readonly T[]): T {
  const found = known.find((word) => word === value);
  if (found !== undefined) return found;
  if (typeof value === "string") throw unknownName(where, value, known);
  throw new MiiiiError("usage", `${where}: must be one of ${known.join(", ")}, got ${shown(value)}`);
}

function whole(value: unknown, where: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  ensure(
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
    "usage",
    () => `${where}: must be an integer of at least ${least}${most < 1e15 ? ` and at most ${most}` : ""}, got ${shown(value)}`,
  );
  return value as number;
}

function bool(value: unknown, where: string): boolean {
  ensure(typeof value === "boolean", "usage", () => `${where}: must be true or false, got ${shown(value)}`);
  return value;
}

/** A name that may stand in a shell, a file name and a database. */
function nameOf(value: unknown): string {
  ensure(
    typeof value === "string" && /^[\w][\w.-]{0,99}$/.test(value),
    "usage",
    () => `study: must be a name of letters, digits, "_", "." and "-", got ${shown(value)}`,
  );
  return value;
}

function parseBase(value: unknown): SweepSpec["base"] {
  const { preset = "miiii-fast", fast = false, set = {} } = fieldsOf(value, "base", ["preset", "fast", "set"]);
  return {
    preset: oneOf(preset, "base.preset", PRESETS),
    fast: bool(fast, "base.fast"),
    set: parseOverrides(set, "base.set"),
  };
}

function parseObjective(value: unknown): Objective {
  const known = ["goal", "measure", "threshold"];
  const { goal = "final", measure = "mean", threshold = 0.99 } = fieldsOf(value, "objective", known);
  ensure(
    typeof threshold === "number" && threshold > 0 && threshold <= 1,
    "usage",
    () => `objective.threshold: must be a share above 0 and up to 1, got ${shown(threshold)}`,
  );
  return { goal: oneOf(goal, "objective.goal", GOALS), measure: oneOf(measure, "objective.measure", MEASURES), threshold };
}

function parseSeeds(value: unknown): readonly number[] {
  ensure(
    Array.isArray(value) && value.length > 0,
    "usage",
    () => `seeds: must be a list of seeds, such as [0, 1], got ${shown(value)}`,
  );
  const seeds = value.map((seed, i) => whole(seed, `seeds[${i}]`, 0, 2 ** 32 - 1));
  ensure(new Set(seeds).size === seeds.length, "usage", () => `seeds: must be distinct, got ${shown(value)}`);
  return seeds;
}

/**
 * How many trials there are: what was asked for, and for a grid at most its points, which is also what stands where nothing was.
 */
function trialsOf(value: unknown, sampler: SweepSpec["sampler"], space: readonly Dimension[]): number {
  const size = gridSize(space);
  if (sampler !== "grid") return whole(value ?? 20, "budget.trials", 1, 1e6);
  const range = space.find(({ kind }) => kind !== "categorical")?.name;
  ensure(size !== undefined, "usage", () => `sampler grid: needs lists of values, space.${range} is a range`);
  return value === undefined ? size : Math.min(size, whole(value, "budget.trials", 1, 1e6));
}

const KEYS = [
  "study",
  "base",
  "space",
  "seeds",
  "objective",
  "sampler",
  "sampler_seed",
  "pruner",
  "budget",
  "omega",
  "keep",
  "heartbeat",
] as const;

/** The configuration of a trial's run. */
export function trialConfig(spec: Pick<SweepSpec, "base" | "budget">, overrides: Overrides, seed: number): RunConfig {
  const { preset, fast, set } = spec.base;
  return presetConfig(preset, { ...set, ...overrides, seed, epochs: spec.budget.epochs }, fast);
}

/** The settings of a parameter at its ends, or at each of its choices. */
function endsOf(dimension: Dimension): readonly Overrides[] {
  if (dimension.kind === "categorical") return dimension.settings;
  return [dimension.low, dimension.high].map((value) => ({ [dimension.name]: value }));
}

/** Tries each parameter's values on the base: what no run can have is found before the first is trained. */
function ensureTrainable(spec: Omit<SweepSpec, "document" | "hash">): void {
  for (const overrides of [{}, ...spec.space.flatMap(endsOf)]) {
    const heads = headsOf(trialConfig(spec, overrides, spec.seeds[0] ?? 0));
    ensureMeasurable(spec.objective, heads);
  }
}

function hashOf(document: Readonly<Record<string, Json>>): string {
  const { budget, ...rest } = document as { readonly budget: { readonly epochs: number } } & Record<string, Json>;
  return createHash("sha256")
    .update(JSON.stringify({ ...rest, epochs: budget.epochs }))
    .digest("hex");
}

/** Checks a specification and fills its defaults in; a usage error names the first thing that is wrong. */
export function parseSpec(value: unknown): SweepSpec {
  const given = fieldsOf(value, "", KEYS);
  const study = nameOf(given.study);
  ensure(given.space !== undefined, "usage", () => "space: must be given: what to search (or --space paper)");
  const space = parseSpace(given.space);
  const base = parseBase(given.base ?? {});
  const sampler = oneOf(given.sampler ?? "tpe", "sampler", SAMPLERS);
  const numeric = space.filter(({ kind }) => kind !== "categorical").length;
  ensure(sampler !== "cmaes" || numeric >= 2, "usage", () => `sampler cmaes: needs at least two ranges in space, got ${numeric}`);
  const limits = fieldsOf(given.budget ?? {}, "budget", ["trials", "epochs"]);
  const epochs = limits.epochs ?? presetConfig(base.preset, base.set, base.fast).epochs;
  const parts = {
    study,
    base,
    space,
    seeds: parseSeeds(given.seeds ?? [0, 1]),
    objective: parseObjective(given.objective ?? {}),
    sampler,
    sampler_seed: whole(given.sampler_seed ?? 0, "sampler_seed", 0, 2 ** 31),
    pruner: oneOf(given.pruner ?? "none", "pruner", PRUNERS),
    budget: { trials: trialsOf(limits.trials, sampler, space), epochs: whole(epochs, "budget.epochs", 1) },
    omega: bool(given.omega ?? false, "omega"),
    keep: oneOf(given.keep ?? "ends", "keep", KEEPS),
    heartbeat: whole(given.heartbeat ?? 30, "heartbeat", 1, 3600),
  };
  ensureTrainable(parts);
  const document = JSON.parse(JSON.stringify({ ...parts, space: given.space })) as Readonly<Record<string, Json>>;
  return { ...parts, document, hash: hashOf(document) };
}

/** Reads a specification from YAML, of which JSON is a part. */
export function readSpec(text: string, where: string): unknown {
  try {
    return parseYaml(text, { uniqueKeys: true, maxAliasCount: 100 });
  } catch (error) {
    const reason = messageOf(error).split("\n")[0];
    throw new MiiiiError("input", `${where}: must be YAML or JSON: ${reason}`, { cause: error });
  }
}

/** Where two documents differ first, as `path: was …, is …`; undefined where they do not, the number of trials aside. */
export function firstDifference(before: Json | undefined, now: Json | undefined, path = ""): string | undefined {
  if (path === "budget.trials") return undefined;
  const isMap = (value: unknown): value is Record<string, Json> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isMap(before) || !isMap(now))
    return JSON.stringify(before) === JSON.stringify(now) ? undefined : `${path}: was ${shown(before)}, is ${shown(now)}`;
  for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const found = firstDifference(before[key], now[key], path === "" ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The pruner as Optuna's worker takes it; its resource is epochs, counted on over the seeds. */
export function prunerOf({ pruner, budget, seeds }: SweepSpec) {
  const total = budget.epochs * seeds.length;
  return { kind: pruner, startup: 5, from: Math.max(1, Math.floor(budget.epochs / (pruner === "hyperband" ? 9 : 4))), to: total };
}

/** The words of `miiii train` that train one run of a trial. */
export function trialCommand(spec: SweepSpec, params: Readonly<Record<string, unknown>>, seed: number): string {
  const { preset, fast, set } = spec.base;
  const settings = { ...set, ...overridesOf(spec.space, params), epochs: spec.budget.epochs, seed };
  const words = Object.entries(settings).flatMap(([field, value]) => {
    const option = `--${field.replaceAll("_", "-")}`;
    if (typeof value === "boolean") return value ? [option] : [];
    const text = Array.isArray(value) ? (value.length === 0 ? "none" : value.join(",")) : String(value);
    return [option, text];
  });
  return ["miiii train --preset", preset, ...(fast ? ["--fast"] : []), ...words].join(" ");
}
