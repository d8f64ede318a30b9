import type { Argv } from "yargs";
import { type Analysis, completeOptions, type OptionValues } from "../../analyses/kit/define.ts";
import { type AnalyzeOptions, analyzeModel } from "../../api/analyze.ts";
import { envelope, groupsOf, type Outcome } from "../../api/envelope.ts";
import { ensureGroups, loadModel, type Model } from "../../api/models.ts";
import { ensureWritable, jsonText, shellWord, shownPath, writeText } from "../../api/output.ts";
import { parseReferences } from "../../api/references.ts";
import { openRuntime } from "../../api/runtime-choice.ts";
import { shippedRuns } from "../../api/shipped.ts";
import { keptResults } from "../../api/shipped-results.ts";
import { readSplit } from "../../api/split-file.ts";
import { statOf } from "../../checkpoint/index.ts";
import { ensure, type Json, MiiiiError } from "../../core/index.ts";
import { unknownName } from "../../core/nearest.ts";
import { analysisWork, stoppedText } from "../analysis-work.ts";
import { NO_CACHE } from "../cache-option.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { dashed, numberOption, seedOf } from "../config-options.ts";
import { writeCsv, writeParquet } from "../data-file.ts";
import { analysisFigure, figureWriter } from "../figure-file.ts";
import { foreignOptions, withForeignOptions } from "../foreign-options.ts";
import { note, print } from "../output.ts";
import { exitStopped, onStopSignal } from "../progress.ts";
import { SPLIT_OPTION } from "../split-option.ts";

async function registry(): Promise<readonly Analysis[]> {
  return (await import("../../analyses/registry.ts")).ANALYSES;
}

/** What may follow `analyze`. */
export async function analysisNames(): Promise<string[]> {
  return [...(await registry()).map(({ id }) => id), "all"];
}

/** The analyses that a word names: one, several between commas, or all. */
async function chosenAnalyses(word: string): Promise<readonly Analysis[]> {
  const analyses = await registry();
  if (word === "all") return analyses;
  const names = await analysisNames();
  return [...new Set(word.split(",").filter((name) => name !== ""))].map((name) => {
    const found = analyses.find(({ id }) => id === name);
    if (found === undefined) throw unknownName("analysis", name, names);
    return found;
  });
}

/** Throws, with the words in their order, where an analysis stands after a checkpoint, or two without a comma between. */
async function ensureOrder(words: readonly string[]): Promise<void> {
  const names = await analysisNames();
  const [first = "", ...others] = words.filter((word) => !word.startsWith("-"));
  const later = others.find((word) => names.includes(word) && statOf(word) === undefined);
  if (later === undefined) return;
  const known = first.split(",").every((word) => names.includes(word));
  const rest = others.filter((word) => word !== later);
  const meant = known ? [`${first},${later}`, ...rest] : [later, first, ...rest];
  throw new MiiiiError(
    "usage",
    `analyze: ${known ? "several analyses stand between commas" : "the analysis comes first"}; did you mean miiii analyze ${meant.map(shownPath).map(shellWord).join(" ")}?`,
  );
}

function withAnalysisOptions<T>(parser: Argv<T>, analysis: Analysis): Argv<T> {
  const group = `Options of ${analysis.id}:`;
  return Object.entries(analysis.options).reduce((y, [name, spec]) => {
    const description = `${spec.description} [default: ${spec.default}]`;
    const option =
      spec.type === "boolean"
        ? ({ type: "boolean", description, group } as const)
        : numberOption(dashed(name), description, "integer", { group });
    return y.option(dashed(name), option) as Argv<T>;
  }, parser);
}

/** Declares the options of `analyze`, with those of the analysis that `args` name. */
export async function options(parser: Argv<GlobalOptions>, args: readonly string[]) {
  const analyses = await registry();
  const [, typed] = args;
  await ensureOrder(args.slice(1));
  if (typed !== undefined && !typed.startsWith("-")) await chosenAnalyses(typed);
  const list = analyses.map(({ id, description }) => `  ${id.padEnd(12)}${description}`).join("\n");
  const declared = withForeignOptions(parser)
    .positional("analysis", {
      type: "string",
      demandOption: true,
      description: "an analysis of the list below, several between commas, or all",
    })
    .positional("checkpoints", {
      type: "string",
      array: true,
      default: [] as string[],
      description: "checkpoint files, run directories, or names of shipped runs",
    })
    .option("json", { type: "boolean", default: false, description: "print one JSON object" })
    .option("out", { type: "string", requiresArg: true, description: "write the JSON object to this file" })
    .option("figure", {
      type: "string",
      requiresArg: true,
      description: "draw to this file: .html, .svg, .png, .pdf or .vl.json",
    })
    .option("figure-width", numberOption("figure-width", "lay the figure's panels out for this width, in pixels", "integer"))
    .option("figure-scale", numberOption("figure-scale", "scale of a PNG (2) or PDF (1) against the drawing's size", "number"))
    .option("figure-theme", {
      choices: ["light", "dark"] as const,
      description: "ink and paper of .svg, .png and .pdf [default: light]",
    })
    .option("csv", {
      type: "string",
      requiresArg: true,
      description: "write the data behind the figure to this file, a row a value",
    })
    .option("parquet", { type: "string", requiresArg: true, description: "write the same as Parquet" })
    .option("split", SPLIT_OPTION)
    .option("no-cache", NO_CACHE)
    .option("seed", { ...numberOption("seed", "seed of the nulls", "integer"), default: 0 })
    .epilogue(`Analyses:\n${list}\n  ${"all".padEnd(12)}every one of them`);
  const chosen = analyses.find(({ id }) => args.slice(1).includes(id));
  return chosen === undefined ? declared : withAnalysisOptions(declared, chosen);
}

function optionValues(analysis: Analysis, argv: Readonly<Record<string, unknown>>): OptionValues {
  const given = Object.keys(analysis.options).flatMap((name) => {
    const value = argv[dashed(name)];
    return value === undefined ? [] : [[name, value as number | boolean] as const];
  });
  return completeOptions(analysis, Object.fromEntries(given));
}

/** One outcome for all analyses of a model: results by id, metrics with the id before their name. */
function combined(outcomes: ReadonlyMap<string, Outcome>): Outcome[] {
  const [first] = outcomes.values();
  if (first === undefined) return [];
  const metrics: Record<string, number> = {};
  const result: Record<string, Json> = {};
  for (const [id, outcome] of outcomes) {
    for (const [name, value] of Object.entries(outcome.metrics)) metrics[`${id}.${name}`] = value;
    result[id] = outcome.result;
  }
  return [{ model: first.model, metrics, result }];
}

function groupLines(outcomes: readonly Outcome[]): string {
  return groupsOf(outcomes)
    .map(({ label, members, metrics }) => {
      const lines = Object.entries(metrics).map(([name, value]) => {
        const number = (x: number) => Number(x.toPrecision(4)).toString();
        return `  ${name}: ${number(value.mean)} ± ${number(value.sd)} (${number(value.min)} to ${number(value.max)})`;
      });
      return `${label}: ${members.length} runs, mean ± standard deviation\n${lines.join("\n")}\n`;
    })
    .join("\n");
}

type AnalyzeArguments = ArgumentsOf<typeof options>;

/** The files that are to be written, by the options that name them. */
function filesOf({ out, figure, csv, parquet }: AnalyzeArguments): { readonly option: string; readonly file: string }[] {
  return Object.entries({ out, figure, csv, parquet }).flatMap(([option, file]) =>
    file === undefined ? [] : [{ option, file }],
  );
}

/** What must hold of the arguments before anything is read. */
function ensureArguments(argv: AnalyzeArguments, one: Analysis | undefined): void {
  const { analysis: name, checkpoints, figure, csv, parquet } = argv;
  const look = (["figure-width", "figure-scale", "figure-theme"] as const).find((option) => argv[option] !== undefined);
  ensure(figure !== undefined || look === undefined, "usage", () => `--${look}: is of a drawing, and --figure names none`);
  ensure(
    checkpoints.length > 0,
    "usage",
    () => `analyze ${name}: a checkpoint must be given: a file, a run directory or a shipped run (${shippedRuns().join(", ")})`,
  );
  ensure(
    figure === undefined || one !== undefined,
    "usage",
    () => `--figure draws one analysis; miiii report draws all of them, got analyze ${name}`,
  );
  ensure(
    (csv === undefined && parquet === undefined) || one !== undefined,
    "usage",
    () => "--csv and --parquet hold the data of one analysis's figure, got analyze all; --json holds all results",
  );
  const files = filesOf(argv);
  for (const { option, file } of files) {
    const other = files.find((entry) => entry.option !== option && entry.file === file);
    ensure(other === undefined, "usage", () => `--${option} and --${other?.option} must be different files, got ${file} twice`);
  }
}

/** The outcomes of one model's analyses, with progress while they are computed. */
async function outcomesOf(
  chosen: readonly Analysis[],
  model: Model,
  argv: AnalyzeArguments,
  how: Pick<AnalyzeOptions, "runtime" | "seed" | "options">,
): Promise<Map<string, Outcome>> {
  const { progress, watch } = analysisWork([model], chosen, true);
  const free = onStopSignal(() => {
    progress.stop();
    note(stoppedText(progress, !argv.noCache));
    void exitStopped();
  });
  const leaveOut = (id: string, reason: string) => note(`${model.label}: ${id} is left out: ${reason}`);
  return analyzeModel(chosen, model, {
    ...how,
    ...watch(model),
    onNote: note,
    cache: argv.noCache ? undefined : keptResults(),
    ...(argv.analysis === "all" ? { onFailure: leaveOut } : {}),
  }).finally(() => {
    progress.stop();
    free();
  });
}

function printSummaries({ label, checkpoint }: Model, found: ReadonlyMap<string, Outcome>, chosen: readonly Analysis[]): void {
  print(`${label} (${checkpoint.path})\n`);
  for (const analysis of chosen) {
    const outcome = found.get(analysis.id);
    if (outcome === undefined) continue;
    print(`${chosen.length === 1 ? "" : `${analysis.title}\n`}${analysis.summary(outcome.result).trimEnd()}\n`);
  }
}

/** Runs one analysis, or all, on each checkpoint; prints summaries or JSON, writes files. */
export async function run(argv: AnalyzeArguments): Promise<void> {
  const { analysis: name, checkpoints, figure, out, json, csv, parquet } = argv;
  const chosen = await chosenAnalyses(name);
  const [one] = chosen.length === 1 ? chosen : [];
  ensureArguments(argv, one);
  const look = { width: argv["figure-width"], scale: argv["figure-scale"], theme: argv["figure-theme"] };
  const drawFigure = figure === undefined ? undefined : figureWriter(figure, look);
  const files = filesOf(argv);
  for (const { file } of files) ensureWritable(file);
  const given = one === undefined ? {} : optionValues(one, argv);
  const seed = seedOf(argv.seed);
  const references = parseReferences(checkpoints);
  const split = argv.split === undefined ? undefined : readSplit(argv.split);

  const { runtime } = await openRuntime("onnx");
  const outcomes: Outcome[] = [];
  for (const reference of references) {
    const model = await loadModel(reference, { split, foreign: foreignOptions(argv), onNote: note });
    const found = await outcomesOf(chosen, model, argv, { runtime, seed, options: given });
    outcomes.push(...(one === undefined ? combined(found) : found.values()));
    if (!json) printSummaries(model, found, chosen);
  }
  ensureGroups(outcomes.map(({ model }) => model));
  if (json) print(jsonText(envelope(name, outcomes)));
  else if (outcomes.some(({ model }) => model.group !== undefined)) print(groupLines(outcomes));
  if (out !== undefined) writeText(out, jsonText(envelope(name, outcomes)));
  if (one !== undefined) {
    const entries = outcomes.map(({ model, result }) => ({ label: model.label, result, config: model.checkpoint.config }));
    await drawFigure?.(analysisFigure(one, entries));
    if (csv !== undefined) writeCsv(csv, one, entries);
    if (parquet !== undefined) await writeParquet(parquet, one, entries);
  }
  for (const { file } of files) note(`wrote ${shownPath(file)}`);
}
