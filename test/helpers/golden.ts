import { existsSync, readFileSync } from "node:fs";
import { ANALYSES } from "../../src/analyses/index.ts";
import { analyzeModel } from "../../src/api/analyze.ts";
import { loadModel } from "../../src/api/models.ts";
import { shippedReferences } from "../../src/api/references.ts";
import { onnxRuntime } from "../../src/runtimes/index.ts";

/** Metrics by analysis and name. */
export type Golden = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Analyses whose hundreds of passes or patches would take a test minutes; their own tests plant structures instead. */
const LONG: readonly string[] = ["circuits", "patch", "course"];

/** Where a run's golden lies. */
export function goldenPath(run: string): string {
  return new URL(`../golden/${run}.json`, import.meta.url).pathname;
}

/** The shipped runs that have goldens: further seeds and ablations have none, and no test waits for them. */
export const GOLDEN_RUNS = shippedReferences()
  .map(({ label }) => label)
  .filter((label) => existsSync(goldenPath(label)));

/** The golden of a run. */
export function readGolden(run: string): Golden {
  return JSON.parse(readFileSync(goldenPath(run), "utf8")) as Golden;
}

/** What a shipped run's analyses give now. */
export async function computeGolden(run: string): Promise<Golden> {
  const reference = shippedReferences().find(({ label }) => label === run);
  if (reference === undefined) throw new Error(`golden: ${run} must be a shipped run`);
  const model = await loadModel(reference);
  const analyses = ANALYSES.filter(({ id, refuses }) => !LONG.includes(id) && refuses?.(model.checkpoint.config) === undefined);
  const outcomes = await analyzeModel(analyses, model, { runtime: onnxRuntime({ threads: 2 }), seed: 0 });
  return Object.fromEntries([...outcomes].map(([id, { metrics }]) => [id, { ...metrics }]));
}
