import { parentPort, workerData } from "node:worker_threads";
import { ANALYSES } from "../analyses/registry.ts";
import { openAnyRun } from "../checkpoint/index.ts";
import { MiiiiError } from "../core/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { collectGarbage } from "./analysis-input.ts";
import type { AnalysisMessage, AnalysisTask, ThrownText } from "./analysis-pool.ts";
import { runAnalyses } from "./analysis-task.ts";
import { type Gate, gatedRuntime } from "./gate.ts";

const tell = (message: AnalysisMessage) => parentPort?.postMessage(message);

function textOf(value: unknown): ThrownText {
  const error = value instanceof Error ? value : new Error(String(value));
  const { message, stack } = error;
  return { message, stack, ...(error instanceof MiiiiError ? { code: error.code } : {}) };
}

let runtime: Runtime | undefined;

/** A runtime of one thread, made when a task first needs one: the pool has as many threads as there are cores. */
async function ownRuntime(): Promise<Runtime> {
  const { onnxRuntime } = await import("../runtimes/index.ts");
  runtime ??= gatedRuntime(onnxRuntime({ threads: 1 }), workerData as Gate);
  return runtime;
}

// What an analysis pool starts in each of its threads: takes tasks, tells what becomes of them.
async function work({ ids, model, run, activations, seed, options }: AnalysisTask): Promise<void> {
  const analyses = ids.map((id) => {
    const analysis = ANALYSES.find((known) => known.id === id);
    if (analysis === undefined) throw new Error(`analysis worker: must know ${id}`);
    return analysis;
  });
  const computes = analyses.some(({ needs }) =>
    needs.some((need) => need === "forward" || need === "matmul" || need === "models"),
  );
  await runAnalyses(
    analyses,
    { ...model, ...(run === undefined ? {} : { run: openAnyRun(run) }) },
    { runtime: computes ? await ownRuntime() : undefined, seed, options, activations },
    {
      onStart: (id) => tell({ kind: "start", id }),
      onProgress: (id, done, total) => tell({ kind: "progress", id, done, total }),
      onNote: (text) => tell({ kind: "note", text }),
      onResult: (id, result) => tell({ kind: "result", id, result }),
      onError: (id, error) => tell({ kind: "error", id, error: textOf(error) }),
    },
  );
}

parentPort?.on("message", async (task: AnalysisTask) => {
  try {
    await work(task);
    // The task's activations, and what was made of them, go before the next one's come.
    collectGarbage();
    tell({ kind: "end" });
  } catch (error) {
    tell({ kind: "end", error: textOf(error) });
  }
});
