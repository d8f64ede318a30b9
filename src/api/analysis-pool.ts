import { Worker } from "node:worker_threads";
import type { AnalysisInput, OptionValues } from "../analyses/kit/define.ts";
import { type ErrorCode, type Json, MiiiiError } from "../core/index.ts";

/** One analysis to run in another thread: pure, so that it needs its input alone, and that without what reaches beyond the thread. */
export interface AnalysisTask {
  readonly id: string;
  readonly input: Omit<AnalysisInput, "series" | "forward" | "matmul" | "onProgress">;
  readonly options: OptionValues;
}

/** What a worker answers to a task. */
export type AnalysisAnswer =
  | { readonly result: Json }
  | { readonly message: string; readonly stack: string | undefined; readonly code?: ErrorCode };

interface Waiting {
  readonly task: AnalysisTask;
  readonly onStart: () => void;
  readonly resolve: (result: Json) => void;
  readonly reject: (error: Error) => void;
}

/** Threads that run analyses. */
export interface AnalysisPool {
  /** Runs a task as soon as a thread is free, in the order of asking; rejects with what the analysis threw. */
  run(task: AnalysisTask & { readonly onStart: () => void }): Promise<Json>;
  /** Ends the threads, whatever they do. */
  close(): Promise<void>;
}

function thrown(answer: Exclude<AnalysisAnswer, { result: Json }>): Error {
  const error = answer.code === undefined ? new Error(answer.message) : new MiiiiError(answer.code, answer.message);
  if (answer.stack !== undefined) error.stack = answer.stack;
  return error;
}

/** What threads run; only where this is compiled, since Node 20's threads load no TypeScript. */
export const ANALYSIS_WORKER = import.meta.url.endsWith(".js") ? new URL("./analysis-worker.js", import.meta.url) : undefined;

/** Starts `threads` threads that run the module `source`; large arrays in shared memory are read there without a copy. */
export function analysisPool(threads: number, source: URL): AnalysisPool {
  const queue: Waiting[] = [];
  const busy = new Map<Worker, Waiting | undefined>();
  let failure: Error | undefined;

  const next = (worker: Worker): void => {
    const waiting = queue.shift();
    busy.set(worker, waiting);
    if (waiting === undefined) return;
    waiting.onStart();
    worker.postMessage(waiting.task);
  };
  const lost = (worker: Worker, error: Error): void => {
    busy.get(worker)?.reject(error);
    busy.delete(worker);
    if (busy.size > 0) return;
    failure = error;
    for (const { reject } of queue.splice(0)) reject(error);
  };
  for (let i = 0; i < threads; i++) {
    const worker = new Worker(source);
    busy.set(worker, undefined);
    worker.on("message", (answer: AnalysisAnswer) => {
      const waiting = busy.get(worker);
      next(worker);
      if ("result" in answer) waiting?.resolve(answer.result);
      else waiting?.reject(thrown(answer));
    });
    // A thread that ran out of memory, say.
    worker.on("error", (error) => lost(worker, error instanceof Error ? error : new Error(String(error))));
  }
  return {
    run: ({ onStart, ...task }) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        queue.push({ task, onStart, resolve, reject });
        for (const [worker, waiting] of busy) {
          if (waiting === undefined) {
            next(worker);
            break;
          }
        }
      }),
    async close() {
      await Promise.all([...busy.keys()].map((worker) => worker.terminate()));
    },
  };
}
