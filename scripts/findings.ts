/**
 * `npm run findings`: analyzes the shipped runs, judges every claim by them and writes docs/findings.json and docs/findings.md.
 * `--cache DIR` keeps each run's analyses there and takes them from there; `--render` makes the page from the numbers as they
 * are.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ANALYSES } from "../src/analyses/registry.ts";
import { analyzeModel } from "../src/api/analyze.ts";
import { loadModel } from "../src/api/models.ts";
import { type Reference, shippedReferences } from "../src/api/references.ts";
import { type AnalyzedRun, judgeClaims } from "../src/claims/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { type Findings, findingsPage, TOLD } from "./lib/findings.ts";

const docs = join(dirname(dirname(fileURLToPath(import.meta.url))), "docs");
const [json, page] = [join(docs, "findings.json"), join(docs, "findings.md")];
const given = process.argv.indexOf("--cache");
const cache = given < 0 ? undefined : process.argv[given + 1];

async function analyzed(reference: Reference): Promise<AnalyzedRun> {
  const file = cache === undefined ? undefined : join(cache, `${reference.label}.json`);
  if (file !== undefined && existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as AnalyzedRun;
  const model = await loadModel(reference);
  const missing: Record<string, string> = {};
  const found = await analyzeModel(ANALYSES, model, {
    runtime: onnxRuntime({ threads: 2 }),
    seed: 0,
    options: { samples: 512 },
    onFailure: (id, why) => {
      missing[id] = why;
    },
  });
  const results = Object.fromEntries([...found].map(([id, { result, metrics }]) => [id, { result, metrics }] as const));
  const run: AnalyzedRun = { label: model.label, config: model.checkpoint.config, results, missing };
  if (file !== undefined) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(run));
  }
  return run;
}

/** Numbers cut to nine significant digits, so that another machine's rounding changes no line. */
const cut = (metrics: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, Number(value.toPrecision(9))]));

async function computed(): Promise<Findings> {
  const runs: AnalyzedRun[] = [];
  for (const reference of shippedReferences()) {
    runs.push(await analyzed(reference));
    console.error(reference.label);
  }
  return {
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
