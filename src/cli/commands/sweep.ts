import { availableParallelism } from "node:os";
import type { Argv } from "yargs";
import { jsonText, shellWord, shownPath } from "../../api/output.ts";
import { RUNTIME_CHOICES } from "../../api/runtime-choice.ts";
import { VERSION } from "../../api/version.ts";
import { readFileBytes, statOf } from "../../checkpoint/index.ts";
import { ensure, MiiiiError } from "../../core/index.ts";
import { unknownName } from "../../core/nearest.ts";
import type { SweepSpec } from "../../sweep/spec.ts";
import type { Sweep } from "../../sweep/sweep.ts";
import type { SweepView, TrialView } from "../../sweep/view.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { numberOption } from "../config-options.ts";
import { EXIT, Interrupted } from "../exit.ts";
import { figureWriter } from "../figure-file.ts";
import { note, print } from "../output.ts";
import { objectiveNumber, paramsText, SweepProgress } from "../sweep-progress.ts";
import { table } from "../table.ts";

const ACTIONS = ["run", "work", "show"] as const;
type Action = (typeof ACTIONS)[number];

/** The options that each action takes, beside --storage. */
const TAKES: Readonly<Record<Action, readonly string[]>> = {
  run: ["space", "out", "jobs", "threads", "runtime"],
  work: ["out", "jobs", "threads", "runtime"],
  show: ["out", "top", "figure", "json"],
};

/** Declares the options of `sweep`. */
export function options(parser: Argv<GlobalOptions>) {
  return parser
    .positional("action", { type: "string", demandOption: true, description: `${ACTIONS.join(", ")}; see below` })
    .positional("sweep", {
      type: "string",
      demandOption: true,
      description: "run: the specification, YAML or JSON; work, show: the sweep's folder, or its study's name with --storage",
    })
    .option("storage", {
      type: "string",
      requiresArg: true,
      description: "postgresql://… or mysql://…: the study's database, for many machines [default: study.db in the folder]",
    })
    .option("out", { type: "string", requiresArg: true, description: "folder of the sweep's runs [default: sweeps/<study>]" })
    .option("space", { choices: ["paper"] as const, requiresArg: true, description: "run: search Table 1 of the paper" })
    .option("jobs", numberOption("jobs", "run, work: trials at once; default: cores / threads", "integer"))
    .option("threads", numberOption("threads", "run, work: CPU threads of each trial; default 1", "integer"))
    .option("runtime", {
      choices: RUNTIME_CHOICES,
      requiresArg: true,
      description: "run, work: what executes the training step [default: onnx]",
    })
    .option("top", numberOption("top", "show: so many of the best trials; default 10", "integer"))
    .option("figure", { type: "string", requiresArg: true, description: "show: draw the sweep to .html, .svg, .png or .vl.json" })
    .option("json", { type: "boolean", default: false, description: "show: print one JSON object" })
    .example("$0 sweep run sweep.yaml", "begin a sweep, or resume it; Ctrl-C saves its runs")
    .example("$0 sweep work sweeps/lambda", "help with its trials, from any number of machines")
    .example("$0 sweep show sweeps/lambda --figure sweep.html", "best trials, importances, seeds");
}

type Arguments = ArgumentsOf<typeof options>;

function actionOf(argv: Arguments): Action {
  const action = ACTIONS.find((known) => known === argv.action);
  if (action === undefined) throw unknownName("action of sweep", argv.action, ACTIONS);
  const given = ["space", "out", "jobs", "threads", "runtime", "top", "figure", "json"].filter(
    (name) => argv[name] !== undefined && argv[name] !== false,
  );
  const wrong = given.find((name) => !TAKES[action].includes(name));
  ensure(wrong === undefined, "usage", () => `--${wrong}: is not an option of sweep ${action}`);
  return action;
}

function atLeastOne(option: string, value: number | undefined): void {
  ensure(value === undefined || value >= 1, "usage", () => `--${option}: must be at least 1, got ${value}`);
}

/** What `read` returns; what it throws names the file. */
function located<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof MiiiiError ? new MiiiiError(error.code, `${file}: ${error.message}`, { cause: error }) : error;
  }
}

/** The specification in a file, with what the command line adds to it. */
async function specFromFile(file: string, paper: boolean): Promise<SweepSpec> {
  const { parseSpec, readSpec } = await import("../../sweep/spec.ts");
  const value = readSpec(new TextDecoder().decode(readFileBytes(file)), file);
  const isMap = typeof value === "object" && value !== null;
  ensure(
    !paper || (isMap && !("space" in value)),
    "usage",
    () => `--space paper: ${file} must have no space of its own, and be a specification`,
  );
  return located(file, () => parseSpec(paper ? { ...(value as object), space: "paper" } : value));
}

/** Where the sweep is that was named by its folder, or by its study. */
async function placeOf({ sweep, storage, out }: Arguments) {
  const { defaultFolder, isSweepFolder } = await import("../../sweep/sweep.ts");
  if (isSweepFolder(sweep)) {
    ensure(out === undefined, "usage", () => `--out: ${sweep} is the folder already`);
    return { place: { folder: sweep, storage }, named: undefined };
  }
  ensure(
    storage !== undefined,
    "io",
    () => `${sweep}: must be the folder of a sweep (with sweep.json), or the name of a study with --storage`,
  );
  ensure(statOf(sweep) === undefined || !sweep.includes("/"), "io", () => `${sweep}: holds no sweep.json`);
  return { place: { folder: out ?? defaultFolder(sweep), storage }, named: sweep };
}

/** What asks a sweep to stop: Ctrl-C, a scheduler, a terminal that is closed. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Works on a sweep's trials with progress shown; Ctrl-C saves every run, twice ends at once. */
async function work(sweep: Sweep, argv: Arguments): Promise<void> {
  const { study, spec, folder } = sweep;
  const { workOn } = await import("../../sweep/work.ts");
  const threads = argv.threads ?? 1;
  const runtime = argv.runtime ?? "onnx";
  const jobs = argv.jobs ?? (runtime === "onnx" ? Math.max(1, Math.floor(availableParallelism() / threads)) : 1);
  const { trials, epochs } = spec.budget;
  const seeds = `${spec.seeds.length} seed${spec.seeds.length === 1 ? "" : "s"}`;
  note(`${folder}: study ${spec.study} in ${sweep.storage}: ${trials} trials of ${seeds} and ${epochs} epochs`);
  note(`${jobs} at once${runtime === "onnx" ? `, ${threads} thread${threads === 1 ? "" : "s"} each` : ` on ${runtime}`}`);
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    note("stopping, saving the runs (again to stop at once)");
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  const progress = new SweepProgress(spec);
  try {
    await workOn(study, spec, folder, {
      jobs,
      runtime,
      ...(runtime === "onnx" ? { threads } : {}),
      signal: controller.signal,
      onEvent: (event) => progress.handle(event),
    });
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
  }
  if (controller.signal.aborted) {
    const { complete, pruned, fail } = (await study.counts()).counts;
    throw new Interrupted(
      `interrupted and saved, ${complete + pruned + fail} of ${trials} trials done; the same command resumes it`,
    );
  }
}

/** One trial as lines: its numbers, and the command that trains it. */
function trialRow(spec: Pick<SweepSpec, "objective">, trial: TrialView): string[] {
  const { number, value, sd, seeds, params } = trial;
  const range = (of: (result: TrialView["seeds"][number]) => string) => seeds.map(of).join(" ");
  return [
    String(number),
    objectiveNumber(spec, value),
    sd === null ? "-" : objectiveNumber(spec, sd),
    range(({ mean }) => mean.toFixed(3)),
    range(({ mean_above_7: mean }) => (mean === null ? "-" : mean.toFixed(3))),
    range(({ solved, tasks }) => `${solved}/${tasks}`),
    range(({ grok_epoch }) => String(grok_epoch ?? "-")),
    paramsText(params),
  ];
}

function shownView(view: SweepView, ranked: readonly TrialView[], top: number): string {
  const { trials, importances, importances_missing: missing } = view;
  const count = (state: TrialView["state"]) => trials.filter((trial) => trial.state === state).length;
  const states = (["complete", "pruned", "fail", "running", "waiting"] as const)
    .map((state) => `${count(state)} ${state === "fail" ? "failed" : state}`)
    .join(", ");
  const head = ["trial", "objective", "sd", "mean", "q > 7", "solved", "grok epoch", "parameters"];
  const best = ranked.slice(0, top);
  const weights = Object.entries(importances).map(([name, share]) => [name, share.toFixed(3)]);
  return [
    `study ${view.study} in ${view.storage}: ${states}`,
    ...(best.length === 0 ? [] : ["", table([head, ...best.map((trial) => trialRow(view, trial))])]),
    ...(best.length === 0 ? [] : ["", "commands, first seed:", ...best.map(({ number, command }) => `  ${number}: ${command}`)]),
    "",
    ...(weights.length > 0 ? [table([["parameter", "importance"], ...weights])] : [`no importances: ${missing ?? "none"}`]),
    ...trials.flatMap(({ number, reason }) => (reason === null ? [] : [`trial ${number} failed: ${reason}`])),
  ].join("\n");
}

async function show(argv: Arguments): Promise<void> {
  const draw = argv.figure === undefined ? undefined : figureWriter(argv.figure);
  const { joinSweep } = await import("../../sweep/sweep.ts");
  const { objectiveText, rankedTrials, sweepView } = await import("../../sweep/view.ts");
  const { place, named } = await placeOf(argv);
  const { study, spec, storage } = await joinSweep(place, named, { onNote: note });
  try {
    const view = sweepView(spec, await study.show(), { version: VERSION, storage });
    const ranked = rankedTrials(view);
    if (draw !== undefined) {
      ensure(ranked.length > 0, "input", () => `${argv.sweep}: has no complete trial to draw yet`);
      const { sweepFigure } = await import("../../sweep/figures.ts");
      const best = ranked[0];
      await draw({
        id: "sweep",
        spec: sweepFigure(view),
        title: `Sweep ${view.study}`,
        headline: `${objectiveText(view.objective)}; best ${objectiveNumber(spec, best?.value ?? null)}: ${paramsText(best?.params ?? {})}`,
      });
      note(`${argv.figure}: written`);
    }
    if (argv.json) return print(jsonText(view));
    note(`objective: ${objectiveText(view.objective)}, mean over the seeds`);
    print(shownView(view, ranked, argv.top ?? 10));
  } finally {
    await study.close();
  }
}

/** Runs, helps with or shows a sweep. */
export async function run(argv: Arguments): Promise<void> {
  const action = actionOf(argv);
  for (const option of ["jobs", "threads", "top"] as const) atLeastOne(option, argv[option]);
  ensure(
    argv.threads === undefined || (argv.runtime ?? "onnx") === "onnx",
    "usage",
    () => `--threads: is for the runtime onnx, got ${argv.runtime}`,
  );
  if (action === "show") return show(argv);
  const { defaultFolder, joinSweep, openSweep } = await import("../../sweep/sweep.ts");
  let sweep: Sweep;
  if (action === "run") {
    const spec = await specFromFile(argv.sweep, argv.space === "paper");
    const place = { folder: argv.out ?? defaultFolder(spec.study), storage: argv.storage };
    sweep = await openSweep(spec, place, { onNote: note });
  } else {
    const { place, named } = await placeOf(argv);
    sweep = await joinSweep(place, named, { onNote: note });
  }
  try {
    await work(sweep, argv);
    note(`all trials have ended; miiii sweep show ${shellWord(shownPath(sweep.folder))}`);
    print(shownPath(sweep.folder));
  } finally {
    await sweep.study.close();
  }
}
