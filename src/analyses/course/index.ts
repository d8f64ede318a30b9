import { at, formatNumber } from "../../core/index.ts";
import { mean, sum } from "../../math/index.ts";
import { withoutResidues } from "../closed-form/dictionary.ts";
import { withoutHalves } from "../kit/activation.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { perRun, short, stated } from "../kit/text.ts";
import type { AttentionCourse } from "./attention.ts";
import { type CourseResult, compute, IN_USE } from "./compute.ts";
import { courseFigure } from "./figure.ts";
import { isNeeded, neededByChance, type PairAblation } from "./temporary.ts";

const shown = (value: number) => value.toFixed(3);

/** The most accuracy that a task loses without a pair, on each set of samples. */
const costsOf = ({ train, held_out }: PairAblation) => [held_out.worst, ...(train === null ? [] : [train.worst])];

/** What early attention does in the last model, in a clause. */
function attending({ own, averaged, even, epoch, model_epoch }: AttentionCourse): string {
  const from = (value: number | null) => (value === null ? "at no checkpoint" : `from epoch ${value} on`);
  return `attention does 0.9 of what it does in the end ${from(epoch)}, the model ${from(model_epoch)} (last model ${shown(own)}, its attention averaged ${shown(averaged)}, even ${shown(even)})`;
}

/** What the ablation of temporary pairs shows, in a clause. */
function ablated({ ablation }: CourseResult): string {
  if (ablation.pairs.length === 0) return "";
  const needed = ablation.pairs.filter(isNeeded).length;
  return `without their neurons at their peak some task suffers more than without any random group in ${needed} of ${ablation.pairs.length} (by chance up to ${short(neededByChance(ablation), 2)})`;
}

/** Mean over tasks at a checkpoint. */
const meanAt = (values: readonly (readonly number[])[], tick: number) => mean(values.map((row) => at(row, tick)));

/** The model's accuracy on validation samples where they are known, else on all. */
function heldOut({ accuracy }: CourseResult): readonly (readonly number[])[] {
  return accuracy.validation ?? accuracy.model;
}

/** Tasks whose circuit is at 0.99 to stay at an earlier checkpoint than validation accuracy, and at the same or a later one. */
function ahead({ circuit_epoch, validation_epoch }: CourseResult): { earlier: number; later: number } | undefined {
  if (validation_epoch === null) return undefined;
  const both = circuit_epoch.map(
    (epoch, task) => [epoch ?? Number.POSITIVE_INFINITY, validation_epoch[task] ?? Number.POSITIVE_INFINITY] as const,
  );
  return {
    earlier: both.filter(([circuit, validation]) => circuit < validation).length,
    later: both.filter(([circuit, validation]) => circuit > validation).length,
  };
}

function headline(entries: readonly Labelled<CourseResult>[]): string {
  const clause = ({ result }: Labelled<CourseResult>) => {
    const last = result.epochs.length - 1;
    const order = ahead(result);
    const first =
      order === undefined || result.epochs.length < 2
        ? ""
        : `; the circuit is at 0.99 at an earlier checkpoint than validation accuracy in ${order.earlier} of ${result.tasks.length} tasks, at a later one in ${order.later}`;
    return (
      `from epoch ${formatNumber(at(result.epochs, 0))} to ${formatNumber(at(result.epochs, last))} the circuits' accuracy goes from ${shown(meanAt(result.accuracy.circuit, 0))} to ` +
      `${shown(meanAt(result.accuracy.circuit, last))} (read-out permuted ${shown(at(result.null.circuit_permuted, last))}), the model's from ` +
      `${shown(meanAt(heldOut(result), 0))} to ${shown(meanAt(heldOut(result), last))}${first}; ${result.temporary.length} pairs (q, k) were in use and are gone${result.ablation.pairs.length === 0 ? "" : `; ${ablated(result)}`}`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** The closed form over training: the progress measure of n mod q, and the frequencies that come and go. */
export const course = defineAnalysis({
  id: "course",
  title: "Course: the closed form over training",
  description:
    "Circuit and closed form beside the model's accuracy at each kept checkpoint, and the frequencies that come and go.",
  definition: `At each checkpoint that the run kept (\`epochs\`), with names as in \`neurons\` and \`algorithm\`: \`additive_share\`, the neurons' median \`R2\`, and by task (\`tasks\`) and checkpoint
\`accuracy.model\`, \`accuracy.u_hat\`, \`accuracy.circuit\` on all p² inputs and \`accuracy.validation\`, the model's on validation samples, where the split is known (\`left_out\` says where not).

\`circuit_epoch\`, \`validation_epoch\`: the first checkpoint from which the task's circuit, or the model on validation samples, stays at ${0.99} or above; null for none. Resolution is that of the
kept checkpoints, all but the last of which a shipped run stores in half precision.

A pair (m, k) is in use at a checkpoint with at least ${IN_USE} neurons above that checkpoint's null. \`pairs\`: those in use at any, with their \`neurons\` above the null at each. \`in_use\`, and of them
\`born\` and \`gone\` since the checkpoint before. \`temporary\`: pairs in use once and not at the last, with their peak.

\`ablation\`: does a task suffer without them? At the checkpoint of its peak each temporary pair's neurons (of at most 24 pairs, those of most neurons; \`left_out\` counts the rest) are replaced by
their means over all p² inputs. Accuracy lost on up to 1,000 samples that were trained on (\`train\`: memorisation; null where the split is not known) and 1,000 that were not (\`held_out\`): \`own\`, of
the pair's own task; \`worst\`, of the task \`worst_q\` that loses most. The peak is that of the kept checkpoints: between two of them a pair may have had more neurons.

\`attention\`: when does attention do what it does in the end? \`accuracy\`: the last checkpoint's model with each checkpoint's attention in place of its own, mean over tasks on up to 1,000 samples that were
not trained on (on all where the split is not known). \`epoch\`: the first checkpoint from which it stays at 0.9 of \`own\` (its own attention) or above; \`model_epoch\`: the first from which the accuracy of each checkpoint's
model stays at 0.9 of the last one's. Null for a model without '='.`,
  null: `\`chance\`: 1/q. \`null.circuit_permuted\`: mean accuracy over tasks and \`null.draws\` draws of circuits with their read-outs permuted, at each checkpoint. \`null.R2\`: 99 % quantile of the best R² under
\`null.permutations\` (--draws, 200) permutations of the tokens, at each. \`ablation.pairs[].random_own\`, \`random_worst\`: the most that any of \`ablation.draws\` random groups of as many live neurons
costs the same task, and any task; a pair that is itself a random group exceeds each with probability 1/(draws + 1). Random groups are a comparison and no null of "no structure", as in \`circuits\`. \`attention.averaged\`: the last
model with its attention averaged over the grid, all that no function of the input can add; \`attention.even\`: with 1/3 on each key, which is an untrained model's. A run on shuffled labels (\`shuffled\`, scored against its own labels) is the control of all of it.`,
  citation: "Ours; progress measures as in Nanda et al. 2023",
  needs: ["series", "models", "matmul"],
  effort: 9,
  options: {
    draws: { type: "integer", default: 200, min: 100, max: 2000, description: "permutations of the tokens, 100 to 2000" },
  },
  refuses: (config) => withoutResidues(config) ?? withoutHalves(config),
  run: (input, options) => compute(input, Number(options.draws)),
  metrics: (result) => {
    const last = result.epochs.length - 1;
    const order = ahead(result);
    return {
      checkpoints: result.epochs.length,
      additive_share: at(result.additive_share, last),
      R2: at(result.R2, last),
      circuit: meanAt(result.accuracy.circuit, last),
      u_hat: meanAt(result.accuracy.u_hat, last),
      model: meanAt(result.accuracy.model, last),
      circuit_first: meanAt(result.accuracy.circuit, 0),
      model_first: meanAt(result.accuracy.model, 0),
      circuit_permuted: at(result.null.circuit_permuted, last),
      ...(order === undefined ? {} : { circuit_earlier: order.earlier, circuit_later: order.later }),
      pairs_in_use: at(result.in_use, last),
      pairs_born: sum(result.born),
      pairs_gone: sum(result.gone),
      ...(result.attention === null
        ? {}
        : {
            attention_own: result.attention.own,
            attention_averaged: result.attention.averaged,
            attention_even: result.attention.even,
            ...(result.attention.epoch === null ? {} : { attention_epoch: result.attention.epoch }),
            ...(result.attention.model_epoch === null ? {} : { model_epoch: result.attention.model_epoch }),
          }),
      pairs_temporary: result.temporary.length,
      temporary_ablated: result.ablation.pairs.length,
      temporary_needed: result.ablation.pairs.filter(isNeeded).length,
      temporary_needed_by_chance: neededByChance(result.ablation),
      temporary_worst: Math.max(0, ...result.ablation.pairs.flatMap(costsOf)),
    };
  },
  summary: (result) => {
    const rows = result.epochs.map(
      (epoch, tick) =>
        `epoch ${String(epoch).padStart(7)}   additive ${short(at(result.additive_share, tick))}   R² ${short(at(result.R2, tick), 2)} (null ${short(at(result.null.R2, tick), 2)})   ` +
        `circuit ${shown(meanAt(result.accuracy.circuit, tick))} (permuted ${shown(at(result.null.circuit_permuted, tick))})   û ${shown(meanAt(result.accuracy.u_hat, tick))}   ` +
        `model ${shown(meanAt(result.accuracy.model, tick))}${result.accuracy.validation === undefined ? "" : `, validation ${shown(meanAt(result.accuracy.validation, tick))}`}   ` +
        `pairs ${at(result.in_use, tick)} (+${at(result.born, tick)} −${at(result.gone, tick)})`,
    );
    const every = Math.ceil(rows.length / 12);
    const order = ahead(result);
    return [
      ...rows.filter((_, i) => i % every === 0 || i === rows.length - 1),
      ...(order === undefined || result.epochs.length < 2
        ? []
        : [
            `circuit at 0.99 at an earlier checkpoint than validation accuracy in ${order.earlier} of ${result.tasks.length} tasks, at a later one in ${order.later}`,
          ]),
      ...(result.attention === null ? [] : [attending(result.attention)]),
      `${result.temporary.length} pairs (q, k) were in use and are not at the end`,
      ...(result.ablation.pairs.length === 0 ? [] : [ablated(result)]),
    ].join("\n");
  },
  finding: (entries) =>
    stated("The circuits in closed form end up answering as well as the model", entries, ({ result }) => {
      const last = result.epochs.length - 1;
      const [circuit, model] = [meanAt(result.accuracy.circuit, last), meanAt(heldOut(result), last)];
      return circuit >= model - 0.05 && circuit > mean(result.chance) + 0.1;
    }),
  headline,
  figure: (entries) => courseFigure(entries, headline(entries)),
});
