import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ImportRecord, listCheckpoints, readHistory, readMetrics } from "../checkpoint/index.ts";
import { type Json, MiiiiError } from "../core/index.ts";
import { CONFIG_FIELDS, type RunConfig, sameValue, settingOf } from "../model/index.ts";
import type { Provenance } from "../report/index.ts";
import { PRESETS, type Preset, presetConfig } from "../train/presets.ts";
import type { Model } from "./models.ts";
import { PACKAGE_ROOT } from "./version.ts";

function isPreset(name: string | undefined): name is Preset {
  return (PRESETS as readonly (string | undefined)[]).includes(name);
}

/** The command that trains a run with this configuration; undefined where its preset is not one of this version's. */
export function trainCommand(config: Partial<RunConfig>): string | undefined {
  const name = config.preset;
  const fast = !isPreset(name) && name?.endsWith("-fast") === true;
  const preset = fast ? name?.replace(/-fast$/, "") : name;
  if (!isPreset(preset) || (fast && preset === "nanda")) return undefined;
  const start = presetConfig(preset, {}, fast);
  const words = CONFIG_FIELDS.filter((field) => !settingOf(field).hidden).flatMap((field) => {
    const value = config[field];
    if (value === undefined || sameValue(value, start[field])) return [];
    const option = `--${field.replaceAll("_", "-")}`;
    return typeof value === "boolean" ? [option] : [option, String(value) || "none"];
  });
  return ["miiii train --preset", preset, ...(fast ? ["--fast"] : []), ...words].join(" ");
}

/** How a file from elsewhere was read, without what is empty. */
function readAs(reading: ImportRecord): Json {
  const told = Object.entries(reading).filter(
    ([, value]) => value !== "" && value !== false && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(told) as Json;
}

/** What is said of weights that nobody trained. */
const WRITTEN = "written by hand (miiii construct)";

/** Rows of a log, or none where one of them is damaged: what needs them says so, and where a model comes from stands without. */
function readable<T>(read: () => { readonly rows: readonly T[] }): { readonly rows: readonly T[] } {
  try {
    return read();
  } catch (error) {
    if (error instanceof MiiiiError) return { rows: [] };
    throw error;
  }
}

/** Where a model comes from, as far as its files say. */
export function provenanceOf({ checkpoint, run }: Model): Provenance {
  const { config, epoch, metadata } = checkpoint;
  const command = trainCommand(config);
  const from: Provenance = {
    ...(command === undefined ? {} : { command }),
    ...(epoch === undefined ? {} : { epochs: epoch }),
    ...(metadata.split_hash === undefined ? {} : { split_hash: metadata.split_hash }),
    ...(metadata.source === "construct" ? { weights: WRITTEN } : {}),
    ...(metadata.runtime === undefined ? {} : { runtime: metadata.runtime }),
    ...(checkpoint.reading === undefined ? {} : { "read from elsewhere as": readAs(checkpoint.reading) }),
  };
  if (run === undefined) return from;
  const [{ rows: history }, { rows: ticks }] = [readable(() => readHistory(run)), readable(() => readMetrics(run))];
  const last = history.at(-1);
  const series = {
    ticks: ticks.length,
    first: ticks[0]?.epoch ?? null,
    last: ticks.at(-1)?.epoch ?? null,
    checkpoints: listCheckpoints(run).length,
  };
  return {
    ...from,
    runtime: run.header.runtime,
    versions: last?.versions ?? run.header.versions,
    ...(last === undefined ? {} : { device: last.device }),
    ...(last === undefined ? {} : { wall_time_s: history.reduce((sum, row) => sum + row.wall_seconds, 0) }),
    ...(ticks.length === 0 ? {} : { series }),
  };
}

/** The commit of the sources that run; undefined for an installed package. */
export function sourceCommit(): string | undefined {
  if (!existsSync(new URL(".git", PACKAGE_ROOT))) return undefined;
  try {
    const cwd = fileURLToPath(PACKAGE_ROOT);
    return execFileSync("git", ["rev-parse", "HEAD"], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}
