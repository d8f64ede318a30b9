import { existsSync, readFileSync } from "node:fs";
import { ANALYSES } from "../../src/analyses/index.ts";
import { analyzeModel } from "../../src/api/analyze.ts";
import { CODE_DIGESTS, codeDigests } from "../../src/api/code-digest.ts";
import type { Model } from "../../src/api/models.ts";
import { resultCache } from "../../src/api/result-cache.ts";
import { readShipped, shippedIndex } from "../../src/api/shipped-results.ts";
import { REPORT_OPTIONS } from "../../src/cli/commands/report.ts";
import { onnxRuntime } from "../../src/runtimes/index.ts";

/** Threads run what is built: only where that is this code. */
function builtWorker(): URL | undefined {
  const digests = new URL(`../../dist/api/${CODE_DIGESTS}`, import.meta.url);
  const same = existsSync(digests) && JSON.parse(readFileSync(digests, "utf8")).whole === codeDigests().whole;
  if (!same) console.error("dist/ is not built from this code: all in one thread (npm run build would make it faster)");
  return same ? new URL("../../dist/api/analysis-worker.js", import.meta.url) : undefined;
}

/**
 * All analyses of a shipped run as the report asks for them: what is shipped or in the user's cache under the key of this code is
 * taken from there unless `anew`, the rest is computed and kept.
 */
export function shippedAnalyses(anew: boolean) {
  const [runtime, worker, kept, before] = [onnxRuntime(), builtWorker(), resultCache(), shippedIndex()];
  const read = (key: string) => (anew ? undefined : (readShipped(before[key]) ?? kept.read(key)));
  const analyze = (model: Model, onFailure: (id: string, why: string) => void = () => undefined) =>
    analyzeModel(ANALYSES, model, { runtime, seed: 0, options: REPORT_OPTIONS, cache: { ...kept, read }, worker, onFailure });
  return { runtime, kept, before, analyze };
}
