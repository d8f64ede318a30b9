import { openRuntime } from "../api/runtime-choice.ts";
import { resumeRun, type TrainRunOptions, trainRun } from "../api/train-run.ts";
import { isRunDirectory, openRunDirectory, RunLockedError, readResume, runFiles, statOf } from "../checkpoint/index.ts";
import { ensure, MiiiiError, messageOf } from "../core/index.ts";
import { CONFIG_FIELDS, sameValue } from "../model/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import type { FromTrainer, ToTrainer, TrainJob } from "./trainer-process.ts";

// What a sweep starts once for each trial that it trains at a time: takes runs to train, one after the other, and says how they
// go.

const ALIVE_MS = 1000;

function tellSweep(message: FromTrainer): void {
  // A parent that has gone hears nothing more: `disconnect` stops the run.
  if (process.connected) process.send?.(message);
}

/** Trains a run from wherever its folder stands. */
async function trainJob({ path, config, omega }: TrainJob, runtime: Runtime, options: Partial<TrainRunOptions>) {
  const given = { runtime, omega, ...options };
  if (!isRunDirectory(path)) return trainRun(config, path, given);
  const run = openRunDirectory(path);
  const other = CONFIG_FIELDS.find((field) => !sameValue(run.header.config[field], config[field]));
  ensure(
    other === undefined,
    "input",
    () =>
      `${path}: must be this trial's run, its ${other} is ${other && run.header.config[other]} and not ${other && config[other]}`,
  );
  if (statOf(runFiles.resume(run)) !== undefined) {
    const epoch = readResume(run).state.epoch;
    if (epoch >= config.epochs) return { path, epoch, interrupted: false };
  }
  return resumeRun(path, undefined, given);
}

let runtime: Promise<Runtime> | undefined;
let stop = new AbortController();

async function trainOne(job: TrainJob): Promise<void> {
  try {
    ensure(runtime !== undefined, "usage", () => "trainer: must be opened first");
    const { signal } = stop;
    const { epoch, interrupted } = await trainJob(job, await runtime, {
      signal,
      onProgress: (now) => tellSweep({ type: "epoch", epoch: now }),
      onTick: (row) => tellSweep({ type: "tick", tick: { epoch: row.epoch, accuracy: row.validation.accuracy } }),
    });
    tellSweep({ type: "done", epoch, interrupted });
  } catch (error) {
    const code = error instanceof MiiiiError ? error.code : "runtime";
    tellSweep({ type: "failed", code, message: messageOf(error), locked: error instanceof RunLockedError });
  }
}

const alive = setInterval(() => tellSweep({ type: "alive" }), ALIVE_MS);
process.on("message", (message: ToTrainer) => {
  switch (message.type) {
    case "open":
      runtime = openRuntime(message.runtime, { threads: message.threads }).then(({ runtime: opened }) => opened);
      // Reported by the run that needs it.
      runtime.catch(() => undefined);
      break;
    case "train":
      stop = new AbortController();
      void trainOne(message.job);
      break;
    case "stop":
      stop.abort();
      break;
    default:
      message satisfies never;
  }
});
process.on("disconnect", () => {
  stop.abort();
  clearInterval(alive);
});
// The parent is asked to stop by the same key or scheduler, and says when.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
