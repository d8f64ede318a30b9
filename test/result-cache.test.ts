import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fourier } from "../src/analyses/fourier/index.ts";
import { positional } from "../src/analyses/positional/index.ts";
import { analyzeModel } from "../src/api/analyze.ts";
import { codeDigests } from "../src/api/code-digest.ts";
import { load } from "../src/api/front.ts";
import { cacheSize, clearCache, resultCache } from "../src/api/result-cache.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";

const folder = mkdtempSync(join(tmpdir(), "miiii-results-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const runtime = onnxRuntime({ threads: 1 });
const model = await load("fixtures/nanda/step-000010000.safetensors");

test("a kept result is what is computed, and is kept once for all that it depends on", async () => {
  const cache = resultCache(folder);
  const how = { runtime, seed: 0, cache };
  const cold = await analyzeModel([fourier, positional], model, how);
  assert.equal(cacheSize(folder).results, 2);
  const warm = await analyzeModel([fourier, positional], model, how);
  const none = await analyzeModel([fourier, positional], model, { runtime, seed: 0 });
  for (const id of ["fourier", "positional"]) {
    assert.deepEqual(warm.get(id), cold.get(id));
    assert.deepEqual(none.get(id), cold.get(id));
  }
  assert.deepEqual([...warm.keys()], ["fourier", "positional"]);
  const context = { runtime, seed: 0, options: { draws: 200 } };
  const key = cache.keyOf(fourier, model, context);
  const other = { ...model, checkpoint: { ...model.checkpoint, sha256: "0" } };
  const keys = [
    cache.keyOf(positional, model, context),
    cache.keyOf(fourier, other, context),
    cache.keyOf(fourier, model, { ...context, seed: 1 }),
    cache.keyOf(fourier, model, { ...context, options: { draws: 201 } }),
    cache.keyOf(
      fourier,
      { ...model, split: { train: Int32Array.of(1), validation: Int32Array.of(), test: Int32Array.of() } },
      context,
    ),
  ];
  assert.equal(new Set([key, ...keys]).size, 6);
});

test("a key knows the code: the analysis's own and what all share, not that of others", () => {
  const cache = resultCache(folder);
  const key = () => cache.keyOf(fourier, model, { runtime, seed: 0, options: {} });
  const digests = codeDigests();
  const [before, { fourier: own = "", positional: other = "" }, shared] = [key(), { ...digests.analyses }, digests.shared];
  const under = (change: object, back: object, target: object) => {
    Object.assign(target, change);
    const changed = key();
    Object.assign(target, back);
    return changed !== before;
  };
  assert.ok(under({ fourier: "changed" }, { fourier: own }, digests.analyses));
  assert.ok(under({ shared: "changed" }, { shared }, digests));
  assert.ok(!under({ positional: "changed" }, { positional: other }, digests.analyses));
  assert.equal(key(), before);
});

test("a damaged entry is computed anew, old ones go when there are too many, and no folder is no failure", async () => {
  clearCache(folder);
  const cache = resultCache(folder);
  cache.write("a", { x: [1, 2.5] });
  assert.deepEqual(cache.read("a"), { x: [1, 2.5] });
  const file = join(folder, "a.json");
  writeFileSync(file, readFileSync(file, "utf8").replace("2.5", "3.5"));
  assert.equal(cache.read("a"), undefined);
  assert.deepEqual(readdirSync(folder), []);

  const small = resultCache(folder, 150);
  for (const [i, key] of ["old", "used", "new"].entries()) {
    small.write(key, key);
    if (key !== "new") utimesSync(join(folder, `${key}.json`), i + 1, i + 1);
    if (key === "used") assert.equal(small.read("old"), "old");
  }
  assert.deepEqual(
    ["old", "used", "new"].map((key) => small.read(key)),
    ["old", undefined, "new"],
  );
  assert.deepEqual(clearCache(folder).results, 2);
  const nowhere = resultCache("/dev/null/results");
  nowhere.write("a", 1);
  assert.equal(nowhere.read("a"), undefined);
});
