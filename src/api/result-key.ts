import { statSync } from "node:fs";
import type { Analysis, OptionValues } from "../analyses/kit/define.ts";
import { listCheckpoints, readFileBytes, runFiles, sha256, statOf } from "../checkpoint/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { codeDigests } from "./code-digest.ts";
import type { Model } from "./models.ts";
import { VERSION } from "./version.ts";

/** What a result depends on beside the model and the analysis. */
export interface ResultContext {
  readonly runtime: Pick<Runtime, "name" | "version">;
  readonly seed: number;
  readonly options: OptionValues;
}

const textDigest = (text: string) => sha256(new TextEncoder().encode(text));

/** Digests of files that have been read, with the size and time of change that they had. */
const digests = new Map<string, { readonly stamp: string; readonly digest: string }>();

function fileDigest(path: string): string {
  if (statOf(path) === undefined) return "none";
  const { size, mtimeMs, ino } = statSync(path);
  const stamp = `${size} ${mtimeMs} ${ino}`;
  const known = digests.get(path);
  if (known?.stamp === stamp) return known.digest;
  const digest = sha256(readFileBytes(path));
  digests.set(path, { stamp, digest });
  return digest;
}

/** The digest of a run's series: its rows, and the checkpoints where the analysis goes through them. */
function seriesDigest({ run }: Model, models: boolean): string | null {
  if (run === undefined) return null;
  const rows = [runFiles.config(run), runFiles.metrics(run), runFiles.omega(run)];
  const checkpoints = models ? listCheckpoints(run).map(({ path }) => path) : [];
  return textDigest([...rows, ...checkpoints].map(fileDigest).join());
}

/** The name of what an analysis gives for a model: a digest of all that it depends on. */
export function resultKey({ id, needs }: Analysis, model: Model, { runtime, seed, options }: ResultContext): string {
  const { checkpoint, split } = model;
  const { sha256: file, config, reading } = checkpoint;
  const code = codeDigests();
  const known = {
    version: VERSION,
    // Own files are read by their format; for those from elsewhere what reads them decides as well.
    code: [code.shared, code.analyses[id] ?? code.whole, reading === undefined ? null : code.reading],
    analysis: id,
    options: Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1)),
    seed,
    runtime: `${runtime.name} ${runtime.version}`,
    file,
    config,
    reading: reading ?? null,
    split: split === undefined ? null : sha256(new Uint8Array(split.train.slice().buffer)),
    series: needs.includes("series") ? seriesDigest(model, needs.includes("models")) : null,
  };
  return textDigest(JSON.stringify(known));
}
