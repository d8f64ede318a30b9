import type { ImportedModel } from "../checkpoint/import/candidates.ts";
import { chooseImport, RIGHT_ACCURACY } from "../checkpoint/import/choose.ts";
import { type ImportRequest, type ImportResult, importModel } from "../checkpoint/import/import-model.ts";
import type { Layout } from "../checkpoint/import/layout.ts";
import type { Checkpoint, ImportRecord } from "../checkpoint/index.ts";
import { ensure, MiiiiError, quoted } from "../core/index.ts";
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
  /** p, where the vocabulary is padded. */
  readonly modulus?: number | undefined;
  readonly mapping?: string | undefined;
  /** Names of tensors or modules that are left out on the user's own account. */
  readonly ignore?: readonly string[] | undefined;
  /** Which of several models in one file. */
  readonly state?: string | undefined;
  /** The MLP's activation. */
  readonly activation?: string | undefined;
}

/** The request of the library's reader that the options come to. */
export function requestOf(options: ForeignOptions): ImportRequest {
  const { layout, heads, task, lowDigit, attentionRate, modulus, mapping, ignore, state, activation } = options;
  return {
    ...(layout === undefined ? {} : { layout }),
    ...(heads === undefined ? {} : { heads }),
    ...(task === undefined ? {} : { task }),
    ...(lowDigit === undefined ? {} : { low_digit: lowDigit }),
    ...(attentionRate === undefined ? {} : { attention_rate: attentionRate }),
    ...(modulus === undefined ? {} : { modulus }),
    ...(mapping === undefined ? {} : { mapping }),
    ...(ignore === undefined ? {} : { ignore }),
    ...(state === undefined ? {} : { state }),
    ...(activation === undefined ? {} : { activation }),
  };
}

async function score({ config, parameters }: ImportedModel): Promise<number> {
  const [{ scoreOf }, { runtime }] = [await import("./evaluate.ts"), await openRuntime("onnx")];
  return scoreOf(config, parameters, runtime);
}

const shortList = (names: readonly string[]) =>
  names.length > 4 ? `${names.slice(0, 4).map(quoted).join(", ")} and ${names.length - 4} more` : names.map(quoted).join(", ");

/** Why a model may be inaccurate; where another activation or operation explains its answers, that alone. */
async function reasons({ config, parameters }: ImportedModel, activationAssumed: boolean): Promise<string> {
  const [{ equalsFirst, otherActivations, otherOperation, otherOrder, paddedModulus }, { runtime }] = [
    await import("./evaluate.ts"),
    await openRuntime("onnx"),
  ];
  const others = activationAssumed ? await otherActivations(config, parameters, runtime) : [];
  if (others.length > 0) return `low accuracy with ReLU, which was assumed; above 0.9 with --activation ${others.join(" or ")}`;
  const modulus = await paddedModulus(config, parameters, runtime);
  if (modulus !== undefined)
    return `low accuracy at p = ${config.p}, the size of its vocabulary; above 0.9 with --modulus ${modulus}: it is padded`;
  if (await equalsFirst(config, parameters, runtime))
    return "low accuracy with '=' as the last token; above 0.9 where it is the first: save numpy.roll(W_E, -1, 0) in its place, and a read-out of all tokens likewise";
  const order = await otherOrder(config, parameters, runtime);
  if (order !== undefined)
    return `low accuracy with query, key and value as they were taken; above 0.9 in the order ${order}: a mapping says so (--print-mapping; "rows" cuts one tensor)`;
  const other = await otherOperation(config, parameters, runtime);
  return other === undefined
    ? "low accuracy: not generalised, or another operation (subtraction, multiplication), activation, norm, or order of tokens or of attention heads than this model has"
    : `low accuracy: it answers ${other.name} (accuracy ${other.accuracy.toFixed(4)}), which is none of this project's tasks`;
}

const HEADS_FROM = { shape: "", option: "", stated: " as the file states", trial: "" } as const;

/** What stderr says of how a file was read; the record has it all. */
function remarks(path: string, { description }: ImportedModel, record: ImportRecord, accuracy: string, tried: number): string[] {
  const { format, state, other_states: others, left_out, tied_embeddings, activation, activation_from, notes, files } = record;
  const act =
    activation_from === "assumed"
      ? "read with ReLU (--activation names another)"
      : `activation ${activation} (${activation_from})`;
  const readings = tried > 1 ? ` (of ${tried} readings tried)` : "";
  const from = files === undefined ? "" : files.length > 1 ? ` in ${files.length} files` : ` in ${files[0]}`;
  return [
    `${path}: ${format}${from}${state === "" ? "" : ` (${state})`}, ${description}${HEADS_FROM[record.n_heads_from]}, ${act}, ${accuracy}${readings}`,
    ...(others === undefined
      ? []
      : [
          `${path}: 1 of ${others.count + 1} models in the file, ${state || "the outer one"}; others ${shortList(others.first.slice(0, 4))}${others.count > 4 ? ", …" : ""} (--state KEY)`,
        ]),
    ...(left_out.length === 0
      ? []
      : [
          `${path}: left out ${shortList(left_out)} as --ignore says: without ${left_out.length > 1 ? "them" : "it"} this may be another function than the file's`,
        ]),
    ...(tied_embeddings ? [`${path}: the read-out is the embedding, as the file has none of its own`] : []),
    ...notes.map((text) => `${path}: ${text}`),
  ];
}

/** The model of a result that leaves questions open, settled by accuracy where they are; see {@link readForeign}. */
export async function settleForeign(result: ImportResult, note: OnNote): Promise<Checkpoint> {
  const { path } = result;
  const { model, tried } = await chooseImport(result, score);
  const { config, parameters, description } = model;
  const found = tried.find((reading) => reading.description === description)?.accuracy ?? (await score(model));
  const right = found > RIGHT_ACCURACY;
  const accuracy = `accuracy ${config.labels === "divisibility" ? "beyond guessing " : ""}${found.toFixed(4)}`;
  ensure(
    right || !result.presumedTied,
    "input",
    () => `${path}: must hold every weight, lacks unembed.W_U (with the embedding in its place: ${accuracy})`,
  );
  const record = result.recordOf(model);
  const reading = record === undefined ? undefined : { ...record, accuracy: found, tried: Math.max(tried.length, 1) };
  if (reading !== undefined) for (const text of remarks(path, model, reading, accuracy, tried.length)) note(text);
  if (!right && reading !== undefined) note(`${path}: ${await reasons(model, reading.activation_from === "assumed")}`);
  const biases = BIAS_NAMES.filter((name) => parameters[name] !== undefined);
  return { path, sha256: result.sha256, config, parameters, biases, ...(reading === undefined ? {} : { reading }), metadata: {} };
}

/** The accuracy of a file as it is read without the user's mapping; 0 where it cannot be read so. */
async function accuracyWithoutMapping(path: string, { mapping: _, ...options }: ForeignOptions): Promise<number> {
  try {
    const { reading } = await settleForeign(importModel(path, requestOf(options)), () => undefined);
    return reading?.accuracy ?? 0;
  } catch (error) {
    if (error instanceof MiiiiError) return 0;
    throw error;
  }
}

/**
 * Reads a model file, this project's own or one from elsewhere. How the latter was read, and how well it does, is reported to
 * `note` and stands in the checkpoint. Where names and shapes leave a question open, the answers are evaluated.
 *
 * @throws kind `input` for a model with tensors that have no place in this one: without them it would be another function.
 */
export async function readForeign(path: string, options: ForeignOptions, note: OnNote): Promise<Checkpoint> {
  const result = importModel(path, requestOf(options));
  // Its own files leave nothing to settle, and keep what they say of themselves.
  if (result.checkpoint !== undefined) return result.checkpoint;
  const checkpoint = await settleForeign(result, note);
  if (options.mapping !== undefined && (checkpoint.reading?.accuracy ?? 1) <= RIGHT_ACCURACY) {
    const without = await accuracyWithoutMapping(path, options);
    if (without > RIGHT_ACCURACY) note(`${path}: without the mapping its accuracy is ${without.toFixed(4)}`);
  }
  return checkpoint;
}
