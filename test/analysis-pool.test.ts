import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { ANALYSES } from "../src/analyses/index.ts";
import { type AnalysisTask, analysisPool } from "../src/api/analysis-pool.ts";
import type { TaskListener } from "../src/api/analysis-task.ts";
import { analyzeModel } from "../src/api/analyze.ts";
import { loadModel } from "../src/api/models.ts";
import { shippedReferences } from "../src/api/references.ts";
import { MiiiiError } from "../src/core/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";

const worker = new URL("./helpers/analysis-worker.mjs", import.meta.url);
const nowhere = pathToFileURL("/nowhere/analysis-worker.js");

const unknown = { ids: ["poitional"], model: {} as AnalysisTask["model"], activations: {}, seed: 0, options: {} };
const nobody: TaskListener = {
  onStart: () => undefined,
  onProgress: () => undefined,
  onNote: () => undefined,
  onResult: () => undefined,
  onError: () => undefined,
};

async function nanda() {
  const reference = shippedReferences().find(({ label }) => label === "nanda");
  assert.ok(reference !== undefined);
  return loadModel(reference);
}

test("a model's analyses are the same in threads as without, in the same order", async () => {
  const model = await nanda();
  // Of every kind: arrays alone, products, a series, and two that share a pass through its models.
  const ids = ["positional", "fourier", "attention", "neurons", "curves", "emergence", "progress"];
  const chosen = ANALYSES.filter(({ id }) => ids.includes(id));
  const begun: string[] = [];
  const onStart = (id: string) => begun.push(id);
  const runtime = onnxRuntime({ threads: 2 });
  const apart = await analyzeModel(chosen, model, { runtime, seed: 3, threads: 2, worker, onStart });
  assert.deepEqual(begun.toSorted(), chosen.map(({ id }) => id).toSorted());
  const here = await analyzeModel(chosen, model, { runtime, seed: 3, threads: 0 });
  assert.deepEqual([...apart], [...here]);
});

test("what an analysis throws in a thread is thrown here, of its kind", async () => {
  const model = await nanda();
  const chosen = ANALYSES.filter(({ id }) => ["positional", "fourier"].includes(id));
  const { W_E, ...rest } = { W_E: model.checkpoint.parameters["embed.W_E"], ...model.checkpoint.parameters };
  const spoilt = { ...rest, "embed.W_E": { ...W_E, data: W_E.data.slice().fill(Number.NaN) } };
  const told: string[] = [];
  const found = await analyzeModel(
    chosen,
    { ...model, checkpoint: { ...model.checkpoint, parameters: spoilt } },
    {
      runtime: onnxRuntime({ threads: 2 }),
      seed: 0,
      threads: 2,
      worker,
      onFailure: (id, reason) => told.push(`${id}: ${reason}`),
    },
  );
  assert.deepEqual([...found], []);
  assert.equal(told.length, 2);
  assert.match(told.join("\n"), /finite, got NaN/);
});

test("a failure that is no user's error keeps its message and trace", async () => {
  const pool = analysisPool(1, worker);
  try {
    await assert.rejects(pool.run(unknown, nobody), (error) => {
      assert.ok(error instanceof Error && !(error instanceof MiiiiError));
      assert.match(error.message, /must know poitional/);
      return /analysis-worker\.ts/.test(error.stack ?? "");
    });
  } finally {
    await pool.close();
  }
});

test("threads that cannot start are told of, whether before or after the first task", async () => {
  const pool = analysisPool(2, nowhere);
  await assert.rejects(pool.run(unknown, nobody), /nowhere/);
  await assert.rejects(pool.run(unknown, nobody), /nowhere/);
  await assert.rejects(pool.run(unknown, nobody), /nowhere/);
  await pool.close();
});
