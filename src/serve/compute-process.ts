import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import type { ForeignOptions } from "../api/foreign.ts";
import type { Reference } from "../api/references.ts";
import type { GivenSplit } from "../api/split-file.ts";
import { type ErrorCode, MiiiiError } from "../core/index.ts";
import type { ComputeRequest } from "./request.ts";

/** What is computed on, and how. */
export interface ComputeSetup {
  readonly references: readonly Reference[];
  readonly foreign: ForeignOptions;
  readonly split?: GivenSplit | undefined;
  readonly seed: number;
  readonly useCache: boolean;
}

/** One computation; `stamp` tells versions of a file apart, so that a run that began anew is read anew. */
export interface ComputeTask {
  readonly request: ComputeRequest;
  readonly stamp: string;
}

/** What the computing process is told. */
export type ToCompute = ({ readonly type: "setup" } & ComputeSetup) | ({ readonly type: "compute" } & ComputeTask);

/** What it says. */
export type FromCompute =
  | { readonly type: "progress"; readonly done: number; readonly total: number }
  | { readonly type: "done"; readonly json: string }
  | { readonly type: "failed"; readonly code: ErrorCode; readonly message: string };

/** What one computation may take. */
export interface ComputeLimits {
  readonly seconds: number;
  /** Of the process, where the system tells. */
  readonly bytes: number;
}

/** How often the process's memory is looked at. */
const LOOK_MS = 500;

const PAGE_BYTES = 4096;

/** Memory that a process holds, on Linux; undefined where the system does not say. */
function memoryOf(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * PAGE_BYTES;
  } catch {
    return undefined;
  }
}

const PROGRAM = new URL(`./compute-worker${extname(import.meta.url)}`, import.meta.url);

/**
 * A process that computes one thing at a time, so that the server goes on answering, and that can be ended in the midst of it. It
 * keeps the last models that it read; ended, it is started anew with the next task.
 */
export class ComputeProcess {
  readonly #setup: ComputeSetup;
  readonly #limits: ComputeLimits;
  readonly #program: URL;
  #child: ChildProcess | undefined;

  constructor(setup: ComputeSetup, limits: ComputeLimits, program: URL = PROGRAM) {
    this.#setup = setup;
    this.#limits = limits;
    this.#program = program;
  }

  #start(): ChildProcess {
    const child = fork(this.#program, [], { stdio: ["ignore", "ignore", "ignore", "ipc"], serialization: "advanced" });
    child.send({ type: "setup", ...this.#setup } satisfies ToCompute);
    return child;
  }

  /**
   * Computes, and gives the result's JSON.
   *
   * @throws what the computation threw; kind `runtime` where it took too long or too much, or was ended.
   */
  compute(task: ComputeTask, onProgress: (done: number, total: number) => void): Promise<string> {
    const child = this.#child ?? this.#start();
    this.#child = child;
    const { seconds, bytes } = this.#limits;
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(overdue);
        clearInterval(watch);
        child.off("message", hear);
        child.off("exit", died);
        child.off("error", broken);
        settle();
      };
      const fail = (message: string) => {
        this.stop();
        end(() => reject(new MiiiiError("runtime", message)));
      };
      const overdue = setTimeout(() => fail(`stopped: it must take at most ${seconds} s, and took longer`), seconds * 1000);
      const watch = setInterval(() => {
        const held = child.pid === undefined ? undefined : memoryOf(child.pid);
        if (held !== undefined && held > bytes)
          fail(`stopped: it must do with ${(bytes / 1e9).toFixed(1)} GB of memory, and took ${(held / 1e9).toFixed(1)} GB`);
      }, LOOK_MS);
      const hear = (message: FromCompute) => {
        switch (message.type) {
          case "progress":
            onProgress(message.done, message.total);
            break;
          case "done":
            end(() => resolve(message.json));
            break;
          case "failed":
            end(() => reject(new MiiiiError(message.code, message.message)));
            break;
          default:
            message satisfies never;
        }
      };
      const died = (code: number | null, signal: string | null) => {
        this.#child = undefined;
        end(() => reject(new MiiiiError("runtime", `the computing process ended with ${signal ?? `exit code ${code}`}`)));
      };
      const broken = (error: Error) => fail(`the computing process failed: ${error.message}`);
      child.on("message", hear);
      child.on("exit", died);
      child.on("error", broken);
      child.send({ type: "compute", ...task } satisfies ToCompute);
    });
  }

  /** Ends whatever it does, at once. */
  stop(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}
