import { setPriority } from "node:os";
import { ExploredModel } from "../api/explore/explored-model.ts";
import { openRuntime } from "../api/runtime-choice.ts";
import { keptResults } from "../api/shipped-results.ts";
import { ensure, ensureFiniteJson, type Json, MiiiiError, messageOf } from "../core/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import type { ComputeSetup, ComputeTask, FromCompute, ToCompute } from "./compute-process.ts";

// What a server starts to compute for its pages: one task at a time, the last models kept.

/** Models that are kept at hand: those of a comparison. */
const KEPT = 2;

function tellServer(message: FromCompute): void {
  if (process.connected) process.send?.(message);
}

let setup: ComputeSetup | undefined;
let runtime: Promise<Runtime> | undefined;
/** By run, epoch and stamp; the one used last stands last. */
const kept = new Map<string, ExploredModel>();

async function modelFor({ request: { run, epoch }, stamp }: ComputeTask): Promise<ExploredModel> {
  const key = JSON.stringify([run, epoch, stamp]);
  const known = kept.get(key);
  if (known !== undefined) {
    kept.delete(key);
    kept.set(key, known);
    return known;
  }
  ensure(setup !== undefined, "usage", () => "compute: must be set up first");
  const { references, foreign, split, seed, useCache } = setup;
  const reference = references[run];
  ensure(reference !== undefined, "usage", () => `run: must be one of ${references.length}, got ${run}`);
  for (const [oldest, model] of [...kept].slice(0, Math.max(0, kept.size - KEPT + 1))) {
    kept.delete(oldest);
    await model.dispose();
  }
  runtime ??= openRuntime("onnx").then(({ runtime: opened }) => opened);
  const load = { foreign, ...(split === undefined ? {} : { split }) };
  const cache = useCache ? keptResults() : undefined;
  const model = await ExploredModel.open(reference, epoch, { runtime: await runtime, seed, load, cache });
  kept.set(key, model);
  return model;
}

async function compute(task: ComputeTask): Promise<object | Json> {
  const model = await modelFor(task);
  const { request } = task;
  const onProgress = (done: number, total: number) => tellServer({ type: "progress", done, total });
  switch (request.kind) {
    case "picture":
      return model.picture(onProgress);
    case "neuron":
      return model.neuron(request.neuron);
    case "ablation":
      return model.ablation(request.ablation, onProgress);
    case "analysis":
      return model.analysis(request.id, onProgress);
    default:
      return request satisfies never;
  }
}

async function answer(task: ComputeTask): Promise<void> {
  try {
    const result = await compute(task);
    ensureFiniteJson(result as Json, task.request.kind);
    tellServer({ type: "done", json: JSON.stringify(result) });
  } catch (error) {
    tellServer({ type: "failed", code: error instanceof MiiiiError ? error.code : "runtime", message: messageOf(error) });
  }
}

process.on("message", (message: ToCompute) => {
  if (message.type === "setup") setup = message;
  else void answer(message);
});
// The server is asked to stop by the same key, and says when.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
try {
  // A run in training on the same machine comes first.
  setPriority(10);
} catch {
  // Where the system does not let it, both share.
}
