import { activationsOf } from "../activations/index.ts";
import { chanceOf } from "../analyses/kit/chance.ts";
import { RIGHT_ACCURACY } from "../checkpoint/import/choose.ts";
import type { StoredConfig } from "../checkpoint/index.ts";
import { type NdArray, rows, transpose } from "../core/index.ts";
import { headMetrics, mean } from "../math/index.ts";
import { ACTIVATIONS, type Activation, type Parameters } from "../model/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { headsOf, makeDataset, primesBelow } from "../tasks/index.ts";
import type { Model } from "./models.ts";

/** The sets of samples that a model is evaluated on; without a known split, `all` alone. */
export type SplitName = "train" | "validation" | "test" | "all";

/** Accuracy and mean cross-entropy (nats) of one output head by set of samples. */
export type HeadEvaluation = {
  q: number;
  classes: number;
  accuracy: { [name in SplitName]?: number };
  cross_entropy: { [name in SplitName]?: number };
};

/**
 * Mean over the trained tasks, on all samples, of the accuracy; for divisibility labels, of the accuracy beyond that of always
 * naming the larger class, (accuracy − chance)/(1 − chance), since that alone is above 0.9 for most moduli.
 */
export async function scoreOf(config: StoredConfig, parameters: Parameters, runtime: Runtime): Promise<number> {
  const heads = headsOf(config);
  const { logits } = await activationsOf(runtime, config, parameters, ["logits"]);
  const { accuracy } = headMetrics(logits as NdArray, makeDataset(config, config.seed ?? 0).targets, heads);
  const scores = heads.flatMap((head, h) => {
    const chance = config.labels === "divisibility" ? chanceOf(head, config.labels).accuracy : 0;
    return head.active ? [((accuracy[h] as number) - chance) / (1 - chance)] : [];
  });
  return mean(scores);
}

/** What addition models are trained on elsewhere and this project has no task for: x1 and x0 as the tokens, mod p. */
const OTHER_OPERATIONS: readonly { readonly name: string; readonly of: (x0: number, x1: number, p: number) => number }[] = [
  { name: "x0 − x1", of: (x0, x1, p) => (x0 - x1 + p) % p },
  { name: "x1 − x0", of: (x0, x1, p) => (x1 - x0 + p) % p },
  { name: "x0·x1", of: (x0, x1, p) => (x0 * x1) % p },
  { name: "x0² + x1²", of: (x0, x1, p) => (x0 * x0 + x1 * x1) % p },
  { name: "x0² + x0·x1 + x1²", of: (x0, x1, p) => (x0 * x0 + x0 * x1 + x1 * x1) % p },
  { name: "x0/x1", of: (x0, x1, p) => quotient(x0, x1, p) },
];

function quotient(x0: number, x1: number, p: number): number {
  for (let c = 0; c < p; c++) if ((c * x1) % p === x0) return c;
  return 0;
}

/** The operation that a model of one output head answers at an accuracy above 0.9, though it is not the task it was taken for. */
export async function otherOperation(
  config: StoredConfig,
  parameters: Parameters,
  runtime: Runtime,
): Promise<{ readonly name: string; readonly accuracy: number } | undefined> {
  const { p } = config;
  if (config.task !== "nanda" || config.labels !== "remainder") return undefined;
  const { logits } = await activationsOf(runtime, config, parameters, ["logits"]);
  const { data, shape } = logits as NdArray;
  const width = shape[1] as number;
  const answers = Int32Array.from({ length: p * p }, (_, i) => {
    let best = i * width;
    for (let c = best; c < i * width + p; c++) if ((data[c] as number) > (data[best] as number)) best = c;
    return best - i * width;
  });
  for (const { name, of } of OTHER_OPERATIONS) {
    const right = answers.reduce((sum, answer, i) => sum + Number(answer === of(Math.floor(i / p), i % p, p)), 0);
    if (right / (p * p) > 0.9) return { name, accuracy: right / (p * p) };
  }
  return undefined;
}

/**
 * The activations with which a model that is inaccurate with ReLU is accurate. (A smaller loss alone tells nothing: a model that
 * was trained with ReLU may have a smaller one with another.)
 */
export async function otherActivations(
  config: StoredConfig,
  parameters: Parameters,
  runtime: Runtime,
): Promise<readonly Activation[]> {
  const found: Activation[] = [];
  const errors = 1 - (await scoreOf({ ...config, activation: "relu" }, parameters, runtime));
  for (const activation of ACTIVATIONS) {
    const accuracy = activation === "relu" ? 0 : await scoreOf({ ...config, activation }, parameters, runtime);
    // One that is a little better explains nothing: what lacks is something else.
    if (accuracy > RIGHT_ACCURACY && 1 - accuracy < errors / 3) found.push(activation);
  }
  return found;
}

/**
 * The modulus at which a model that is inaccurate at the size of its vocabulary adds: then the vocabulary is padded, to a
 * multiple of eight.
 */
export async function paddedModulus(config: StoredConfig, parameters: Parameters, runtime: Runtime): Promise<number | undefined> {
  const { p: size, task, labels, equals } = config;
  if (task !== "nanda" || labels !== "remainder" || equals === false || (size + 1) % 8 !== 0) return undefined;
  const firstRows = (array: NdArray, count: number) => rows(array, 0, count);
  for (const p of primesBelow(size).reverse()) {
    if (2 * p < size) break;
    const { "unembed.b_U": bias } = parameters;
    const cut = {
      ...parameters,
      "embed.W_E": firstRows(parameters["embed.W_E"], p + 1),
      "unembed.W_U": transpose(firstRows(transpose(parameters["unembed.W_U"]), p)),
      ...(bias === undefined ? {} : { "unembed.b_U": firstRows(bias, p) }),
    };
    if ((await scoreOf({ ...config, p }, cut, runtime)) > RIGHT_ACCURACY) return p;
  }
  return undefined;
}

/** The rows of a table with the first at the end. */
function firstLast(array: NdArray): NdArray {
  const { data, shape } = array;
  const width = data.length / (shape[0] as number);
  const moved = data.slice();
  moved.set(data.subarray(width));
  moved.set(data.subarray(0, width), data.length - width);
  return { ...array, data: moved } as NdArray;
}

/** Whether a model that is inaccurate with '=' as its last token is accurate where that is the first, before the digits. */
export async function equalsFirst(config: StoredConfig, parameters: Parameters, runtime: Runtime): Promise<boolean> {
  if (config.equals === false) return false;
  const { "unembed.W_U": W_U, "unembed.b_U": b_U } = parameters;
  const tokens = parameters["embed.W_E"].shape[0];
  const asTokens = W_U.shape[1] === tokens;
  const turned = {
    ...parameters,
    "embed.W_E": firstLast(parameters["embed.W_E"]),
    ...(asTokens ? { "unembed.W_U": transpose(firstLast(transpose(W_U))) } : {}),
    ...(asTokens && b_U !== undefined ? { "unembed.b_U": firstLast(b_U) } : {}),
  };
  return (await scoreOf(config, turned, runtime)) > RIGHT_ACCURACY;
}

const ORDERS = ["KQV", "KVQ", "VQK", "VKQ", "QVK"] as const;

/** The order in which a model that is inaccurate with its query, key and value as they were taken is accurate. */
export async function otherOrder(config: StoredConfig, parameters: Parameters, runtime: Runtime): Promise<string | undefined> {
  for (const order of ORDERS) {
    const turned: Record<string, NdArray | undefined> = { ...parameters };
    for (const [i, letter] of [...order].entries()) {
      for (const kind of ["W", "b"])
        turned[`blocks.0.attn.${kind}_${letter}`] = parameters[`blocks.0.attn.${kind}_${"QKV"[i]}` as keyof Parameters];
    }
    const kept = Object.fromEntries(Object.entries(turned).filter(([, array]) => array !== undefined)) as Parameters;
    if ((await scoreOf(config, kept, runtime)) > RIGHT_ACCURACY) return [...order.toLowerCase()].join(", ");
  }
  return undefined;
}

/**
 * Accuracy and cross-entropy of every output head on every set of samples, computed in float64 without dropout.
 *
 * @example const [task] = await evaluateModel(await load("nanda"), onnxRuntime());
 */
export async function evaluateModel(model: Model, runtime: Runtime): Promise<HeadEvaluation[]> {
  const { config, parameters } = model.checkpoint;
  const heads = headsOf(config);
  const { targets } = makeDataset(config, config.seed ?? 0);
  const { logits } = await activationsOf(runtime, config, parameters, ["logits"]);
  const { train, validation, test } = model.split ?? {};
  const sets = Object.entries({ train, validation, test, all: undefined }) as [SplitName, Int32Array | undefined][];
  const known = sets.filter(([name, rows]) => name === "all" || (rows !== undefined && rows.length > 0));
  const found = known.map(([name, rows]) => [name, headMetrics(logits as NdArray, targets, heads, rows)] as const);
  return heads.map(({ q, classes }, h) => ({
    q,
    classes,
    accuracy: Object.fromEntries(found.map(([name, { accuracy }]) => [name, accuracy[h] as number])),
    cross_entropy: Object.fromEntries(found.map(([name, { loss }]) => [name, loss[h] as number])),
  }));
}
