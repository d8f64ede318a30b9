/**
 * `npm run findings`: analyzes the shipped runs, judges every claim by them and writes docs/findings.json and docs/findings.md.
 * What is shipped or in the user's cache is not computed again unless `--anew`; `--render` makes the page from the numbers as
 * they are.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BeatsResult } from "../src/analyses/beats/compute.ts";
import { loadModel } from "../src/api/models.ts";
import { type Reference, shippedReferences } from "../src/api/references.ts";
import { type AnalyzedRun, judgeClaims } from "../src/claims/index.ts";
import { type BeatFindings, type Findings, findingsPage, RUN, TOLD } from "./lib/findings.ts";
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

/** Tasks without circuits of their own, or read from beats, of each run that has some; beside them the same of the first run. */
function beatFindings(runs: readonly AnalyzedRun[]): BeatFindings {
  const results = new Map(runs.flatMap(({ label, results: { beats } }) => (beats ? [[label, beats.result as BeatsResult]] : [])));
  const told = ({ tasks, without_circuit }: BeatsResult) =>
    tasks.flatMap(({ q, circuit_of_beats: by }) => (without_circuit.includes(q) || by !== null ? [q] : []));
  const all = [...new Set([...results.values()].flatMap(told))];
  const found = [...results].map(([label, result]) => {
    const { tasks } = result;
    const wanted = label === RUN ? all : told(result);
    const numbers = tasks.filter(({ q }) => wanted.includes(q)).map((task) => JSON.parse(JSON.stringify(task, rounded)));
    return [label, numbers] as const;
  });
  return Object.fromEntries(found.filter(([, tasks]) => tasks.length > 0));
}

/** {@link cut} of a number wherever it stands. */
const rounded = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(9)) : value);

async function computed(): Promise<Findings> {
  const runs: AnalyzedRun[] = [];
  const shipped = shippedAnalyses(process.argv.includes("--anew"));
  for (const reference of shippedReferences()) {
    runs.push(await analyzed(reference, shipped));
    console.error(reference.label);
  }
  return {
    beats: beatFindings(runs),
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
