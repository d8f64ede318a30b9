import { Worker } from "node:worker_threads";
import type { AnalysisInput, OptionValues } from "../analyses/kit/define.ts";
import { type ErrorCode, type Json, MiiiiError } from "../core/index.ts";
import type { Looked } from "./analysis-input.ts";
import type { TaskListener } from "./analysis-task.ts";
import { type Gate, makeGate, shutGate } from "./gate.ts";

/** Analyses of one model to run in another thread, which opens the run's folder and a runtime of one thread itself. */
export interface AnalysisTask {
  readonly ids: readonly string[];
  readonly model: Omit<Looked, "run">;
  /** The run's folder, for analyses over time. */
  readonly run?: string;
  /** In shared memory: read there without a copy. */
  readonly activations: AnalysisInput["activations"];
  readonly seed: number;
  readonly options: OptionValues;
}

/** What a worker tells of its task. */
export type AnalysisMessage =
  | { readonly kind: "start"; readonly id: string }
  | { readonly kind: "progress"; readonly id: string; readonly done: number; readonly total: number }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "result"; readonly id: string; readonly result: Json }
  | { readonly kind: "error"; readonly id: string; readonly error: ThrownText }
  | { readonly kind: "end"; readonly error?: ThrownText };

/** What was thrown, as far as a structured clone keeps it: class and code would be lost. */
export interface ThrownText {
  readonly message: string;
  readonly stack: string | undefined;
  readonly code?: ErrorCode;
}

interface Waiting {
  readonly task: AnalysisTask;
  readonly listener: TaskListener;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Threads that run analyses. */
export interface AnalysisPool {
  readonly threads: number;
  /** Resolves when next a thread has done its task and finds no other. */
  readonly idle: () => Promise<void>;
  /** Runs a task as soon as a thread is free, in the order of asking; resolves when it is done, whatever its analyses threw. */
  run(task: AnalysisTask, listener: TaskListener): Promise<void>;
  /** Ends the threads, whatever they do. */
  close(): Promise<void>;
}

function thrown({ message, stack, code }: ThrownText): Error {
  const error = code === undefined ? new Error(message) : new MiiiiError(code, message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** What threads run; only where this is compiled, since Node 20's threads load no TypeScript. */
export const ANALYSIS_WORKER = import.meta.url.endsWith(".js") ? new URL("./analysis-worker.js", import.meta.url) : undefined;

/** Passes on what a worker tells; whether its task has ended. */
function hear(message: AnalysisMessage, { listener, resolve, reject }: Waiting): boolean {
  switch (message.kind) {
    case "start":
      listener.onStart(message.id);
      return false;
    case "progress":
      listener.onProgress(message.id, message.done, message.total);
      return false;
    case "note":
      listener.onNote(message.text);
      return false;
    case "result":
      listener.onResult(message.id, message.result);
      return false;
    case "error":
      listener.onError(message.id, thrown(message.error));
      return false;
    case "end":
      if (message.error === undefined) resolve();
      else reject(thrown(message.error));
      return true;
    default:
      return message satisfies never;
  }
}

/** Starts `threads` threads that run the module `source`; large arrays in shared memory are read there without a copy. */
export function analysisPool(threads: number, source: URL): AnalysisPool {
  const queue: Waiting[] = [];
  const busy = new Map<Worker, Waiting | undefined>();
  let failure: Error | undefined;

  const idlers: (() => void)[] = [];

  const next = (worker: Worker): void => {
    const waiting = queue.shift();
    busy.set(worker, waiting);
    if (waiting !== undefined) worker.postMessage(waiting.task);
    else for (const idle of idlers.splice(0)) idle();
  };
  const lost = (worker: Worker, error: Error): void => {
    busy.get(worker)?.reject(error);
    busy.delete(worker);
    if (busy.size > 0) return;
    failure = error;
    for (const { reject } of queue.splice(0)) reject(error);
  };
  const gates: Gate[] = [];
  /** With the first task: where every result is kept from before, no thread is needed. */
  const start = (): void => {
    const gate = makeGate();
    gates.push(gate);
    const worker = new Worker(source, { workerData: gate });
    busy.set(worker, undefined);
    worker.on("message", (message: AnalysisMessage) => {
      const waiting = busy.get(worker);
      if (waiting !== undefined && hear(message, waiting)) next(worker);
    });
    // A thread that ran out of memory, say.
    worker.on("error", (error) => lost(worker, error instanceof Error ? error : new Error(String(error))));
  };
  const pool: AnalysisPool = {
    threads,
    idle: () =>
      new Promise((resolve) => {
        idlers.push(resolve);
      }),
    run: (task, listener) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        queue.push({ task, listener, resolve, reject });
        while (gates.length < threads) start();
        for (const [worker, waiting] of busy) {
          if (waiting === undefined) {
            next(worker);
            break;
          }
        }
      }),
    async close() {
      pools.delete(pool);
      await Promise.all(gates.map(shutGate));
      await Promise.all([...busy.keys()].map((worker) => worker.terminate()));
    },
  };
  pools.add(pool);
  return pool;
}

/** Pools that have not been closed. */
const pools = new Set<AnalysisPool>();

/** Ends all threads that run analyses: what is to be done before a process that is stopped halfway exits. */
export async function closePools(): Promise<void> {
  await Promise.all([...pools].map((pool) => pool.close()));
}
