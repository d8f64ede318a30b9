import { at, formatNumber } from "../../core/index.ts";
import { mean } from "../../math/index.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { listed, percent, perRun, short, stated } from "../kit/text.ts";
import { type CurvesResult, compute, TICKS } from "./compute.ts";
import { curvesFigure } from "./figure.ts";

const grokkedEpochs = ({ grok_epoch }: CurvesResult) => grok_epoch.filter((epoch) => epoch !== null);

function headline(entries: readonly Labelled<CurvesResult>[]): string {
  const clause = ({ result }: Labelled<CurvesResult>) => {
    const groks = grokkedEpochs(result);
    const heads = result.q.length;
    const accuracy = `validation accuracy ${percent(mean(result.final.validation_accuracy))} at the end (chance ${percent(mean(result.chance_accuracy))})`;
    if (groks.length === 0)
      return `no task groks by epoch ${formatNumber(at(result.epochs, result.epochs.length - 1))}; ${accuracy}`;
    if (heads === 1) return `groks at epoch ${formatNumber(at(groks, 0))}; ${accuracy}`;
    const first = listed(result.order.slice(0, 6).map(String));
    return `${groks.length} of ${heads} tasks grok, from epoch ${formatNumber(Math.min(...groks))} to ${formatNumber(Math.max(...groks))}, first ${first}; ${accuracy}`;
  };
  return `${perRun(entries, clause)}.`;
}

/** Accuracy and loss of every output head through training (Figures 5 and 6, Syrkis & Søgaard 2024). */
export const curves = defineAnalysis({
  id: "curves",
  title: "Learning curves",
  description: "Accuracy and cross-entropy of each task through training, and when and in which order tasks generalise.",
  definition: `Per logged tick and trained task, in order of \`q\` (q = p: addition, alone or in \`joint\`), \`train\` and \`validation\` each with [tasks][ticks] of:

- \`accuracy\`, \`loss\` (cross-entropy in nats), without dropout, six significant digits;
- \`corrected_accuracy\` = (accuracy − chance)/(1 − chance) and \`relative_loss\` = loss/chance loss: (acc − 1/q)/(1 − 1/q) and CE/ln q for
  remainders, comparable across output heads of different width.

\`epochs\`: the ticks, every n-th and the last where more than ${TICKS} are logged. \`grok_epoch\`: the first logged epoch from which validation
accuracy stays at 0.99 or above, null if none; \`memorised_epoch\`: the same of training accuracy. Orders depend on the rule,
so two others stand beside it: \`first_epoch\`, the first logged epoch at which validation accuracy is 0.99 or above, whatever it does afterwards, and
\`stays90_epoch\`, as \`grok_epoch\` with 0.9. \`order\`: the moduli of the output heads that
grok, by grok epoch. \`phases\`: spans bounded by the first output head to grok, the first of q > 7 (where one does) and the last, each with the mean number of
active frequencies a neuron (\`sound\` and \`nominal\` as in \`omega\`; null where none is logged there). \`final\`: accuracies at the last tick.`,
  null: `A model that ignores its input: \`chance_accuracy\` 1/q and \`chance_loss\` ln q (for divisibility labels the larger class's share and the entropy of the two).
\`chance_limit\`: what such a model stays below in 99 % of runs for all output heads together (exact binomial quantile for the
validation set's size; null where the split is not known or has no validation samples).`,
  citation: "Figures 5 and 6, Syrkis & Søgaard 2024; 2, 3, 5 and 7 first, the other tasks around epoch 40,000",
  needs: ["series"],
  effort: 0.1,
  options: {},
  run: compute,
  metrics: (result) => {
    const groks = grokkedEpochs(result);
    return {
      heads: result.q.length,
      heads_grokked: groks.length,
      heads_memorised: result.memorised_epoch.filter((epoch) => epoch !== null).length,
      ...(groks.length === 0 ? {} : { first_grok_epoch: Math.min(...groks), last_grok_epoch: Math.max(...groks) }),
      train_accuracy: mean(result.final.train_accuracy),
      validation_accuracy: mean(result.final.validation_accuracy),
      chance_accuracy: mean(result.chance_accuracy),
      epochs: at(result.epochs, result.epochs.length - 1),
    };
  },
  summary(result) {
    const limit = result.chance_limit;
    const line = (q: number, h: number) => {
      const [grok, memorised] = [result.grok_epoch[h] ?? "never", result.memorised_epoch[h] ?? "never"];
      const chance = `chance ${percent(at(result.chance_accuracy, h))}${limit === null ? "" : `, below ${percent(at(limit, h))}`}`;
      return `q = ${String(q).padEnd(4)} validation ${percent(at(result.final.validation_accuracy, h))} (${chance})   memorised at ${memorised}, grokked at ${grok}`;
    };
    const active = result.phases.map(
      ({ phase, from, to, sound }) =>
        `epochs ${from} to ${to}, ${phase}: ${sound === null ? "no tick" : `${short(sound)} active frequencies a neuron`}`,
    );
    return [
      ...result.q.map(line),
      `order      ${result.order.length === 0 ? "no task groks" : result.order.join(", ")}`,
      ...active,
      ...(limit === null ? ["limit of chance left out: no validation samples are known"] : []),
    ].join("\n");
  },
  finding: (entries) => stated("Tasks generalise", entries, ({ result }) => grokkedEpochs(result).length > 0),
  headline,
  drawn: 8,
  figure: (entries) => curvesFigure(entries, headline(entries)),
});
