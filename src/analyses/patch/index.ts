import { at } from "../../core/index.ts";
import { mean } from "../../math/index.ts";
import { withoutHalves } from "../kit/activation.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { listed, percent, perRun, stated } from "../kit/text.ts";
import { compute, type PatchResult } from "./compute.ts";
import { patchFigure } from "./figure.ts";

type Kind = "post" | "even";

/** Means over the groups that have neurons. */
function meansOf(result: PatchResult) {
  const { labels, sizes, heads } = result.groups;
  const filled = labels.flatMap((_, g) => (at(sizes, g) > 0 ? [g] : []));
  const average = (values: readonly number[]) => (values.length === 0 ? 0 : mean(values));
  const over = (list: readonly number[]) => average(filled.map((g) => at(list, g)));
  const others = (matrix: readonly (readonly number[])[]) =>
    average(filled.flatMap((g) => (matrix[g] ?? []).filter((_, h) => h !== at(heads, g))));
  const kind = (name: Kind) => ({
    iia: over(result[name].iia),
    together: average(result[name].together),
    kept: others(result[name].kept),
    ownKept: over(heads.map((head, g) => at(result[name].kept[g] ?? [], head))),
    randomOwnKept: over(heads.map((head, g) => at(result.random[name].kept[g] ?? [], head))),
    random: over(result.random[name].iia),
    randomKept: others(result.random[name].kept),
    above: filled.filter((g) => at(result[name].iia, g) > at(result.random[name].iia_largest, g)).length,
  });
  return {
    filled: filled.length,
    /** What a patch without effect would give. */
    agree: over(heads.map((head) => at(result.agree, head))),
    post: kind("post"),
    even: kind("even"),
    sufficient: over(result.sufficient),
    sufficientEven: over(result.sufficient_even),
    randomSufficient: over(result.random.sufficient),
    randomSufficientEven: over(result.random.sufficient_even),
    /** Groups no better than random ones exceed the largest of the draws so often, at most. */
    expected: filled.length / (result.random.draws + 1),
  };
}

/** Why a model has no group of neurons. */
function nothingToPatch({ groups: { sizes }, ungrouped }: PatchResult): string {
  return ungrouped > 0 && sizes.every((size) => size === 0)
    ? `no neuron's best pair is of a trained task (${ungrouped} are of others), so there is nothing to patch`
    : "no neuron varies, so there is nothing to patch";
}

function headline(entries: readonly Labelled<PatchResult>[]): string {
  const clause = ({ result }: Labelled<PatchResult>) => {
    const { filled, agree, even, post } = meansOf(result);
    if (filled === 0) return nothingToPatch(result);
    const group = result.parts === "prime" ? "task's" : "frequency's";
    const other = result.q.length === 1 ? "" : `, other tasks keep the base's answer in ${percent(even.kept)}`;
    return (
      `with one ${group} neurons (|u|/2) taken from another input, ${result.parts === "prime" ? "that task" : "the model"} gives that input's answer in ` +
      `${percent(even.iia)} of pairs (random groups ${percent(even.random)}, no patch ${percent(agree)}), with the whole of hook_post in ${percent(post.iia)}${other}`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** Interchange interventions on the closed form's groups of neurons: are they what carries the answer? */
export const patch = defineAnalysis({
  id: "patch",
  title: "Patching: do a task's neurons carry its answer?",
  description:
    "Interchange of one group's neurons between two inputs, and the group alone against the rest; random groups beside.",
  definition: `**Groups.** A live neuron belongs to the task q whose modulus its best dictionary pair has (\`neurons\`), for addition, which has one task, to its frequency
k; \`parts\` is "prime" or "frequency". \`groups\`: \`labels\` (q or k), \`sizes\`, and the place in \`q\` of each group's own task (\`heads\`). \`ungrouped\`: live neurons of tasks that
are not trained. \`dead\`: neurons that do not vary.

**Interchange** (Geiger et al. 2021): \`pairs\` of a base and a source input, drawn uniformly by the seed, the same for every group. One group's neurons take their values at the source, everything
else stays the base's. All that follows is linear, so the logits are the base's plus Δ·W_out·W_U over the group's neurons, exactly. Two kinds:

- \`post\`: hook_post as it is.
- \`even\`: |u|/2 alone, u the neuron before the ReLU: relu(u) = u/2 + |u|/2, and where the skip path cancels the linear half, exchanging both halves moves the linear one against a skip path
  that stays the base's.

Each has \`answers\` [groups][tasks]: the share of pairs where a task answers as the model does at the source; \`iia\`: that of the group's own task; \`kept\` [groups][tasks]: the share where it
still answers as at the base; \`together\` [tasks]: \`answers\` with all groups exchanged at once; \`unchanged\`: labels of groups whose patch changes no logit of any pair.

**Resample ablation.** Everything but the group comes from the source: \`sufficient\` (hook_post) and \`sufficient_even\` (|u|/2) give the share of pairs where the group's own task still answers as at the
base. That is the interchange with base and source exchanged, so it differs from \`iia\` by the draw of pairs alone and is no second piece of evidence. Answers are the model's own, right or wrong. With 600 pairs a share has a standard error of at most 0.02.`,
  null: `\`random\`: groups of the same sizes drawn from the live neurons, \`random.draws\` (--draws, 20) of each. \`iia\` and \`sufficient\` are means over the draws, \`…_largest\` their largest, which a group no better than a
random one exceeds at most once in draws + 1; \`answers\` and \`kept\` are those of one draw. Random groups show that size alone does not do it; they are no model without structure, which shuffled
twins are. \`agree\` [tasks]: pairs whose base and source have the same answer to begin with, what a patch without effect gives.`,
  citation: "Ours; interchange interventions as in Geiger et al. 2021, resample ablation as in Chan et al. 2022",
  needs: ["blocks.0.mlp.hook_pre", "blocks.0.mlp.hook_post", "logits", "matmul"],
  effort: 3,
  options: {
    pairs: { type: "integer", default: 600, min: 10, max: 10_000, description: "pairs of base and source inputs" },
    draws: { type: "integer", default: 20, min: 1, max: 1000, description: "random groups of each size, 1 to 1000" },
  },
  refuses: (config) =>
    config.labels === "remainder"
      ? withoutHalves(config)
      : `needs tasks with a class for each residue (labels: remainder): neurons are grouped by their pair; got labels: ${config.labels}`,
  run: (input, options) => compute(input, Number(options.pairs), Number(options.draws)),
  metrics: (result: PatchResult) => {
    const { filled, agree, post, even, expected, ...rest } = meansOf(result);
    if (filled === 0) return { groups: 0 };
    return {
      groups: filled,
      agree,
      post_iia: post.iia,
      post_iia_random: post.random,
      post_kept: post.kept,
      even_iia: even.iia,
      even_iia_random: even.random,
      even_kept: even.kept,
      even_kept_random: even.randomKept,
      even_together: even.together,
      even_above_random: even.above,
      post_above_random: post.above,
      above_random_expected: expected,
      sufficient: rest.sufficient,
      sufficient_random: rest.randomSufficient,
      sufficient_even: rest.sufficientEven,
      sufficient_even_random: rest.randomSufficientEven,
      unchanged: result.post.unchanged.length,
    };
  },
  summary: (result: PatchResult) => {
    const found = meansOf(result);
    const { filled, agree, expected } = found;
    if (filled === 0) return `groups      none: ${nothingToPatch(result)}`;
    const what = result.parts === "prime" ? "tasks" : "frequencies";
    const line = (name: Kind) => {
      const { iia, random, kept, randomKept, ownKept, randomOwnKept, together, above } = found[name];
      const others =
        result.q.length === 1
          ? `; the base's answer stays in ${percent(ownKept)} (random: ${percent(randomOwnKept)})`
          : `; other tasks keep the base in ${percent(kept)} (random: ${percent(randomKept)})`;
      return (
        `answers the source in ${percent(iia)}   (random groups: ${percent(random)}; ${above} of ${filled} above all draws, by chance at most ` +
        `${expected.toPrecision(2)})${others}; all groups at once ${percent(together)}`
      );
    };
    const { labels, sizes } = result.groups;
    const empty = labels.filter((_, g) => at(sizes, g) === 0).map(String);
    const inert = result.even.unchanged.filter((label) => at(sizes, labels.indexOf(label)) > 0).map(String);
    return [
      `groups      ${filled} ${what} with neurons, ${result.pairs} pairs of inputs; base and source agree in ${percent(agree)} without a patch`,
      `hook_post   ${line("post")}`,
      `|u|/2       ${line("even")}`,
      `sufficient  with all but its group from the source its task answers the base in ${percent(found.sufficient)} (hook_post), ${percent(found.sufficientEven)} (|u|/2)   ` +
        `(random groups: ${percent(found.randomSufficient)}, ${percent(found.randomSufficientEven)})`,
      ...(empty.length === 0 ? [] : [`warning     no neuron's best pair has q = ${listed(empty)}: their patches change nothing`]),
      ...(inert.length === 0 ? [] : [`warning     patching the neurons of ${listed(inert)} changes no logit`]),
    ].join("\n");
  },
  finding: (entries) =>
    stated("Neurons of one circuit taken from another input bring that input's answer along", entries, ({ result }) => {
      const { filled, even, agree } = meansOf(result);
      return filled > 0 && even.iia > Math.max(even.random, agree) + 0.1;
    }),
  headline,
  figure: (entries) => patchFigure(entries, headline(entries)),
});
