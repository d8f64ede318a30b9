import { at } from "../../core/index.ts";
import { argmax, mean, sum } from "../../math/index.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { listed, percent, perRun, short, stated } from "../kit/text.ts";
import { type Ablations, costsMoreLoss, nullOf } from "./ablate.ts";
import { type CircuitsResult, compute } from "./compute.ts";
import { circuitsFigure } from "./figure.ts";
import { crossPairs } from "./pairs.ts";

/** What the parts of a prime do to the output head of that prime, or any part to the only head: means over parts. */
function specificity(result: CircuitsResult, ablations: Ablations) {
  const rows = ablations.labels.flatMap((label, i) => {
    const head = result.parts === "frequency" ? 0 : result.q.indexOf(label);
    if (head < 0) return [];
    const [lost, gained] = [ablations.accuracy_lost[i] ?? [], ablations.loss_gained[i] ?? []];
    const others = lost.filter((_, h) => h !== head);
    const none = nullOf(ablations, i, head) ?? { accuracy: 0, loss: 0, others: undefined, draws: 0 };
    return [
      {
        label,
        accuracy: at(lost, head),
        loss: at(gained, head),
        others: others.length === 0 ? 0 : mean(others),
        none,
        worst: argmax(lost) === head && at(lost, head) > 0,
      },
    ];
  });
  const average = (value: (row: (typeof rows)[number]) => number) => (rows.length === 0 ? 0 : mean(rows.map(value)));
  return {
    accuracy: average((row) => row.accuracy),
    loss: average((row) => row.loss),
    others: average((row) => row.others),
    none: {
      accuracy: average((row) => row.none.accuracy),
      loss: average((row) => row.none.loss),
      /** What random parts cost the other output heads on average; undefined where there are no others. */
      others:
        rows.length === 0 || rows.some((row) => row.none.others === undefined)
          ? undefined
          : average((row) => row.none.others ?? 0),
    },
    /** So many parts that were themselves drawn at random would exceed the largest of their draws. */
    expected: sum(rows.map((row) => 1 / (row.none.draws + 1))),
    above: rows.filter((row) => row.accuracy > row.none.accuracy).map((row) => row.label),
    aboveByLoss: rows.filter((row) => costsMoreLoss(row.loss, row.none.loss)).map((row) => row.label),
    worst: rows.filter((row) => row.worst).length,
    count: rows.length,
  };
}

/** A change of loss, with its sign. */
const signed = (change: number) => `${change < 0 ? "" : "+"}${short(change)}`;

/** A change of accuracy in points of a hundred. */
const points = (share: number) => `${Math.round(1000 * share) / 10 + 0} %`;

/** The largest mean accuracy over output heads that the loss of one attention head costs. */
function worstAttention({ attention }: CircuitsResult): number {
  return Math.max(0, ...attention.accuracy_lost.map((lost) => mean(lost)));
}

/** Means over groups of what suffices for their own tasks; undefined where it was not looked at. */
function sufficientOf({ sufficiency }: CircuitsResult) {
  if (sufficiency === null || sufficiency.labels.length === 0) return undefined;
  const { model, own, others, other_group, random } = sufficiency.accuracy;
  return {
    model: mean(model),
    own: mean(own),
    others: mean(others),
    other_group: mean(other_group),
    random: mean(random.mean),
    above: own.filter((value, g) => value > at(random.largest, g)).length,
  };
}

function headline(entries: readonly Labelled<CircuitsResult>[]): string {
  const clause = ({ result }: Labelled<CircuitsResult>) => {
    const { accuracy, others, none, above, aboveByLoss, expected, count } = specificity(result, result.groups);
    const many = result.parts === "prime";
    const rest = none.others === undefined ? "" : `, the other tasks ${points(others)} (random groups ${points(none.others)})`;
    return (
      `without one ${many ? "prime's" : "frequency's"} neurons ${many ? "its own task" : "the model"} loses ${points(accuracy)} accuracy ` +
      `(random groups at most ${points(none.accuracy)})${rest}; ${above.length} of ${count} groups exceed ` +
      `all random ones of their size in accuracy, ${aboveByLoss.length} in loss (groups drawn at random: at most ${short(expected, 2)})`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** Which ablations break which tasks: the question that Syrkis & Søgaard 2024 leave open. */
export const circuits = defineAnalysis({
  id: "circuits",
  title: "Circuits: which ablations break which tasks",
  description: "Accuracy that each task loses when neurons of one frequency or prime, or their part of W_E, are taken out.",
  definition: `Each part is taken out by itself and every trained task is evaluated anew, on the same seeded sample of inputs (\`samples\`; --all for every one).
\`parts\` is "frequency" for addition and "prime" for everything else. \`baseline\`: accuracy and cross-entropy (nats) per output head of \`q\` with nothing
taken out. Three lists of ablations, each with \`labels\`, \`sizes\`, and \`accuracy_lost\` and \`loss_gained\` over the baseline, [labels][tasks]:

- \`groups\`: all neurons of one best k (as in \`fft\`) or one best prime (as in \`primes\`), replaced by their means over all p² inputs; \`sizes\` in
  neurons. Dead neurons (\`dead\`) are in no group. In a model of the task \`joint\` p is the group of the addition head: neurons whose ε² for (x0 + x1) mod p
  exceeds that for every n mod q.
- \`embedding\`: W_E over the p tokens without its part along cos and sin of one k (2 dimensions), or without the differences between the
  means of the residue classes x mod q (q − 1 dimensions; q < p/2 alone, which leaves out \`joint\`'s addition head). The mean token and '=' stay.
- \`attention\`: one attention head's output replaced by its mean over all p² inputs.

Beside what a task needs, what suffices for it: \`sufficiency\`, by **interaction** alone, that is post-activations and logits without their means over either digit (a − row mean − column mean + grand
mean), since terms in one digit cannot compute a task that needs both and only cancel among neurons. Here a group is the neurons whose best dictionary pair has modulus q (for
addition frequency k; \`neurons\`), \`labels\` and \`sizes\`. \`accuracy\` of its own task, [groups], on \`samples\` inputs that were not trained on (\`held_out\`; on all inputs where the split is not known):
\`model\` from the whole model's interaction, \`own\` from the group's neurons alone, \`others\` from everything but them, \`other_group\` from the next group's neurons, \`random\` from as many
neurons drawn at random, \`mean\` and \`largest\` over --draws. Null for divisibility labels.`,
  null: `For \`groups\` random groups of live neurons: what as many neurons cost whichever they are. That is a comparison and no null of "no
structure", since a random group breaks the cancellation of terms in one digit alone among neurons, which costs output heads that it does not
serve. For \`embedding\` a null: the same part with the tokens relabelled at random, once for both digits, which read one W_E. --draws (20) of each
size class. A class reaches from its largest size down to half of it, and random parts have the largest size, which errs on the safe
side. \`null[null_of[i]]\` belongs to part i: per output head the \`mean\` over draws and the \`largest\`, which a part that is itself a random
one exceeds at most once in draws + 1 (p = 0.05 for 20): of all parts so many by chance. In untrained models parts along a
output head's own residues exceed it in accuracy less often than that, and in loss somewhat more often, since they bear on the targets and random
ones do not (docs/calibration.md). \`others_accuracy_lost\`: per output head, what random parts cost
all output heads but it, averaged over them: \`mean\`, \`smallest\` and \`largest\` over draws, to hold beside what part i costs the output heads that are not
its own (the larger size errs on the other side there); null where there is one output head. An attention head has no random counterpart: the
other output heads, and \`chance_accuracy\` as the floor, stand beside it.

Draws are looked at in single precision first: where it decides all of a sample's answers, with a margin of 2e-3 nats, and holds the targets' probabilities (above 1e-37), it is taken, and its
losses are right to about six digits; every other sample, and everything that is no draw, is evaluated in double precision. So accuracies are those of double precision; a loss counts as larger than a draw's from 1e-5 nats (and 1e-5 of it) on.`,
  citation: "Future work, Syrkis & Søgaard 2024: which ablations break which tasks",
  needs: ["blocks.0.mlp.hook_pre", "blocks.0.mlp.hook_post", "logits", "forward", "matmul"],
  effort: 5,
  options: {
    samples: { type: "integer", default: 2048, min: 1, max: 63_001, description: "inputs to evaluate on, drawn by the seed" },
    all: { type: "boolean", default: false, description: "evaluate on all p² inputs" },
    draws: { type: "integer", default: 20, min: 1, max: 1000, description: "random parts per size class, 1 to 1000" },
  },
  run: compute,
  metrics(result) {
    const [groups, embedding] = [specificity(result, result.groups), specificity(result, result.embedding)];
    const cross = crossPairs(result.groups, result.parts === "prime" ? result.q : []);
    const sufficient = sufficientOf(result);
    return {
      samples: result.samples,
      groups: groups.count,
      baseline_accuracy: mean(result.baseline.accuracy),
      own_accuracy_lost: groups.accuracy,
      other_accuracy_lost: groups.others,
      null_accuracy_lost: groups.none.accuracy,
      own_loss_gained: groups.loss,
      null_loss_gained: groups.none.loss,
      ...(groups.none.others === undefined ? {} : { null_other_accuracy_lost: groups.none.others }),
      groups_above_null: groups.above.length,
      groups_above_null_expected: groups.expected,
      groups_above_null_by_loss: groups.aboveByLoss.length,
      groups_own_head_worst: groups.worst,
      embedding_own_accuracy_lost: embedding.accuracy,
      embedding_other_accuracy_lost: embedding.others,
      embedding_null_accuracy_lost: embedding.none.accuracy,
      embedding_own_loss_gained: embedding.loss,
      embedding_null_loss_gained: embedding.none.loss,
      embedding_above_null: embedding.above.length,
      embedding_above_null_expected: embedding.expected,
      embedding_above_null_by_loss: embedding.aboveByLoss.length,
      attention_accuracy_lost: worstAttention(result),
      ...(cross.of === 0 ? {} : { cross_pairs_by_loss: cross.pairs.length, cross_pairs_by_loss_expected: cross.expected }),
      ...(sufficient === undefined
        ? {}
        : {
            sufficient_model: sufficient.model,
            sufficient_own: sufficient.own,
            sufficient_others: sufficient.others,
            sufficient_other_group: sufficient.other_group,
            sufficient_random: sufficient.random,
          }),
    };
  },
  summary(result) {
    const name = result.parts === "prime" ? "q" : "k";
    const describe = (ablations: Ablations, chance: string) => {
      const { accuracy, loss, others, none, above, aboveByLoss, expected, worst, count } = specificity(result, ablations);
      const random = none.others === undefined ? "" : `, random ones cost them ${points(none.others)}`;
      const who =
        result.parts === "prime"
          ? `own task loses ${points(accuracy)} (others ${points(others)}${random}; worst hit in ${worst})`
          : `accuracy lost ${points(accuracy)}`;
      const which = above.length === 0 ? "" : ` (${name} = ${listed(above.map(String))})`;
      return (
        `${who}, loss ${signed(loss)}   (random: at most ${points(none.accuracy)}, ${signed(none.loss)}); ` +
        `above it in accuracy ${above.length} of ${count}${which}, in loss ${aboveByLoss.length} (${chance} at most ${short(expected, 2)})`
      );
    };
    const heads = result.attention.accuracy_lost.map((lost) => points(mean(lost)));
    const cross = crossPairs(result.groups, result.parts === "prime" ? result.q : []);
    const largest = cross.pairs.slice(0, 4).map(({ group, task, loss_gained }) => `${group} → ${task} ${signed(loss_gained)}`);
    const sufficient = sufficientOf(result);
    const { sufficiency } = result;
    return [
      `baseline   accuracy ${percent(mean(result.baseline.accuracy))} on ${result.samples} inputs (chance ${percent(mean(result.chance_accuracy))})`,
      `neurons    ${describe(result.groups, "groups drawn at random:")}`,
      ...(cross.of === 0
        ? []
        : [
            `           other tasks' loss rises beyond all random groups in ${cross.pairs.length} of ${cross.of} pairs (groups drawn at random: at most ${short(cross.expected, 2)})` +
              `${largest.length === 0 ? "" : `: ${listed(largest)}`}${cross.pairs.length > largest.length ? " the most" : ""}`,
          ]),
      ...(sufficient === undefined || sufficiency === null
        ? []
        : [
            `suffices   from interactions alone, ${sufficiency.samples} ${sufficiency.held_out ? "held-out " : ""}inputs: own neurons ${percent(sufficient.own)}, all others ${percent(sufficient.others)}, ` +
              `another group's ${percent(sufficient.other_group)}, random ${percent(sufficient.random)} (own above all draws in ${sufficient.above} of ${sufficiency.labels.length}); the whole model ${percent(sufficient.model)}`,
          ]),
      `embedding  ${describe(result.embedding, "by chance")}`,
      `attention  mean accuracy lost without head 0, 1, …: ${listed(heads)}`,
    ].join("\n");
  },
  finding: (entries) =>
    stated("Without a circuit's neurons its task loses more than random groups cost", entries, ({ result }) => {
      const { accuracy, none } = specificity(result, result.groups);
      return accuracy > none.accuracy && accuracy > 0;
    }),
  headline,
  figure: (entries) => circuitsFigure(entries, headline(entries)),
});
