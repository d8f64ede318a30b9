import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { resumeRun, type TrainRunOptions, type TrainRunResult, trainRun } from "../../src/api/train-run.ts";
import type { RunConfig } from "../../src/model/index.ts";

/**
 * A run in `folder`, and the same interrupted after `epoch` and resumed, which must leave the same bytes in `files`; the
 * interrupted stretch.
 */
export async function assertResumesExactly(
  config: RunConfig,
  folder: string,
  epoch: number,
  files: readonly string[],
  options: TrainRunOptions,
): Promise<{ readonly first: TrainRunResult; readonly whole: string }> {
  const [whole, broken] = [join(folder, "whole"), join(folder, "broken")];
  await trainRun(config, whole, options);
  const controller = new AbortController();
  const onProgress = (done: number) => done === epoch && controller.abort();
  const first = await trainRun(config, broken, { ...options, signal: controller.signal, onProgress });
  await resumeRun(broken, undefined, options);
  for (const file of files)
    assert.ok(readFileSync(join(whole, file)).equals(readFileSync(join(broken, file))), `${file} differs`);
  return { first, whole };
}
