import type { Argv } from "yargs";
import type { ImportedModel } from "../checkpoint/import/candidates.ts";
import { chooseImport, RIGHT_ACCURACY } from "../checkpoint/import/choose.ts";
import { importModel } from "../checkpoint/import/import-model.ts";
import { LAYOUTS, type Layout } from "../checkpoint/import/layout.ts";
import { isNormOrGate } from "../checkpoint/import/roles.ts";
import type { Checkpoint } from "../checkpoint/index.ts";
import { numberOption } from "../cli/config-options.ts";
import { note } from "../cli/output.ts";
import { ensure } from "../core/index.ts";
import { BIAS_NAMES } from "../model/index.ts";
import type { TaskName } from "../tasks/index.ts";
import { openRuntime } from "./runtime-choice.ts";

/** What a user may say of a model trained elsewhere. */
export interface ForeignOptions {
  readonly layout?: Layout | undefined;
  readonly heads?: number | undefined;
  readonly task?: Exclude<TaskName, "basis"> | undefined;
  readonly lowDigit?: "first" | "second" | undefined;
  readonly mapping?: string | undefined;
}

const GROUP = "Models trained elsewhere:";

/** Declares the options that settle what an imported file leaves open. */
export function withForeignOptions<T>(parser: Argv<T>) {
  return parser
    .option("layout", { choices: LAYOUTS, requiresArg: true, group: GROUP, description: "how the file writes its matrices" })
    .option("heads", numberOption("heads", "number of attention heads", "integer", { group: GROUP }))
    .option("task", {
      choices: ["nanda", "miiii", "masked"] as const,
      requiresArg: true,
      group: GROUP,
      description: "what it was trained on",
    })
    .option("low-digit", {
      choices: ["first", "second"] as const,
      requiresArg: true,
      group: GROUP,
      description: "which token is the low digit",
    })
    .option("mapping", { type: "string", requiresArg: true, group: GROUP, description: "JSON file: which tensor is what" });
}

/** What the options of {@link withForeignOptions} say. */
export function foreignOptions({ layout, heads, task, lowDigit, mapping }: ForeignOptions): ForeignOptions {
  return { layout, heads, task, lowDigit, mapping };
}

const list = (names: readonly string[]) =>
  names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");

async function score({ config, parameters }: ImportedModel): Promise<number> {
  const [{ scoreOf }, { runtime }] = [await import("./evaluate.ts"), await openRuntime("onnx")];
  return scoreOf(config, parameters, runtime);
}

/**
 * Reads a model trained elsewhere; how its tensors were read, and how well it does, is told on stderr. Where names and shapes leave a
 * question open, the answers are evaluated.
 *
 * @throws kind `input` for a model with layer norms or gates, unless it is right without them: it computes another function.
 */
export async function readForeign(path: string, options: ForeignOptions): Promise<Checkpoint> {
  const { layout, heads, task, lowDigit, mapping } = options;
  const result = importModel(path, {
    ...(layout === undefined ? {} : { layout }),
    ...(heads === undefined ? {} : { heads }),
    ...(task === undefined ? {} : { task }),
    ...(lowDigit === undefined ? {} : { low_digit: lowDigit }),
    ...(mapping === undefined ? {} : { mapping }),
  });
  const { source, format, surplus } = result;
  const { model, tried } = await chooseImport(result, score);
  const { config, parameters, description } = model;
  const found = tried.find((reading) => reading.description === description)?.accuracy ?? (await score(model));
  const right = found > RIGHT_ACCURACY;
  const accuracy = `accuracy ${config.labels === "divisibility" ? "beyond guessing " : ""}${found.toFixed(4)}`;
  const computing = surplus.filter(isNormOrGate);
  ensure(
    right || computing.length === 0,
    "input",
    () => `${path}: must be a model without layer norms and gates, has ${list(computing)}, and ${accuracy} without them`,
  );
  const readings = tried.length > 1 ? ` (of ${tried.length} readings tried)` : "";
  note(`${path}: ${format}${source === "" ? "" : ` (${source})`}, ${description}, ${accuracy}${readings}`);
  if (surplus.length > 0)
    note(`${path}: left out ${list(surplus)}, which ${surplus.length > 1 ? "have" : "has"} no place in the model`);
  if (!right)
    note(
      `${path}: it has not generalised, or computes in another way than this model (another activation, or norms without weights)`,
    );
  const biases = BIAS_NAMES.filter((name) => parameters[name] !== undefined);
  return { path, sha256: result.sha256, config, parameters, biases, metadata: {} };
}
