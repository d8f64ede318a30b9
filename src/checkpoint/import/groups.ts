import { ensure, MiiiiError, quoted } from "../../core/index.ts";
import type { TensorGroup } from "../formats/lazy.ts";
import { type AssignOptions, ensureIgnored, type Sorted, settle } from "./assign.ts";
import { gatedFamilies } from "./numbering.ts";
import { isAttention, isNormOrGate, isOptimizerState, roleNamed } from "./roles.ts";

/** The group that was chosen, and the others that are models as well. */
export interface ChosenGroup extends Sorted {
  /** Where the other models of the file lie. */
  readonly others: readonly string[];
}

/** Of a flat file, models under prefixes of their own are looked for so deep. */
const DEEPEST_PREFIX = 3;
/** More groups than this are not sorted one by one. */
const MAX_GROUPS = 20_000;
/** Dicts with fewer tensors than this are no model. */
const FEWEST_TENSORS = 6;

/** Names in a few words. */
export function list(names: readonly string[], count = 4): string {
  const shown = names.slice(0, count).map(quoted).join(", ");
  return names.length > count ? `${shown} and ${names.length - count} more` : shown;
}

/** Where a state dict usually lies, and what the last state of a training is called. */
const LAST = /^(?:model_state_dict|state_dict|model|module|net|network|params|parameters|weights|final|last|end|trained)$/i;
const BEST = /^best(?:_.*)?$/i;
const FIRST = /^(?:init|initial|start|first|before|untrained|random|ema|swa|optimizer|opt|opt_state|optim|grads?|gradients?)$/i;

/** What has a model's names and shapes without being one: differences of weights, gradients, an optimizer's averages of them. */
const NO_WEIGHTS = /^(?:grads?|gradients?|deltas?|task_vectors?|updates?|exp_avg(?:_sq)?|momentum(?:_buffers?)?)$/i;

/** A path's order among others: the last state of a training first, whichever way it is written down. */
function rankOf(source: string): number[] {
  const parts = source.split(".");
  const some = (pattern: RegExp) => parts.some((part) => pattern.test(part));
  const named = some(FIRST) ? -1 : some(LAST) ? 1 : some(BEST) ? 0.5 : 0;
  return [named, ...parts.map((part) => Number(/(\d{1,15})\D*$/.exec(part)?.[1] ?? -1))];
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (b[i] ?? -1) - (a[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** A flat group's parts under each first piece of its names, such as `init` and `final`. */
function split(group: TensorGroup): TensorGroup[] {
  const parts = new Map<string, Map<string, TensorGroup["tensors"] extends ReadonlyMap<string, infer T> ? T : never>>();
  for (const [name, tensor] of group.tensors) {
    const [, prefix, rest] = /^([^./]+)[./](.+)$/s.exec(name) ?? [];
    if (prefix === undefined || rest === undefined) continue;
    const part = parts.get(prefix) ?? new Map();
    part.set(rest, tensor);
    parts.set(prefix, part);
  }
  const prefix = group.source === "" ? "" : `${group.source}.`;
  return [...parts].flatMap(([name, tensors]) =>
    tensors.size < FEWEST_TENSORS ? [] : [{ source: `${prefix}${name}`, tensors }],
  );
}

const whole = ({ missing, problem }: Sorted) => missing.length === 0 && problem === undefined;

function wholeParts(groups: readonly TensorGroup[], options: AssignOptions): Sorted[] {
  let level = groups;
  for (let depth = 0; depth < DEEPEST_PREFIX; depth++) {
    level = level.flatMap(split);
    const sorted = level.map((group) => settle(group, options)).filter(whole);
    if (sorted.length > 0) return sorted;
  }
  return [];
}

/** Tensors that weights are computed from, and what makes plain weights of them. */
const MADE_FROM: readonly (readonly [names: RegExp, advice: string])[] = [
  [/\.parametrizations\./, 'in PyTorch, torch.nn.utils.parametrize.remove_parametrizations(module, "weight")'],
  [/weight_g$/, "in PyTorch, torch.nn.utils.remove_weight_norm(module)"],
  [/weight_mask$/, 'in PyTorch, torch.nn.utils.prune.remove(module, "weight")'],
  [/weight_orig$/, "in PyTorch, torch.nn.utils.remove_spectral_norm(module)"],
  [
    /lora_(?:[ABE]|magnitude|embedding)|\.hada_w\d|\.lokr_w\d|vera_lambda|\.ia3_l|\.oft_|\.boft_|\.modules_to_save\.|\.base_layer\./,
    "they are an adapter's: in Python, model.merge_and_unload()",
  ],
  [/(?:^|\.)_?flat_param(?:eter)?(?:$|_)/, "they are FSDP's flat parameters: save under StateDictType.FULL_STATE_DICT"],
  [
    /_packed_params|\.SCB$|\.absmax$|quant_state|qweight$|qzeros$|\.zero_point$/,
    "it is quantised: give the model that it was made from",
  ],
];

function plainWeights(names: readonly string[]): string | undefined {
  for (const [pattern, advice] of MADE_FROM) {
    const found = names.filter((name) => pattern.test(name));
    if (found.length > 0) return `must hold plain weights, has ${list(found, 2)}; ${advice}, and save its state dict`;
  }
  return undefined;
}

/** Says why no group can be used, the deepest reason first: it decides whether any option could help. */
function refuse(
  { missing, surplus, blocks, problem, source, assignment }: Sorted,
  tensors: TensorGroup["tensors"],
  path: string,
  alien: string | undefined,
): never {
  const names = [...tensors.keys()];
  const where = source === "" ? path : `${path}: ${quoted(source)}`;
  const fail = (message: string) => {
    throw new MiiiiError("input", `${where}: ${message}`);
  };
  const found = assignment.size;
  if (names.length === 0) fail("must hold tensors, and holds none");
  const pickled = [...tensors].find(([, tensor]) => "unreadable" in tensor);
  if (found === 0 && pickled && "unreadable" in pickled[1])
    fail(`must hold tensors, ${quoted(pickled[0])} is ${pickled[1].unreadable}`);
  // Two tensors of other names could be attention's, fused.
  if (found > 0 && surplus.length < 2 && !names.some(isAttention))
    fail(`must be a transformer of one block, and has no attention; its tensors are ${list(names)}`);
  if (blocks.size > 1) fail(severalBlocks(blocks));
  const plain = plainWeights(names);
  if (plain !== undefined) fail(plain);
  const norms = surplus.filter(isNormOrGate);
  if (norms.length > 0) fail(`must be a model without layer norms and gates, has ${list(norms)}`);
  const [gated] = gatedFamilies(surplus);
  if (gated !== undefined && missing.includes("blocks.0.mlp.W_in"))
    fail(`must be a model without layer norms and gates, its MLP has three matrices or more: ${list(gated)}`);
  if (problem !== undefined) fail(problem);
  const help = "(a mapping can name them: --print-mapping)";
  if (found === 0) fail(`must hold weights under names that are known, holds ${list(names)} ${help}`);
  const unknown = surplus.length === 0 ? "" : `; not recognised: ${list(surplus)} ${help}`;
  const none = alien === undefined ? "; where the model has none, add one of zeros" : `; ${alien}, which this model has not`;
  const zeros = missing.join() === "pos_embed.W_pos" && (surplus.length === 0 || alien !== undefined) ? none : "";
  return fail(`must hold every weight, lacks ${missing.join(", ")}${unknown}${zeros}`);
}

/**
 * Throws where the group has tensors that compute something and have no place in the model: without them it would be another
 * function.
 */
function ensurePlaced({ surplus, source }: Sorted, path: string): void {
  if (surplus.length === 0) return;
  const where = source === "" ? path : `${path}: ${quoted(source)}`;
  const plain = plainWeights(surplus);
  ensure(plain === undefined, "input", () => `${where}: ${plain}`);
  const norms = surplus.filter(isNormOrGate);
  const what =
    norms.length > 0
      ? `must be a model without layer norms and gates, has ${list(norms)}`
      : `${list(surplus)} ${surplus.length > 1 ? "have" : "has"} no place in this model`;
  const [first = ""] = norms.length > 0 ? norms : surplus;
  throw new MiiiiError(
    "input",
    `${where}: ${what}; without ${surplus.length > 1 ? "them" : "it"} this would be another function (--ignore ${quoted(first)} takes that on your account)`,
  );
}

/** Throws where masks or an adapter of the weights lie in a dict of their own beside the model. */
function ensureNothingBeside(groups: readonly TensorGroup[], path: string, ignore: readonly string[]): void {
  for (const { source, tensors } of groups) {
    if (source === "" || ignore.includes(source)) continue;
    const names = [...tensors.keys()];
    const adapter = names.every((name) => /lora_[ABE]|hada_w\d|lokr_w\d/.test(name));
    const masks = /(?:^|[._])masks?$/i.test(source) && names.some((name) => roleNamed(name) !== undefined);
    ensure(
      !adapter && !masks,
      "input",
      () =>
        `${path}: has ${adapter ? "an adapter" : "masks of the weights"} beside them, ${quoted(source)}; without ${adapter ? "it" : "them"} this would be another function (merge ${adapter ? "it" : "them"}, or --ignore ${quoted(source)} takes that on your account)`,
    );
  }
}

/** The model that `state` names: by its whole path, its last part, or its number. */
function stateNamed(models: readonly Sorted[], state: string, path: string): Sorted {
  const last = (source: string) => source.split(".").at(-1) ?? "";
  const tests: readonly ((source: string) => boolean)[] = [
    (source) => source === state,
    (source) => last(source) === state,
    (source) => source.split(".").includes(state),
    (source) => /^\d+$/.test(state) && rankOf(source).includes(Number(state)),
  ];
  for (const test of tests) {
    const [found, ...more] = models.filter(({ source }) => test(source));
    if (found && more.length === 0) return found;
    ensure(
      found === undefined,
      "usage",
      () =>
        `${path}: --state ${quoted(state)}: must name one model of the file, may be ${list([found, ...more].map((m) => m?.source ?? ""))}`,
    );
  }
  const known = models.map(({ source }) => source).filter((source) => source !== "");
  const choice =
    known.length === 0 ? "the file holds one model, without a key" : `the file holds ${known.length}: ${list(known, 6)}`;
  throw new MiiiiError("usage", `${path}: --state ${quoted(state)}: must name a model of the file; ${choice}`);
}

/**
 * Every model of a file, the last state of a training first: where several are kept, the one of the largest number, or the final
 * one.
 */
export function modelsIn(groups: readonly TensorGroup[], options: AssignOptions): Sorted[] {
  const { where } = options;
  ensure(
    groups.length <= MAX_GROUPS,
    "input",
    () => `${where}: must hold at most ${MAX_GROUPS} dicts of tensors, holds ${groups.length}`,
  );
  const trained = groups.filter(({ source }) => !isOptimizerState(source));
  const sorted = trained.map((group) => settle(group, options));
  const direct = sorted.filter(whole);
  const models = direct.length > 0 ? direct : wholeParts(trained, options);
  return models
    .map((model) => ({ model, rank: rankOf(model.source) }))
    .sort((a, b) => compare(a.rank, b.rank))
    .map(({ model }) => model);
}

/** The model of a file, or what comes nearest to one. */
export function bestSorted(groups: readonly TensorGroup[], options: AssignOptions, state: string | undefined): Sorted {
  const models = modelsIn(groups, options);
  if (state !== undefined) return stateNamed(models, state, options.where);
  const best = models[0] ?? nearestGroup(groups, options);
  ensure(best, "input", () => `${options.where}: must hold tensors, and holds none`);
  return best;
}

function nearestGroup(groups: readonly TensorGroup[], options: AssignOptions): Sorted | undefined {
  const sorted = groups.map((group) => settle(group, options));
  return sorted.reduce<Sorted | undefined>((a, b) => (a === undefined || b.missing.length < a.missing.length ? b : a), undefined);
}

/**
 * The model of a file: the one that `state` names, or else the last state of the training (see {@link modelsIn}).
 *
 * @throws where there is none, with the reason that decides: no attention, several blocks, norms or gates, weights that are
 * missing; and
 *   where it has tensors without a place in the model.
 */
export function chooseGroup(groups: readonly TensorGroup[], options: AssignOptions, state: string | undefined): ChosenGroup {
  const { where, ignore = [] } = options;
  ensureIgnored(groups, ignore, where);
  const models = modelsIn(groups, options);
  const [first] = models;
  if (first === undefined) {
    const best = nearestGroup(groups, options);
    ensure(best, "input", () => `${where}: must hold tensors, and holds none`);
    return refuse(best, groups.find(({ source }) => source === best.source)?.tensors ?? new Map(), where, options.alien);
  }
  const chosen = state === undefined ? first : stateNamed(models, state, where);
  ensure(
    state !== undefined || !chosen.source.split(".").some((part) => NO_WEIGHTS.test(part)),
    "input",
    () =>
      `${where}: must hold a model's weights, holds ${quoted(chosen.source)} alone, which by its name are none (--state ${quoted(chosen.source)} takes them on your account)`,
  );
  ensureBlocks(chosen, where);
  ensurePlaced(chosen, where);
  ensureNothingBeside(groups, where, ignore);
  return { ...chosen, others: models.filter((model) => model !== chosen).map(({ source }) => source) };
}

function severalBlocks(blocks: ReadonlySet<number>): string {
  const numbers = [...blocks].sort((a, b) => a - b);
  return `the model must have one block, has ${blocks.size}: ${numbers.slice(0, 8).join(", ")}${numbers.length > 8 ? ", …" : ""}`;
}

function ensureBlocks({ blocks, source }: Sorted, path: string): void {
  const where = source === "" ? path : `${path}: ${quoted(source)}`;
  ensure(blocks.size <= 1, "input", () => `${where}: ${severalBlocks(blocks)}`);
}
