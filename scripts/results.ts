/**
 * `npm run results [-- RUN…]`: the results of shipped runs as the report asks for them, in `fixtures/results/`, where commands
 * find them by their keys: of the runs that have some there, or of those that are named. Only what is not there yet is computed;
 * `--anew` computes all. `--check` computes all, writes nothing, and tells which differ.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ANALYSES } from "../src/analyses/index.ts";
import { completeOptions } from "../src/analyses/kit/define.ts";
import { loadModel } from "../src/api/models.ts";
import { shippedReferences } from "../src/api/references.ts";
import { packResult, readShipped, SHIPPED_RESULTS, shippedFile } from "../src/api/shipped-results.ts";
import { REPORT_OPTIONS } from "../src/cli/commands/report.ts";
import { firstDifference } from "../test/helpers/same-result.ts";
import { shippedAnalyses } from "./lib/shipped.ts";

const words = process.argv.slice(2);
const [check, anew] = [words.includes("--check"), words.includes("--anew")];
const named = words.filter((word) => !word.startsWith("--"));
const references = shippedReferences();
// What shipped results are compared with is computed.
const { runtime, kept, before, analyze } = shippedAnalyses(anew || check);
// All of them would be too large to ship: a further run's come in when it is named.
const shipped = new Set(Object.values(before).map((name) => dirname(name)));
const chosen = references.filter(({ label }) => (named.length === 0 ? shipped.has(label) : named.includes(label)));
if (named.length + shipped.size === 0) throw new Error("results: no run has any yet; name those that shall");
const unknown = named.find((name) => !references.some(({ label }) => label === name));
if (unknown !== undefined) throw new Error(`results: must be a shipped run, got ${unknown}`);

// Those of other runs stay; of runs that are shipped no more, and of the chosen ones, none does.
const index = Object.fromEntries(
  Object.entries(before).filter(([, name]) =>
    references.some(({ label }) => name.startsWith(`${label}/`) && !chosen.some((one) => one.label === label)),
  ),
);
let different = 0;
for (const reference of chosen) {
  const model = await loadModel(reference);
  const outcomes = await analyze(model);
  for (const analysis of ANALYSES) {
    const result = outcomes.get(analysis.id)?.result;
    if (result === undefined) continue;
    const name = `${reference.label}/${analysis.id}`;
    const key = kept.keyOf(analysis, model, { runtime, seed: 0, options: completeOptions(analysis, REPORT_OPTIONS) });
    if (check) {
      const shipped = readShipped(name);
      const difference = shipped === undefined ? "is not there" : firstDifference(shipped, result);
      if (before[key] !== name) console.log(`${name}: stale key`);
      if (difference === undefined) continue;
      different += 1;
      console.log(`${name}: ${difference}`);
      continue;
    }
    index[key] = name;
    const [file, bytes] = [shippedFile(name), packResult(result)];
    mkdirSync(dirname(file), { recursive: true });
    if (!existsSync(file) || !readFileSync(file).equals(bytes)) writeFileSync(file, bytes);
  }
  console.log(`${reference.label}: ${outcomes.size} results`);
}
if (check) {
  console.log(`${different} differ`);
  process.exitCode = different === 0 ? 0 : 1;
} else {
  const names = new Set(Object.values(index));
  for (const name of Object.values(before)) if (!names.has(name)) rmSync(shippedFile(name), { force: true });
  mkdirSync(SHIPPED_RESULTS, { recursive: true });
  const sorted = Object.entries(index).sort(([, a], [, b]) => (a < b ? -1 : 1));
  writeFileSync(`${SHIPPED_RESULTS}/index.json`, `${JSON.stringify(Object.fromEntries(sorted), null, 1)}\n`);
}
