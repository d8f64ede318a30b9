import type { Argv } from "yargs";
import { envelope } from "../../api/envelope.ts";
import type { HeadEvaluation, SplitName } from "../../api/evaluate.ts";
import { loadModel, type Model } from "../../api/models.ts";
import { jsonText } from "../../api/output.ts";
import { parseReferences } from "../../api/references.ts";
import { openRuntime } from "../../api/runtime-choice.ts";
import { readSplit } from "../../api/split-file.ts";
import { tensorsOf } from "../../checkpoint/index.ts";
import { sizeOf } from "../../core/index.ts";
import { mean } from "../../math/index.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { foreignOptions, withForeignOptions } from "../foreign-options.ts";
import { note, print } from "../output.ts";
import { SPLIT_OPTION } from "../split-option.ts";
import { table } from "../table.ts";

/** Declares the options of `inspect`. */
export function options(parser: Argv<GlobalOptions>) {
  return withForeignOptions(parser)
    .positional("checkpoint", { type: "string", demandOption: true, description: "a file, a run directory or a shipped run" })
    .option("evaluate", { type: "boolean", default: false, description: "accuracy and cross-entropy by task and split" })
    .option("split", SPLIT_OPTION)
    .option("json", { type: "boolean", default: false, description: "print one JSON object" });
}

const SPLITS = ["train", "validation", "test", "all"] as const satisfies readonly SplitName[];

/** The result of `inspect`. */
export type InspectResult = {
  /** Completed epochs, where the file says so. */
  epoch: number | null;
  /** Number of parameters. */
  parameters: number;
  tensors: { name: string; dtype: string; shape: number[] }[];
  /** Number of samples in each set, where the split is known. */
  split: { train: number; validation: number; test: number } | null;
  /** The file's metadata as stored. */
  metadata: Record<string, string>;
  /** With `--evaluate`. */
  heads?: HeadEvaluation[];
};

function inspected(model: Model): InspectResult {
  const { checkpoint, split } = model;
  const tensors = [...tensorsOf(checkpoint.parameters)].map(([name, { dtype, shape }]) => ({ name, dtype, shape: [...shape] }));
  return {
    epoch: checkpoint.epoch ?? null,
    parameters: tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    tensors,
    split:
      split === undefined ? null : { train: split.train.length, validation: split.validation.length, test: split.test.length },
    metadata: { ...checkpoint.metadata },
  };
}

/** Means over the output heads by split: `accuracy_train`, `cross_entropy_test`, … */
function meansOf(heads: readonly HeadEvaluation[]): Record<string, number> {
  const means: Record<string, number> = {};
  for (const measure of ["accuracy", "cross_entropy"] as const) {
    for (const name of SPLITS) {
      const values = heads.flatMap((head) => head[measure][name] ?? []);
      if (values.length > 0) means[`${measure}_${name}`] = mean(values);
    }
  }
  return means;
}

function evaluationTable(heads: readonly HeadEvaluation[]): string {
  const names = SPLITS.filter((name) => heads.some(({ accuracy }) => accuracy[name] !== undefined));
  const head = ["q", ...names.map((name) => `acc ${name}`), ...names.map((name) => `CE ${name}`)];
  const rows = heads.map(({ q, accuracy, cross_entropy }) => [
    String(q),
    ...names.map((name) => (accuracy[name] ?? 0).toFixed(4)),
    ...names.map((name) => (cross_entropy[name] ?? 0).toExponential(2)),
  ]);
  return table([head, ...rows]);
}

function summary(model: Model, description: InspectResult): string {
  const { checkpoint } = model;
  const { split, tensors, parameters, epoch } = description;
  const config = Object.entries(checkpoint.config).map(([key, value]) => `${key} ${value}`);
  return [
    table([
      ["file", checkpoint.path],
      ["sha256", checkpoint.sha256],
      ["epoch", epoch === null ? "not known" : String(epoch)],
      [
        "samples",
        split === null ? "split not known" : `${split.train} train, ${split.validation} validation, ${split.test} test`,
      ],
      ["parameters", String(parameters)],
    ]).replace(/^(\S+) +/gm, (_, name: string) => name.padEnd(12)),
    `config      ${config.join(" · ")}`,
    "",
    tensors.map(({ name, dtype, shape }) => `${name.padEnd(22)}${dtype} [${shape.join(", ")}]`).join("\n"),
  ].join("\n");
}

/** Prints what a checkpoint holds, and with `--evaluate` how well it does. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const split = argv.split === undefined ? undefined : readSplit(argv.split);
  const models: Model[] = [];
  for (const reference of parseReferences([argv.checkpoint]))
    models.push(await loadModel(reference, { split, foreign: foreignOptions(argv), onNote: note }));
  const runtime = argv.evaluate ? (await openRuntime("onnx")).runtime : undefined;
  const outcomes = [];
  for (const model of models) {
    const description = inspected(model);
    const heads = runtime === undefined ? undefined : await (await import("../../api/evaluate.ts")).evaluateModel(model, runtime);
    const result: InspectResult = heads === undefined ? description : { ...description, heads };
    outcomes.push({ model, metrics: heads === undefined ? {} : meansOf(heads), result });
    if (argv.json) continue;
    print(`${model.label}\n${summary(model, description)}\n`);
    if (heads !== undefined) print(`${evaluationTable(heads)}\n`);
  }
  if (argv.json) print(jsonText(envelope("inspect", outcomes)));
}
