import { join } from "node:path";
import type { Reference } from "../api/references.ts";
import { isTrained, listCheckpoints, openAnyRun, runFiles, statOf } from "../checkpoint/index.ts";
import { MiiiiError } from "../core/index.ts";
import type { Wanted } from "./request.ts";

/** A run as the page lists it. */
export type ListedRun = {
  label: string;
  /** `file`: one model without a training series. */
  kind: "run" | "file";
  /** Epochs of the kept checkpoints. */
  checkpoints: number[];
  training: boolean;
  /** Why it cannot be read now. */
  problem: string | null;
};

/** The runs of a server, each as it stands now. */
export function listedRuns(references: readonly Reference[]): ListedRun[] {
  return references.map(({ label, kind, path }) => {
    if (kind === "file") return { label, kind, checkpoints: [], training: false, problem: null };
    try {
      const run = openAnyRun(path);
      return {
        label,
        kind,
        checkpoints: listCheckpoints(run).map(({ epoch }) => epoch),
        training: isTrained(run),
        problem: null,
      };
    } catch (error) {
      if (!(error instanceof MiiiiError)) throw error;
      return { label, kind, checkpoints: [], training: false, problem: error.message };
    }
  });
}

const stampOf = (path: string) => {
  const stat = statOf(path);
  return stat === undefined ? "none" : `${stat.mtimeMs} ${stat.size}`;
};

/**
 * What tells versions of a model's files apart: a run that begins anew writes checkpoints of the same epochs.
 *
 * @param whole - whether its series counts too.
 */
export function versionOf({ kind, path }: Reference, { epoch }: Wanted, whole: boolean): string {
  if (kind === "file") return stampOf(path);
  const checkpoints = statOf(path)?.isDirectory() === true ? listCheckpoints({ path }) : [];
  const own = epoch === undefined ? checkpoints.at(-1)?.path : checkpoints.find((kept) => kept.epoch === epoch)?.path;
  const files = [join(path, "config.json"), own ?? "", ...(whole ? [runFiles.metrics({ path })] : [])];
  return [...files.map(stampOf), whole ? checkpoints.length : ""].join(";");
}
