import type { ImportedModel } from "../checkpoint/import/candidates.ts";
import { chooseImport, RIGHT_ACCURACY } from "../checkpoint/import/choose.ts";
import { importModel } from "../checkpoint/import/import-model.ts";
import type { Layout } from "../checkpoint/import/layout.ts";
import { isNormOrGate } from "../checkpoint/import/roles.ts";
import type { Checkpoint } from "../checkpoint/index.ts";
import { ensure } from "../core/index.ts";
import { BIAS_NAMES } from "../model/index.ts";
import type { TaskName } from "../tasks/index.ts";
import { openRuntime } from "./runtime-choice.ts";

/** Takes remarks that are neither results nor errors: how a file was read, what was left out. */
export type OnNote = (text: string) => void;

/** What a user may say of a model trained elsewhere. */
export interface ForeignOptions {
  readonly layout?: Layout | undefined;
  readonly heads?: number | undefined;
  readonly task?: Exclude<TaskName, "basis"> | undefined;
  readonly lowDigit?: "first" | "second" | undefined;
  readonly attentionRate?: number | undefined;
  readonly mapping?: string | undefined;
}

const list = (names: readonly string[]) =>
  names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");

async function score({ config, parameters }: ImportedModel): Promise<number> {
  const [{ scoreOf }, { runtime }] = [await import("./evaluate.ts"), await openRuntime("onnx")];
  return scoreOf(config, parameters, runtime);
}

/**
 * Reads a model trained elsewhere; how its tensors were read, and how well it does, is reported to `note`. Where names and shapes leave a
 * question open, the answers are evaluated.
 *
 * @throws kind `input` for a model with layer norms or gates, unless it is right without them: it computes another function.
 */
export async function readForeign(path: string, options: ForeignOptions, note: OnNote): Promise<Checkpoint> {
  const { layout, heads, task, lowDigit, attentionRate, mapping } = options;
  const result = importModel(path, {
    ...(layout === undefined ? {} : { layout }),
    ...(heads === undefined ? {} : { heads }),
    ...(task === undefined ? {} : { task }),
    ...(lowDigit === undefined ? {} : { low_digit: lowDigit }),
    ...(attentionRate === undefined ? {} : { attention_rate: attentionRate }),
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
