import { join } from "node:path";
import type { Argv } from "yargs";
import { shellWord, shownPath } from "../../api/output.ts";
import { runLine } from "../../api/run-lines.ts";
import { type ChosenRuntime, openRuntime, RUNTIME_CHOICES } from "../../api/runtime-choice.ts";
import type { TrainRunOptions, TrainRunResult } from "../../api/train-run.ts";
import { openRunDirectory, readConfig } from "../../checkpoint/index.ts";
import { ensure } from "../../core/index.ts";
import { mean } from "../../math/index.ts";
import type { MetricsRow, RunConfig } from "../../model/index.ts";
import type { Runtime } from "../../runtimes/index.ts";
import { type Head, headsOf, type TaskConfig } from "../../tasks/index.ts";
import { checkConfig, PRESETS, type Preset, presetConfig } from "../../train/presets.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { CONFIG_FIELD_NAMES, configOverrides, dashed, numberOption, withConfigOptions } from "../config-options.ts";
import { EXIT, Interrupted } from "../exit.ts";
import { note, print } from "../output.ts";
import { createProgress, onStopSignal } from "../progress.ts";
import { watchRun } from "../watch-process.ts";

/** Declares the options of `train`. */
export function options(parser: Argv<GlobalOptions>) {
  const declared = parser
    .option("preset", { choices: PRESETS, requiresArg: true, description: "the settings to start from; a new run needs one" })
    .option("fast", { type: "boolean", default: false, description: "the preset's fast variant: groks in fewer epochs" })
    .option("config", { type: "string", requiresArg: true, description: "a run's config.json: trains the same again" })
    .option("out", { type: "string", requiresArg: true, description: "folder of the run, new [default: runs/<preset>-<seed>]" })
    .option("resume", { type: "string", requiresArg: true, description: "resume the run in this folder; takes --epochs" })
    .option("no-omega", { type: "boolean", default: false, description: "leave the frequency statistics over time out" })
    .option("runtime", {
      choices: RUNTIME_CHOICES,
      default: "auto" as const,
      requiresArg: true,
      description: "what executes the training step",
    })
    .option("watch", {
      type: "boolean",
      default: false,
      description: "open the page that follows the run, and keep it at the end until Ctrl-C",
    })
    .option("threads", numberOption("threads", "CPU threads of the runtime onnx", "integer"))
    .option("adapter", {
      type: "string",
      requiresArg: true,
      description: "GPU of the runtime webgpu: its number or part of its name",
    })
    .example("$0 train --preset nanda", "modular addition; groks after some 10,000 epochs")
    .example("$0 train --preset miiii --fast --p 53 --seed 1", "29 remainders at once, smaller and faster")
    .example("$0 train --config runs/nanda-0/config.json --seed 1", "the same settings with another seed")
    .example("$0 train --resume runs/nanda-0 --epochs 20000", "resume a run, to more epochs");
  return withConfigOptions(declared);
}

function described(runtime: Runtime, why: string | undefined): string {
  return `${runtime.name} (${runtime.device})${why === undefined ? "" : `: ${why}`}`;
}

/** Mean over the trained tasks. */
function meanPercent(accuracy: readonly number[], heads: readonly Head[]): string {
  const trained = accuracy.filter((_, h) => heads[h]?.active);
  return `${(100 * mean(trained)).toFixed(1)}%`;
}

/** Runs `work` with progress shown, and with Ctrl-C and termination asking it to save and stop; twice, at once. */
async function supervised(
  task: TaskConfig,
  total: number,
  work: (options: Pick<TrainRunOptions, "signal" | "onProgress" | "onTick">) => Promise<TrainRunResult>,
): Promise<TrainRunResult> {
  const heads = headsOf(task);
  const controller = new AbortController();
  let progress: ReturnType<typeof createProgress> | undefined;
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    if (progress === undefined) {
      // Compiling cannot be stopped, and there is nothing to save.
      note("stopped before the first new epoch; the run is as it was, and --resume trains it");
      process.exit(EXIT.interrupted);
    }
    note("stopping, saving the run (again to stop at once)");
    controller.abort();
  };
  let accuracy: Record<string, string> = {};
  const free = onStopSignal(stop);
  try {
    return await work({
      signal: controller.signal,
      onProgress: (epoch) => {
        progress ??= createProgress("epoch", total, { start: epoch - 1 });
        progress.update(epoch, accuracy);
      },
      onTick: ({ train, validation }: MetricsRow) => {
        accuracy = { train: meanPercent(train.accuracy, heads), validation: meanPercent(validation.accuracy, heads) };
      },
    });
  } finally {
    progress?.stop();
    free();
  }
}

/** What came out of a run, and what to ask it next. */
function cameOut(folder: string, shown: string): string {
  const { validation_accuracy, grokked, tasks, epoch } = runLine(shown, folder);
  const accuracy = validation_accuracy === null ? "nothing was logged" : `validation accuracy ${validation_accuracy.toFixed(3)}`;
  const solved = grokked === null ? "" : tasks === 1 ? "" : `, ${grokked} of ${tasks} tasks at 0.99 or above`;
  const word = shellWord(shown);
  return `after ${epoch ?? 0} epochs: ${accuracy}${solved}; next: miiii analyze curves ${word}, miiii report ${word}`;
}

/** Opens the runtime asked for; `auto` is the one that computes in the run's precision. */
async function runtimeFor(config: RunConfig, argv: ArgumentsOf<typeof options>): Promise<ChosenRuntime> {
  const only = config.precision === "float64" && argv.runtime === "auto" && argv.adapter === undefined;
  return only ? { ...(await openRuntime("onnx", argv)), why: "it alone computes in float64" } : openRuntime(argv.runtime, argv);
}

/** Trains a new run or resumes one; prints the run's folder. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const { preset, resume, config: file } = argv;
  const overrides = configOverrides(argv);
  const { trainRun, resumeRun } = await import("../../api/train-run.ts");
  const watching = argv.watch ? watchRun() : undefined;
  let result: TrainRunResult;
  if (resume !== undefined) {
    const fixed = ["preset", "fast", "config", "out", ...CONFIG_FIELD_NAMES.filter((field) => field !== "epochs").map(dashed)];
    const given = fixed.filter((name) => argv[name] !== undefined && argv[name] !== false);
    ensure(given.length === 0, "usage", () => `--resume takes the run's own settings and excludes --${given.join(", --")}`);
    const { config } = openRunDirectory(resume).header;
    const total = overrides.epochs ?? config.epochs;
    const { runtime, why } = await runtimeFor(config, argv);
    const onStart = () => {
      note(`${resume}: resumed to epoch ${total} on ${described(runtime, why)}`);
      watching?.start(resume);
    };
    result = await supervised(config, total, (watch) =>
      resumeRun(resume, overrides.epochs, { runtime, omega: !argv.noOmega, onStart, ...watch }),
    );
  } else {
    ensure(
      preset !== undefined || file !== undefined,
      "usage",
      () => `--preset, --config or --resume must be given; presets are ${PRESETS.join(", ")}`,
    );
    ensure(
      file === undefined || (preset === undefined && !argv.fast),
      "usage",
      () => "--config has every setting and excludes --preset and --fast",
    );
    const config =
      file === undefined
        ? presetConfig(preset as Preset, overrides, argv.fast)
        : checkConfig({ ...readConfig(file), ...overrides });
    headsOf(config);
    const out = argv.out ?? join("runs", `${config.preset}-${config.seed}`);
    const { runtime, why } = await runtimeFor(config, argv);
    const onStart = () => {
      note(
        `${out}: ${config.preset}, p = ${config.p}, seed ${config.seed}, ${config.epochs} epochs on ${described(runtime, why)}`,
      );
      watching?.start(out);
    };
    result = await supervised(config, config.epochs, (watch) =>
      trainRun(config, out, { runtime, omega: !argv.noOmega, onStart, ...watch }),
    );
  }
  const path = shownPath(result.path);
  if (result.interrupted)
    throw new Interrupted(`interrupted and saved at epoch ${result.epoch}; resume: miiii train --resume ${shellWord(path)}`);
  print(path);
  note(cameOut(result.path, path));
  await watching?.ended();
}
