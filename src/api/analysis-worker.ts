import { parentPort } from "node:worker_threads";
import { ANALYSES } from "../analyses/registry.ts";
import { MiiiiError } from "../core/index.ts";
import type { AnalysisAnswer, AnalysisTask } from "./analysis-pool.ts";

// What an analysis pool starts in each of its threads: takes tasks, answers with results.
async function answer({ id, input, options }: AnalysisTask): Promise<AnalysisAnswer> {
  try {
    const analysis = ANALYSES.find((known) => known.id === id);
    if (analysis === undefined) throw new Error(`analysis worker: must know ${id}`);
    return { result: await analysis.run(input, options) };
  } catch (error) {
    // Structured clones of errors lose their class and code.
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    return { message, stack, ...(error instanceof MiiiiError ? { code: error.code } : {}) };
  }
}

parentPort?.on("message", async (task: AnalysisTask) => parentPort?.postMessage(await answer(task)));
