import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { ANALYSES } from "../src/analyses/index.ts";
import { completeOptions } from "../src/analyses/kit/define.ts";
import { quantised } from "../src/analyses/kit/quantised.ts";
import { analyzeModel } from "../src/api/analyze.ts";
import { codeDigests } from "../src/api/code-digest.ts";
import { loadModel } from "../src/api/models.ts";
import { shippedReferences } from "../src/api/references.ts";
import { resultCache } from "../src/api/result-cache.ts";
import { resultKey } from "../src/api/result-key.ts";
import { packResult, readShipped, shippedFile, shippedIndex, withShipped } from "../src/api/shipped-results.ts";
import { REPORT_OPTIONS } from "../src/cli/commands/report.ts";
import { randomStream } from "../src/core/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { firstDifference } from "./helpers/same-result.ts";

const folder = mkdtempSync(join(tmpdir(), "miiii-shipped-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("a shipped result is found by its key, after the user's own, and nothing is written beside it", () => {
  const [own, shipped] = [join(folder, "own"), join(folder, "shipped")];
  const put = (name: string, bytes: Uint8Array | string) => {
    mkdirSync(dirname(shippedFile(name, shipped)), { recursive: true });
    writeFileSync(shippedFile(name, shipped), bytes);
  };
  put("run/a", packResult({ x: [1, 2.5] }));
  put("run/damaged", "no result");
  writeFileSync(join(shipped, "index.json"), JSON.stringify({ ka: "run/a", kd: "run/damaged", kn: "run/none" }));
  const cache = withShipped(resultCache(own), shipped);
  assert.deepEqual(cache.read("ka"), { x: [1, 2.5] });
  for (const key of ["kd", "kn", "stale"]) assert.equal(cache.read(key), undefined, key);
  cache.write("ka", "computed");
  assert.equal(cache.read("ka"), "computed");
  assert.deepEqual(readShipped("run/a", shipped), { x: [1, 2.5] });
  assert.equal(withShipped(resultCache(join(folder, "empty")), join(folder, "no folder")).read("ka"), undefined);
});

test("every analysis has its own code, which others' may be part of", () => {
  const { analyses, shared, reading, whole } = codeDigests();
  for (const { id } of ANALYSES) assert.match(analyses[id] ?? "", /^[0-9a-f]{64}$/, id);
  assert.equal(new Set([...Object.values(analyses), shared, reading, whole]).size, Object.keys(analyses).length + 3);
});

test("results that differ are told apart, by more than rounding", () => {
  const matrix = (first: number) => quantised([first, 0.5, 1], 3);
  const result = { a: [1, 2], b: { c: "x" }, m: matrix(0) };
  assert.equal(firstDifference(result, { ...result, a: [1, 2 + 1e-9] }), undefined);
  assert.match(firstDifference(result, { ...result, a: [1, 2.001] }) ?? "", /^\.a\.1: expected 2, got 2\.001/);
  assert.match(firstDifference(result, { ...result, a: [1] }) ?? "", /^\.a\.1: is there in one/);
  assert.match(firstDifference(result, { ...result, b: { c: "y" } }) ?? "", /^\.b\.c: expected "x"/);
  assert.match(firstDifference(result, { ...result, m: matrix(0.1) }) ?? "", /^\.m: levels differ/);
});

/** What a test has the time for: `npm run results -- --check` computes all. */
const MOST_EFFORT = 3;

const RECOMPUTED = 4;

test("shipped results are what is computed: some of them, drawn anew with each set of them", async (t) => {
  const index = shippedIndex();
  const references = shippedReferences();
  const quick = Object.values(index).flatMap((name) => {
    const [label, id] = name.split("/");
    const analysis = ANALYSES.find((one) => one.id === id && (one.effort ?? 1) <= MOST_EFFORT && !one.needs.includes("models"));
    const reference = references.find((one) => one.label === label);
    return analysis === undefined || reference === undefined ? [] : [{ name, analysis, reference }];
  });
  if (quick.length === 0) return t.skip("no results are shipped");
  const seed = [...Object.keys(index).join("")].reduce((sum, letter) => (31 * sum + letter.charCodeAt(0)) % 2 ** 31, 0);
  const order = randomStream(seed, "shipped results").permutation(quick.length);
  const runtime = onnxRuntime({ threads: 2 });
  let stale = 0;
  for (const place of order.slice(0, RECOMPUTED)) {
    const one = quick[place];
    if (one === undefined) continue;
    const { name, analysis, reference } = one;
    const model = await loadModel(reference);
    const key = resultKey(analysis, model, { runtime, seed: 0, options: completeOptions(analysis, REPORT_OPTIONS) });
    if (index[key] !== name) stale += 1;
    const outcomes = await analyzeModel([analysis], model, { runtime, seed: 0, options: REPORT_OPTIONS, threads: 0 });
    const [shipped, computed] = [readShipped(name), outcomes.get(analysis.id)?.result];
    assert.ok(shipped !== undefined && computed !== undefined, `${name}: must be shipped and computed; npm run results`);
    assert.equal(firstDifference(shipped, computed, name), undefined, "npm run results renews them");
  }
  // The same results by other code are not found: a report then computes them anew.
  if (stale > 0) t.skip(`${stale} of the ${RECOMPUTED} are right but of other code: npm run results`);
});
