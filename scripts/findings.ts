/**
 * `npm run findings`: analyzes the shipped runs, judges every claim by them and writes docs/findings.json and docs/findings.md.
 * What is shipped or in the user's cache is not computed again unless `--anew`; `--render` makes the page from the numbers as
 * they are.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AlgorithmResult } from "../src/analyses/algorithm/compute.ts";
import { withAnalysisInput } from "../src/api/analysis-input.ts";
import { loadModel, type Model } from "../src/api/models.ts";
import { type Reference, shippedReferences } from "../src/api/references.ts";
import { type AnalyzedRun, judgeClaims } from "../src/claims/index.ts";
import { at } from "../src/core/index.ts";
import type { Runtime } from "../src/runtimes/index.ts";
import { type Beats, beatsOf } from "./lib/beats.ts";
import { type Findings, findingsPage, RUN, TOLD } from "./lib/findings.ts";
import { shippedAnalyses } from "./lib/shipped.ts";

const docs = join(dirname(dirname(fileURLToPath(import.meta.url))), "docs");
const [json, page] = [join(docs, "findings.json"), join(docs, "findings.md")];

async function analyzed(reference: Reference, { analyze }: ReturnType<typeof shippedAnalyses>): Promise<AnalyzedRun> {
  const model = await loadModel(reference);
  const missing: Record<string, string> = {};
  const found = await analyze(model, (id, why) => {
    missing[id] = why;
  });
  const results = Object.fromEntries([...found].map(([id, { result, metrics }]) => [id, { result, metrics }] as const));
  return { label: model.label, config: model.checkpoint.config, results, missing };
}

/** Numbers cut to nine significant digits, so that another machine's rounding changes no line. */
const cut = (metrics: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, Number(value.toPrecision(9))]));

/** The tasks that a model answers and their own circuits do not, by q. */
function withoutCircuit({ tasks, ladder }: AlgorithmResult): number[] {
  return tasks.filter((_, i) => at(ladder.model.accuracy, i) >= 0.99 && at(ladder.circuit.accuracy, i) < 0.9);
}

/** Whether these tasks are read from beats of other frequencies. */
function beatsIn(model: Model, runtime: Runtime, tasks: readonly number[]): Promise<Beats[]> {
  return withAnalysisInput(model, ["blocks.0.mlp.hook_pre", "matmul"], { runtime, seed: 0 }, (input) => beatsOf(input, tasks));
}

async function computed(): Promise<Findings> {
  const runs: AnalyzedRun[] = [];
  const unread: Record<string, number[]> = {};
  const shipped = shippedAnalyses(process.argv.includes("--anew"));
  for (const reference of shippedReferences()) {
    const run = await analyzed(reference, shipped);
    runs.push(run);
    const algorithm = run.results.algorithm?.result;
    const tasks = algorithm === undefined ? [] : withoutCircuit(algorithm as AlgorithmResult);
    if (tasks.length > 0) unread[run.label] = tasks;
    console.error(reference.label);
  }
  const beats: Record<string, Beats[]> = {};
  for (const reference of shippedReferences()) {
    const { label } = reference;
    // Beside them, the same tasks of the first run, which have circuits there.
    const tasks = unread[label] ?? (label === RUN ? [...new Set(Object.values(unread).flat())] : []);
    if (tasks.length > 0) beats[label] = await beatsIn(await loadModel(reference), shipped.runtime, tasks);
  }
  return {
    beats,
    runs: Object.fromEntries(
      runs.map(({ label, config: { task, p, seed = 0 }, results }) => [
        label,
        {
          task,
          p,
          seed,
          metrics: Object.fromEntries(TOLD.flatMap((id) => (results[id] === undefined ? [] : [[id, cut(results[id].metrics)]]))),
        },
      ]),
    ),
    claims: judgeClaims(runs).map(({ id, claim, paper, printed, rule, verdict, n, replications, ours, none, why }) => ({
      id,
      claim,
      paper,
      printed,
      rule,
      verdict,
      ...(n === undefined ? {} : { n }),
      replications,
      ours,
      none,
      ...(why === undefined ? {} : { why }),
    })),
  };
}

if (!process.argv.includes("--render")) writeFileSync(json, `${JSON.stringify(await computed(), null, 2)}\n`);
writeFileSync(page, findingsPage(JSON.parse(readFileSync(json, "utf8")) as Findings));
console.log(page);
