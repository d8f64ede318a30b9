import { readdirSync } from "node:fs";
import { join } from "node:path";
import { IMPORTED, isRunDirectory, listCheckpoints, openAnyRun, readMetrics, statOf } from "../checkpoint/index.ts";
import { MiiiiError } from "../core/index.ts";
import { mean } from "../math/index.ts";
import { headsOf } from "../tasks/index.ts";
import type { OnNote } from "./foreign.ts";

/** A run in one line. Accuracies are means over the trained tasks at its last tick; null where none is logged. */
export type RunLine = {
  name: string;
  /** `imported` for a series that was trained elsewhere. */
  preset: string;
  task: string;
  p: number;
  /** Null where nothing says it. */
  seed: number | null;
  /** Of the last checkpoint; null where there is none. */
  epoch: number | null;
  epochs: number;
  train_accuracy: number | null;
  validation_accuracy: number | null;
  /** Trained tasks whose validation accuracy is 0.99 or above. */
  grokked: number | null;
  tasks: number;
};

/** A run in a line; throws where it cannot be read. */
export function runLine(name: string, path: string): RunLine {
  const run = openAnyRun(path);
  const { config, runtime } = run.header;
  const epoch = listCheckpoints(run).at(-1)?.epoch ?? null;
  const last = readMetrics(run).rows.at(-1);
  const trained = headsOf(config).flatMap(({ active }, h) => (active ? [h] : []));
  const of = (set: "train" | "validation") => (last === undefined ? null : trained.map((h) => last[set].accuracy[h] ?? 0));
  const [train, validation] = [of("train"), of("validation")];
  return {
    name,
    preset: runtime === IMPORTED ? "imported" : (config.preset ?? "–"),
    task: config.task,
    p: config.p,
    seed: config.seed ?? null,
    epoch,
    epochs: config.epochs ?? epoch ?? 0,
    train_accuracy: train === null ? null : mean(train),
    validation_accuracy: validation === null ? null : mean(validation),
    grokked: validation === null ? null : validation.filter((accuracy) => accuracy >= 0.99).length,
    tasks: trained.length,
  };
}

/** Runs in a line each: those given, or those in a folder, by name; one that cannot be read is left out with a remark. */
export function listRuns(from: string | readonly { readonly name: string; readonly path: string }[], note: OnNote): RunLine[] {
  const folder = typeof from === "string" ? from : "";
  const found =
    typeof from !== "string"
      ? from
      : statOf(folder)?.isDirectory() === true
        ? readdirSync(folder)
            .sort()
            .map((name) => ({ name, path: join(folder, name) }))
        : [];
  return found.flatMap(({ name, path }) => {
    if (!isRunDirectory(path)) return [];
    try {
      return [runLine(name, path)];
    } catch (error) {
      if (!(error instanceof MiiiiError)) throw error;
      note(`${path}: left out: ${error.message}`);
      return [];
    }
  });
}
