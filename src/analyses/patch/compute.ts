import { at, dim, float64, type NdArray, type Random, randomStream, rowsAt, toFloat64 } from "../../core/index.ts";
import { mean } from "../../math/index.ts";
import { allColumns, type Columns, contribution, valuesOfGroups } from "../closed-form/contribution.ts";
import { drawn, type GroupedBy, groupedBy, liveNeurons, type NeuronGroup, neuronGroups } from "../closed-form/groups.ts";
import { fitNeurons } from "../closed-form/neurons.ts";
import { unembedding } from "../closed-form/readout.ts";
import type { AnalysisInput, Matmul } from "../kit/define.ts";
import { activationOf, matmulOf, trainedHeads } from "../kit/inputs.ts";
import { rounded } from "../kit/text.ts";
import { agreement, allAnswersOf } from "../logits/answers.ts";

/** What patching each group does, [groups] or [groups][tasks]. */
export type Interchange = {
  iia: number[];
  answers: number[][];
  kept: number[][];
  /** All groups exchanged at once, [tasks]. */
  together: number[];
  /** Labels of the groups whose patch changes no logit of any pair. */
  unchanged: number[];
};

/** What random groups of the same sizes do: mean and largest over draws, and the whole matrices of one draw. */
export type RandomInterchange = {
  iia: number[];
  iia_largest: number[];
  answers: number[][];
  kept: number[][];
};

/** Result of `patch`. */
export type PatchResult = {
  parts: GroupedBy;
  pairs: number;
  q: number[];
  groups: { labels: number[]; sizes: number[]; heads: number[] };
  /** Live neurons in no group: those whose pair belongs to a task that is not trained. */
  ungrouped: number;
  dead: number;
  /** Share of pairs whose base and source answers are the same to begin with, [tasks]. */
  agree: number[];
  post: Interchange;
  even: Interchange;
  sufficient: number[];
  sufficient_even: number[];
  random: {
    draws: number;
    post: RandomInterchange;
    even: RandomInterchange;
    sufficient: number[];
    sufficient_largest: number[];
    sufficient_even: number[];
    sufficient_even_largest: number[];
  };
};

/** Base and source inputs (grid indices), seeded. */
export function pairsOf(
  samples: number,
  pairs: number,
  seed: number,
): { readonly base: Int32Array; readonly source: Int32Array } {
  const random = randomStream(seed, "patch/pairs");
  const draw = () => Int32Array.from({ length: pairs }, () => random.integer(samples));
  return { base: draw(), source: draw() };
}

/** Everything that patches of one kind are computed from. */
interface Patching {
  readonly base: NdArray<"float64">; // [pairs, classes]
  readonly source: NdArray<"float64">; // [pairs, classes]
  /** The neurons' values at the source less those at the base. */
  readonly change: NdArray<"float64">; // [pairs, d_mlp]
  readonly readout: NdArray<"float64">; // [d_mlp, classes]
  readonly heads: readonly Columns[];
  readonly all: Columns;
  readonly baseAnswers: readonly Int32Array[];
  readonly sourceAnswers: readonly Int32Array[];
  readonly matmul: Matmul;
  /** Called when a part of the work is done. */
  readonly step: () => void;
}

/** Shares of pairs after a patch, one for each output head. */
interface Patched {
  readonly answers: number[];
  readonly kept: number[];
  /** Everything but the group from the source: does the output head still answer the base? */
  readonly sufficient: number[];
}

/** What a change `by` of the logits over `columns` does to the output heads there. */
function shares(patching: Patching, by: Float64Array, columns: Columns, heads: readonly number[]): Patched {
  const { base, source, baseAnswers, sourceAnswers } = patching;
  const read = heads.map((h) => at(patching.heads, h));
  const patched = allAnswersOf(base, read, { by, columns, sign: 1 });
  const others = allAnswersOf(source, read, { by, columns, sign: -1 });
  const like = (answers: readonly Int32Array[], those: readonly Int32Array[]) =>
    heads.map((h, place) => agreement(at(answers, place), at(those, h)));
  return {
    answers: like(patched, sourceAnswers),
    kept: like(patched, baseAnswers),
    sufficient: like(others, baseAnswers),
  };
}

/** Every group's patch, all output heads read. */
async function interchange(
  patching: Patching,
  groups: readonly NeuronGroup[],
): Promise<Interchange & { readonly sufficient: number[] }> {
  const { change, readout, all, matmul } = patching;
  const everyHead = patching.heads.map((_, h) => h);
  const total = new Float64Array(dim(change, 0) * all.classes);
  const unchanged: number[] = [];
  const each: Patched[] = [];
  const values = valuesOfGroups(
    change,
    groups.map(({ neurons }) => neurons),
  );
  for (const [g, { label }] of groups.entries()) {
    const by = await contribution(at(values, g), readout, all, matmul);
    if (by.every((value) => value === 0)) unchanged.push(label);
    for (let i = 0; i < total.length; i++) total[i] = (total[i] as number) + (by[i] as number);
    each.push(shares(patching, by, all, everyHead));
  }
  const own = (values: "answers" | "sufficient") => rounded(groups.map(({ head }, g) => at(at(each, g)[values], head)));
  return {
    iia: own("answers"),
    answers: each.map(({ answers }) => rounded(answers)),
    kept: each.map(({ kept }) => rounded(kept)),
    together: rounded(shares(patching, total, all, everyHead).answers),
    unchanged,
    sufficient: own("sufficient"),
  };
}

/** Random groups of the groups' sizes, of which only the group's own output head is read but for the first draw. */
async function randomInterchange(
  patching: Patching,
  groups: readonly NeuronGroup[],
  live: readonly number[],
  draws: number,
  random: Random,
): Promise<RandomInterchange & { readonly sufficient: number[]; readonly sufficient_largest: number[] }> {
  const { change, readout, all, matmul } = patching;
  const everyHead = patching.heads.map((_, h) => h);
  const matrices: Patched[] = [];
  const own: { iia: number; sufficient: number }[][] = [];
  for (let draw = 0; draw < draws; draw++) {
    const row: { iia: number; sufficient: number }[] = [];
    const chosen = groups.map(({ neurons }) => drawn(live, neurons.length, random.permutation));
    const values = valuesOfGroups(change, chosen);
    for (const [g, { head }] of groups.entries()) {
      const columns = draw === 0 ? all : at(patching.heads, head);
      const heads = draw === 0 ? everyHead : [head];
      const found = shares(patching, await contribution(at(values, g), readout, columns, matmul), columns, heads);
      if (draw === 0) matrices.push(found);
      const place = heads.indexOf(head);
      row.push({ iia: at(found.answers, place), sufficient: at(found.sufficient, place) });
    }
    own.push(row);
    patching.step();
  }
  const over = (name: "iia" | "sufficient", value: (values: number[]) => number) =>
    rounded(groups.map((_, g) => value(own.map((row) => at(row, g)[name]))));
  const largest = (values: number[]) => Math.max(...values);
  return {
    iia: over("iia", mean),
    iia_largest: over("iia", largest),
    answers: matrices.map(({ answers }) => rounded(answers)),
    kept: matrices.map(({ kept }) => rounded(kept)),
    sufficient: over("sufficient", mean),
    sufficient_largest: over("sufficient", largest),
  };
}

/** Differences of the neurons' values between source and base, [pairs, d_mlp], after `value`. */
function changes(
  activation: NdArray<"float64">,
  { base, source }: { readonly base: Int32Array; readonly source: Int32Array },
  value: (u: number) => number,
): NdArray<"float64"> {
  const [from, to] = [rowsAt(activation, base), rowsAt(activation, source)];
  return float64(
    to.data.map((u, i) => value(u) - value(at(from.data, i))),
    to.shape,
  );
}

/** Interchange interventions and resample ablation of the given groups; those of the closed form where left out. */
export async function compute(
  input: AnalysisInput,
  pairs: number,
  draws: number,
  given?: readonly NeuronGroup[],
): Promise<PatchResult> {
  const { parameters, heads } = input;
  const matmul = matmulOf(input);
  const pre = activationOf(input, "blocks.0.mlp.hook_pre");
  const fitted = await fitNeurons("patch", input, pre);
  const groups = given ?? neuronGroups(input, fitted);
  const live = liveNeurons(fitted);
  const logits = activationOf(input, "logits");
  const chosen = pairsOf(dim(logits, 0), pairs, input.seed);
  const [base, source] = [rowsAt(logits, chosen.base), rowsAt(logits, chosen.source)];
  const trained = trainedHeads(heads);
  const readout = await matmul(toFloat64(parameters["blocks.0.mlp.W_out"]), unembedding(parameters, heads)); // [d_mlp, classes]
  const shared = {
    base,
    source,
    readout,
    heads: trained,
    all: allColumns(heads),
    baseAnswers: allAnswersOf(base, trained),
    sourceAnswers: allAnswersOf(source, trained),
    matmul,
  };
  const kinds = {
    post: changes(activationOf(input, "blocks.0.mlp.hook_post"), chosen, (value) => value),
    even: changes(pre, chosen, (u) => Math.abs(u) / 2),
  };
  let done = 0;
  const step = () => input.onProgress?.(++done, 2 * (1 + draws));
  const of = async (kind: "post" | "even") => {
    const patching = { ...shared, change: kinds[kind], step };
    const { sufficient, ...own } = await interchange(patching, groups);
    step();
    const random = randomStream(input.seed, `patch/random/${kind}`);
    const chance = await randomInterchange(patching, groups, live, draws, random);
    const { sufficient: meanSufficient, sufficient_largest, ...none } = chance;
    return { own, none, sufficient, meanSufficient, sufficient_largest };
  };
  const [post, even] = [await of("post"), await of("even")];
  const grouped = new Set(groups.flatMap(({ neurons }) => neurons));
  return {
    parts: groupedBy(input),
    pairs,
    q: trained.map(({ q }) => q),
    groups: {
      labels: groups.map(({ label }) => label),
      sizes: groups.map(({ neurons }) => neurons.length),
      heads: groups.map(({ head }) => head),
    },
    ungrouped: live.filter((j) => !grouped.has(j)).length,
    dead: fitted.forms.length - live.length,
    agree: rounded(shared.baseAnswers.map((answers, h) => agreement(answers, at(shared.sourceAnswers, h)))),
    post: post.own,
    even: even.own,
    sufficient: post.sufficient,
    sufficient_even: even.sufficient,
    random: {
      draws,
      post: post.none,
      even: even.none,
      sufficient: post.meanSufficient,
      sufficient_largest: post.sufficient_largest,
      sufficient_even: even.meanSufficient,
      sufficient_even_largest: even.sufficient_largest,
    },
  };
}
