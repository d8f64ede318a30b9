import { ensure, sizeOf } from "../../core/index.ts";
import type { Activation, Parameters, RunConfig } from "../../model/index.ts";
import type { StoredConfig } from "../config.ts";
import { parametersOf } from "./build.ts";
import { type Group, LAYOUTS, type Layout, type Orientation } from "./layout.ts";
import { type Assignment, type FusedOrder, type Heads, type Reading, withoutUnitAxes } from "./readings.ts";
import type { Role } from "./roles.ts";
import { logits, type Read, Reasons, readingsOf, type Sizes, tensorReadings } from "./solve.ts";

/** What a user may say of a file where its names and shapes leave a question open. */
export interface ImportOptions {
  readonly layout?: Layout;
  /** Number of attention heads. */
  readonly heads?: number;
  readonly task?: RunConfig["task"];
  /** Whether the first token is the low digit, as everywhere in this project, or the high one. */
  readonly low_digit?: "first" | "second";
  /** p, where the file's vocabulary is padded beyond the digits and '='. */
  readonly modulus?: number;
  /** Attention rate of a model without '=' (`SequenceConfig`); 1 and 0 are tried where left out. */
  readonly attention_rate?: number;
}

/** What is known of a file's model beside its tensors. */
export interface KnownOfModel {
  /** Number of attention heads that the file states; what the user says goes before it. */
  readonly heads?: number | undefined;
  /** Width of an attention head that it states. */
  readonly dHead?: number | undefined;
  /** The modulus that the file states. */
  readonly modulus?: number | undefined;
  /** The MLP's activation; ReLU where left out. */
  readonly activation?: Activation;
}

/** A model as read from a file in one of the ways that its names and shapes allow. */
export interface ImportedModel {
  /** This way in words. */
  readonly description: string;
  /** The layout that reads every tensor so; `mixed` where none does. */
  readonly layout: Layout | "mixed";
  /** 0 for ways that follow the habits of the tensors' names, 1 for the others. */
  readonly tier: 0 | 1;
  /** Rows of the vocabulary after that of '=', left out as padding with their classes. */
  readonly padding: number;
  /** Groups whose orientation its shape leaves open, and fused ones, as they were taken. */
  readonly orientations: readonly string[];
  /** Where the number of attention heads comes from: an axis of their own, the user, the file's word, or trial. */
  readonly headsFrom: HeadsFrom;
  /** Which token is the low digit, where that matters. */
  readonly low_digit?: "first" | "second";
  /** Task and sizes. */
  readonly config: StoredConfig;
  readonly parameters: Parameters;
}

/** Where a number of attention heads comes from. */
export type HeadsFrom = "shape" | "option" | "stated" | "trial";

/** More ways than this are not tried one by one. */
const MAX_CANDIDATES = 64;

const DIGITS = ["first", "second"] as const;

/** The numbers of attention heads tried where they are fused, likely ones first. */
function headCounts(width: number): number[] {
  const divisors = Array.from({ length: Math.min(width, 32) }, (_, i) => i + 1).filter((n) => width % n === 0);
  const rank = (n: number) => ([4, 8, 2, 1].includes(n) ? [4, 8, 2, 1].indexOf(n) : n + 4);
  return divisors.sort((a, b) => rank(a) - rank(b));
}

/** The tasks that have this many classes. */
function tasksOf(
  classes: number,
  sizes: Sizes & Pick<Read, "equals" | "padding">,
  asked: StoredConfig["task"] | undefined,
): Pick<StoredConfig, "task" | "labels">[] {
  const tasks = asked ? [asked] : (["nanda", "miiii", "joint"] as const);
  return tasks.flatMap((task) =>
    (["remainder", "divisibility"] as const).flatMap((labels) => {
      const expected = logits(task, labels, sizes);
      const addition = sizes.equals && task === "nanda" && labels === "remainder";
      const extra = addition && (classes === expected + 1 || classes === expected + 1 + sizes.padding);
      return classes === expected || extra ? [{ task, labels }] : [];
    }),
  );
}

/** Whether the biases are as long as the sides that they are added to. */
function biasesFit(assignment: Assignment, { d_model, d_mlp, W_U }: Read): boolean {
  const lengths = {
    "blocks.0.mlp.b_in": d_mlp,
    "blocks.0.mlp.b_out": d_model,
    "blocks.0.attn.b_O": d_model,
    "unembed.b_U": W_U.other,
  } as const;
  return Object.entries(lengths).every(([role, length]) => {
    const bias = assignment.get(role as Role);
    return bias === undefined || sizeOf(bias.tensor.shape) === length;
  });
}

/** Whether a matrix lies as modules of its kind write theirs: PyTorch's [out, in], JAX's [in, out]. */
function isUsual(assignment: Assignment, role: Role, { orientation }: Reading): boolean {
  const style = assignment.get(role)?.style;
  return style === "weight" ? orientation === "out-in" : style !== "kernel" || orientation === "in-out";
}

/**
 * How well the shapes of the assigned tensors agree with each other and with a task, whatever else they leave open: 0 not at all,
 * 1 they do, 2 the MLP's matrices and the read-out also lie as their kind of module has them.
 */
export function fit(assigned: Assignment): 0 | 1 | 2 {
  const assignment = withoutUnitAxes(assigned);
  const found = readingsOf(assignment, new Reasons()).filter(
    (read) => tasksOf(read.W_U.other, read, undefined).length > 0 && biasesFit(assignment, read),
  );
  const usual = found.some(
    (read) =>
      isUsual(assignment, "blocks.0.mlp.W_in", read.W_in) &&
      isUsual(assignment, "blocks.0.mlp.W_out", read.W_out) &&
      isUsual(assignment, "unembed.W_U", read.W_U),
  );
  return usual ? 2 : found.length > 0 ? 1 : 0;
}

/** The orientation that a group's names suggest where its shape allows both. */
function habit(assignment: Assignment, reading: Reading, decided: Orientation | undefined): Orientation {
  const style = (role: Role) => assignment.get(role)?.style;
  switch (reading.group) {
    case "pos_embed.W_pos":
      return "in-out";
    case "embed.W_E":
      return style("embed.W_E") === "raw" && style("blocks.0.mlp.W_in") === "raw" && decided === "out-in" ? "out-in" : "in-out";
    case "unembed.W_U":
      return style("unembed.W_U") === "weight" ? "out-in" : "in-out";
    case "W_Q|K|V":
    case "W_O":
    case "W_in":
    case "W_out":
      return decided ?? (style("blocks.0.mlp.W_in") === "weight" ? "out-in" : "in-out");
    default:
      return reading.group satisfies never;
  }
}

/** The order of a fused tensor that its name suggests: that of GPT-NeoX's and Megatron's `query_key_value` is by head. */
function fusedHabit(assignment: Assignment): FusedOrder {
  return /query_?key_?value/i.test(assignment.get("blocks.0.attn.W_QKV")?.name ?? "") ? "by head" : "stacked";
}

function commonLayout(read: Read): Layout | "mixed" {
  return LAYOUTS.find((layout) => tensorReadings(read).every(({ layouts }) => layouts.includes(layout))) ?? "mixed";
}

function attentionHeadsOf(
  assignment: Assignment,
  read: Read,
  asked: number | undefined,
  stated: number | undefined,
  reasons: Reasons,
): { readonly heads: Heads[]; readonly from: HeadsFrom } {
  const bias = assignment.get("blocks.0.attn.b_Q")?.tensor.shape;
  const { width } = read.W_QKV;
  const told = bias?.length === 2 && bias[0] !== 1 && bias[0] !== undefined && width % bias[0] === 0 ? bias[0] : undefined;
  const known = read.W_QKV.heads?.n_heads ?? read.W_O.heads?.n_heads ?? told;
  const sized = (counts: readonly number[]) => counts.map((n_heads) => ({ n_heads, d_head: width / n_heads }));
  if (asked !== undefined && (known === undefined ? width % asked !== 0 : known !== asked)) {
    reasons.add(5, `${known === undefined ? `heads must divide ${width}` : `the file has ${known} heads`}, asked for ${asked}`);
    return { heads: [], from: "option" };
  }
  if (known !== undefined) return { heads: sized([known]), from: "shape" };
  if (asked !== undefined) return { heads: sized([asked]), from: "option" };
  if (stated !== undefined && width % stated === 0) return { heads: sized([stated]), from: "stated" };
  return { heads: sized(headCounts(width)), from: "trial" };
}

/** What is known of one model before its tensors are read. */
interface Way {
  readonly tier: 0 | 1;
  readonly read: Read;
  readonly heads: Heads;
  readonly headsFrom: HeadsFrom;
  readonly task: Pick<StoredConfig, "task" | "labels">;
  readonly digit: "first" | "second";
  readonly rate: number;
}

/** The attention rates that a model may have: any that is asked for, but 1 alone with '='. */
function ratesOf({ equals }: Read, asked: number | undefined, reasons: Reasons): readonly number[] {
  if (!equals) return asked === undefined ? [1, 0] : [asked];
  if (asked === undefined || asked === 1) return [1];
  reasons.add(5, `an attention rate is for models without '=' (two positions), the file has it; got ${asked}`);
  return [];
}

/** The ways to take tensors whose orientation is settled. */
function waysOf(
  assignment: Assignment,
  { read, tier }: Pick<Way, "read" | "tier">,
  options: ImportOptions,
  stated: KnownOfModel,
  reasons: Reasons,
): Way[] {
  const tasks = tasksOf(read.W_U.other, read, options.task);
  if (tasks.length === 0) {
    const expected = `${read.p} or ${read.p + 1} for nanda, ${logits("miiii", "remainder", read)} or ${logits("miiii", "divisibility", read)} for miiii, ${logits("joint", "remainder", read)} or ${logits("joint", "divisibility", read)} for joint`;
    const asked = options.task === undefined ? "" : ` (asked for ${options.task})`;
    reasons.add(5, `the classes at p = ${read.p} must be ${expected}, got ${read.W_U.other}${asked}`);
  }
  const byWidth = stated.dHead === undefined ? undefined : read.W_QKV.width / stated.dHead;
  const statedHeads = stated.heads ?? (Number.isSafeInteger(byWidth) ? byWidth : undefined);
  const { heads: counted, from: headsFrom } = attentionHeadsOf(assignment, read, options.heads, statedHeads, reasons);
  // Of a single attention head there is one order.
  const counts = read.W_QKV.fused === "by head" ? counted.filter(({ n_heads }) => n_heads > 1) : counted;
  return counts.flatMap((heads) =>
    tasks.flatMap((task) => {
      // Addition is the same in either order.
      const digits = task.task === "nanda" ? (["first"] as const) : options.low_digit ? [options.low_digit] : DIGITS;
      const rates = ratesOf(read, options.attention_rate, reasons);
      return digits.flatMap((digit) => rates.map((rate) => ({ tier, read, heads, headsFrom, task, digit, rate })));
    }),
  );
}

function modelOf(
  { tier, read, heads, headsFrom, task, digit, rate }: Way,
  assignment: Assignment,
  open: ReadonlySet<Group>,
  activation: Activation,
  where: string,
): ImportedModel {
  const own = activation === "relu" ? {} : { activation };
  const sizes = { ...task, p: read.p, shuffle_labels: false, d_model: read.d_model, ...heads, d_mlp: read.d_mlp, ...own };
  const config = read.equals ? sizes : { ...sizes, equals: false, attention_rate: rate };
  const layout = commonLayout(read);
  const { fused } = read.W_QKV;
  const together = fused === "by head" ? "together for each head" : "one after the other";
  const orientations = [
    ...tensorReadings(read)
      .filter(({ group }) => open.has(group))
      .map(({ group, orientation }) => `${group} as [${orientation === "in-out" ? "in, out" : "out, in"}]`),
    ...(fused === undefined || heads.n_heads === 1 ? [] : [`query, key and value ${together}`]),
  ];
  const words = [
    `layout ${layout}`,
    `task ${task.task}${task.labels === "remainder" ? "" : ` (${task.labels})`} at p = ${read.p}`,
    `${heads.n_heads} heads of ${heads.d_head}`,
    ...(read.equals ? [] : [`without '=', attention rate ${rate}`]),
    ...(read.padding === 0 ? [] : [`${read.padding} tokens of padding left out`]),
    ...orientations,
    ...(task.task === "nanda" ? [] : [`low digit ${digit}`]),
  ];
  const parameters = parametersOf(assignment, read, digit === "second", config, where);
  return {
    description: words.join(", "),
    layout,
    tier,
    padding: read.padding,
    orientations,
    headsFrom,
    ...(task.task === "nanda" ? {} : { low_digit: digit }),
    config,
    parameters,
  };
}

/**
 * Every model that the assigned tensors may be, in order of likelihood. Left open by names and shapes may be: the number of
 * attention heads where they are fused, the orientation of square matrices, which token is the low digit (for tasks where that
 * matters), the attention rate of models without '='.
 *
 * @throws kind `input` where the shapes allow no model, kind `usage` where the options rule all of them out or too many remain.
 */
export function candidatesOf(
  assigned: Assignment,
  options: ImportOptions,
  where: string,
  stated: KnownOfModel = {},
): ImportedModel[] {
  const assignment = withoutUnitAxes(assigned);
  const reasons = new Reasons();
  const [depth = 0, , width = 0] = assignment.get("blocks.0.mlp.W_in")?.tensor.shape ?? [];
  ensure(
    depth < 2 || width === 0,
    "input",
    () => `${where}: the model must have one block, has ${depth}, in an axis of their own`,
  );
  const all = readingsOf(assignment, reasons, { asked: options.modulus, stated: stated.modulus });
  const seen = new Map<Group, Set<Orientation>>();
  for (const { group, orientation } of all.flatMap(tensorReadings)) {
    seen.set(group, (seen.get(group) ?? new Set()).add(orientation));
  }
  const open = new Set([...seen].filter(([, orientations]) => orientations.size > 1).map(([group]) => group));
  const decided = open.has("W_in") ? undefined : all[0]?.W_in.orientation;

  const ways = all.flatMap((read) => {
    const groups = tensorReadings(read);
    const { layout } = options;
    if (layout !== undefined && !groups.every(({ layouts }) => layouts.includes(layout))) {
      reasons.add(4, `the shapes must fit the layout ${layout}, and do not`);
      return [];
    }
    const unusual = groups.some(
      (reading) => open.has(reading.group) && reading.orientation !== habit(assignment, reading, decided),
    );
    const { fused } = read.W_QKV;
    const otherOrder = fused !== undefined && fused !== fusedHabit(assignment);
    if (otherOrder && unusual) return [];
    const tier = (unusual && layout === undefined) || otherOrder ? 1 : 0;
    return waysOf(assignment, { read, tier }, options, stated, reasons);
  });
  const asked = Object.values(options).some((value) => value !== undefined);
  ensure(ways.length > 0, asked ? "usage" : "input", () => `${where}: ${reasons}`);
  ensure(
    ways.length <= MAX_CANDIDATES,
    "usage",
    () =>
      `${where}: names and shapes allow ${ways.length} ways to read it: say --heads, and --layout (${LAYOUTS.join(", ")}) where matrices are square`,
  );
  return ways.sort((a, b) => a.tier - b.tier).map((way) => modelOf(way, assignment, open, stated.activation ?? "relu", where));
}
