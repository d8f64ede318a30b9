import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import type { ErrorCode } from "../core/index.ts";
import type { RunConfig } from "../model/index.ts";
import type { RuntimeName } from "../runtimes/index.ts";
import type { Tick } from "./objective.ts";

/** A run to train, from wherever its folder stands. */
export interface TrainJob {
  readonly path: string;
  readonly config: RunConfig;
  readonly omega: boolean;
}

/** What executes the runs of a sweep. */
export interface RuntimeChoice {
  readonly runtime: RuntimeName | "auto";
  readonly threads?: number | undefined;
}

/** What a trainer is told. */
export type ToTrainer =
  | ({ readonly type: "open" } & RuntimeChoice)
  | { readonly type: "train"; readonly job: TrainJob }
  | { readonly type: "stop" };

/** How training a run ended. */
export type TrainEnd =
  | { readonly type: "done"; readonly epoch: number; readonly interrupted: boolean }
  | { readonly type: "failed"; readonly code: ErrorCode; readonly message: string; readonly locked: boolean }
  | { readonly type: "died"; readonly message: string };

/** What a trainer says. */
export type FromTrainer =
  | { readonly type: "alive" }
  | { readonly type: "epoch"; readonly epoch: number }
  | { readonly type: "tick"; readonly tick: Tick }
  | Exclude<TrainEnd, { type: "died" }>;

/** Told how a run goes. */
export interface TrainWatch {
  readonly onEpoch: (epoch: number) => void;
  readonly onTick: (tick: Tick) => void;
}

const PROGRAM = new URL(`./trainer${extname(import.meta.url)}`, import.meta.url);

/** A process that trains one run at a time. */
export class Trainer {
  readonly #choice: RuntimeChoice;
  #child: ChildProcess | undefined;
  #heard = 0;

  constructor(choice: RuntimeChoice) {
    this.#choice = choice;
  }

  /** Milliseconds since the process was heard from; 0 where it trains nothing. */
  get silence(): number {
    return this.#child === undefined ? 0 : performance.now() - this.#heard;
  }

  #tell(message: ToTrainer): void {
    if (this.#child?.connected) this.#child.send(message);
  }

  #start(): ChildProcess {
    const child = fork(PROGRAM, [], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
    this.#child = child;
    this.#tell({ type: "open", ...this.#choice });
    return child;
  }

  /** Trains a run; a process that dies over it is replaced at the next. */
  train(job: TrainJob, watch: TrainWatch): Promise<TrainEnd> {
    const child = this.#child ?? this.#start();
    this.#heard = performance.now();
    return new Promise((resolve) => {
      const end = (result: TrainEnd) => {
        child.off("message", hear);
        child.off("exit", died);
        child.off("error", broken);
        if (result.type === "died") this.#child = undefined;
        resolve(result);
      };
      const hear = (message: FromTrainer) => {
        this.#heard = performance.now();
        switch (message.type) {
          case "alive":
            break;
          case "epoch":
            watch.onEpoch(message.epoch);
            break;
          case "tick":
            watch.onTick(message.tick);
            break;
          case "done":
          case "failed":
            end(message);
            break;
          default:
            message satisfies never;
        }
      };
      const died = (code: number | null, signal: string | null) =>
        end({ type: "died", message: `the training process ended with ${signal ?? `exit code ${code}`}` });
      const broken = (error: Error) => end({ type: "died", message: error.message });
      child.on("message", hear);
      child.on("exit", died);
      child.on("error", broken);
      this.#tell({ type: "train", job });
    });
  }

  /** Asks the run in training to stop, saved. */
  stop(): void {
    this.#tell({ type: "stop" });
  }

  /** Ends the process once its run has stopped. */
  close(): void {
    if (this.#child?.connected) this.#child.disconnect();
    this.#child = undefined;
  }
}
