import { at, formatNumber } from "../../core/index.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { percent, perRun, short, stated } from "../kit/text.ts";
import { compute, DRAWS, type EmergenceResult } from "./compute.ts";
import { emergenceFigure, followingShare } from "./figure.ts";

/** Neurons above the null and above one half at a checkpoint, as shares. */
function shares(result: EmergenceResult, t: number) {
  return { above: at(result.above_null, t) / Math.max(1, result.neurons), half: followingShare(result, t) };
}

function headline(entries: readonly Labelled<EmergenceResult>[]): string {
  const clause = ({ result }: Labelled<EmergenceResult>) => {
    const last = result.epochs.length - 1;
    if (last < 0) return "no checkpoint was kept";
    const [begin, end] = [shares(result, 0), shares(result, last)];
    return (
      `one frequency explains more than half of ${percent(end.half)} of the neurons at epoch ${formatNumber(at(result.epochs, last))}, of ${percent(begin.half)} at epoch ${formatNumber(at(result.epochs, 0))} ` +
      `(above the null ${percent(end.above)} and ${percent(begin.above)}, by chance 1 %)`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** Over a run's checkpoints: which task each neuron works for. */
export const emergence = defineAnalysis<EmergenceResult>({
  id: "emergence",
  title: "Neurons find their tasks",
  description: "At every kept checkpoint, how much of each neuron the best frequency of each task explains.",
  definition: `At each kept checkpoint (\`epochs\`), u(x0, x1) = mu + f(x0) + g(x1) + rest is each neuron before the ReLU, as in \`neurons\`.

- \`R2\`: what the best frequency pair of each task q explains of Σf² + Σg², [tasks, neurons] a checkpoint, to 1/255 of its range
  (\`columns\`, \`low\`, \`high\`, base64 \`bytes\`). A model of one task has a row for each of its frequencies k instead: \`rows\` says which,
  \`labels\` names them.
- \`best\`: each neuron's best row at the last checkpoint (its place among \`labels\`; −1 for a neuron that does not vary). \`order\`: the neurons
  by it, by falling R² within one; figures show them so at every checkpoint.
- \`above_null\`: neurons whose best row lies above \`null.R2\`; \`above_half\`: above 0.5. [checkpoints].
- \`accuracy\`: validation accuracy of each of \`tasks\` at the checkpoint, where it was logged; \`chance\`: of a guess.

How to read it: a model that has not found its tasks is a field of noise; one that has is a staircase, each neuron bright in the row of one
task. Rows of larger q have more frequencies to choose from and are brighter by chance.`,
  null: `\`null.R2\`: at each checkpoint, the 99 % quantile of a neuron's best R² over all rows under ${DRAWS} permutations of the tokens (one for both digits),
pooled over 64 seeded neurons.`,
  citation:
    "This project's; the closed form is that of `neurons`. The question is that of section Neurons, Syrkis & Søgaard 2024",
  needs: ["series", "models", "matmul"],
  effort: 1.5,
  options: {},
  run: compute,
  metrics(result) {
    const last = result.epochs.length - 1;
    if (last < 0) return { checkpoints: 0 };
    const { above, half } = shares(result, last);
    return {
      checkpoints: result.epochs.length,
      above_null: above,
      above_half: half,
      above_half_first: shares(result, 0).half,
      R2_null: at(result.null.R2, last),
    };
  },
  summary(result) {
    return result.epochs
      .map((epoch, t) => {
        const { above, half } = shares(result, t);
        return `epoch ${String(epoch).padStart(6)}   above one half ${percent(half)}   above the null of ${short(at(result.null.R2, t))} ${percent(above)}`;
      })
      .join("\n");
  },
  finding: (entries) =>
    stated("Most neurons end up following one frequency of one task", entries, ({ result }) => {
      if (result.epochs.length === 0) return false;
      const { above, half } = shares(result, result.epochs.length - 1);
      return half > 0.5 && above > 0.5;
    }),
  headline,
  figure: (entries) => emergenceFigure(entries, headline(entries)),
});
