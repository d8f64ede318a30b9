import { at, formatNumber } from "../../core/index.ts";
import { mean } from "../../math/index.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { listed, perRun, short, stated } from "../kit/text.ts";
import { noOthers } from "../logits/of-addition.ts";
import { compute, FREQUENCY_SETS, type ProgressResult, TOKEN_DRAWS } from "./compute.ts";
import { progressFigure } from "./figure.ts";

const lastOf = (values: readonly number[]) => at(values, values.length - 1);

/** Means over output heads of the nulls at the last checkpoint; undefined where there are none. */
function nullAtEnd({ null: { restricted_loss, excluded_loss } }: ProgressResult) {
  if (restricted_loss === null || excluded_loss === null) return undefined;
  return { restricted: mean(restricted_loss.map(lastOf)), excluded: mean(excluded_loss.map(lastOf)) };
}

/** Means over output heads of a measure at a checkpoint. */
function measureAt(result: ProgressResult, tick: number) {
  const over = (curves: readonly (readonly number[])[]) => mean(curves.map((curve) => at(curve, tick)));
  const { loss, restricted_loss, excluded_loss } = result;
  return {
    test: over(loss.test ?? loss.all),
    train: over(loss.train ?? loss.all),
    restricted: over(restricted_loss.test ?? restricted_loss.all),
    excluded: over(excluded_loss.train ?? excluded_loss.all),
  };
}

/** Output heads whose restricted loss falls below half of chance at an earlier checkpoint than their loss on new samples. */
function ahead({ restricted_epoch, generalised_epoch }: ProgressResult): number {
  return restricted_epoch.filter((epoch, h) => {
    const whole = generalised_epoch[h] ?? Number.POSITIVE_INFINITY;
    return epoch !== null && epoch < whole;
  }).length;
}

function headline(entries: readonly Labelled<ProgressResult>[]): string {
  const clause = ({ result }: Labelled<ProgressResult>) => {
    const [first, end] = [measureAt(result, 0), measureAt(result, result.epochs.length - 1)];
    return (
      `from epoch ${formatNumber(at(result.epochs, 0))} to ${formatNumber(lastOf(result.epochs))} restricted loss goes from ${short(first.restricted)} to ${short(end.restricted)}, ` +
      `excluded loss from ${short(first.excluded)} to ${short(end.excluded)} (chance ${short(mean(result.chance_loss))}), the embedding's Gini coefficient from ` +
      `${short(at(result.W_E_gini, 0))} to ${short(lastOf(result.W_E_gini))} (null ${short(lastOf(result.null.W_E_gini))})`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/**
 * Progress measures through training: restricted and excluded loss, Gini coefficients and the sum of squares (Nanda et al. 2023).
 */
export const progress = defineAnalysis({
  id: "progress",
  title: "Progress measures",
  description: "Restricted and excluded loss, Gini coefficients and the weights' sum of squares at each kept checkpoint.",
  definition: `At each checkpoint that the run kept (\`epochs\`, at least two), by trained task in order of \`q\`, [tasks][checkpoints]:

- \`loss\`, \`restricted_loss\`, \`excluded_loss\` in nats as in \`mechanism\`, over \`all\` samples and, where the split is known, over those of \`train\` and
  all others (\`test\`). For addition the key frequencies are those of the last checkpoint (\`key_frequencies\`), the projection is fitted
  anew at each; other output heads, \`joint\`'s addition head among them, have their own g_q at each checkpoint.
- \`restricted_epoch\`: per output head the first checkpoint from which restricted loss on \`test\` (else \`all\`) stays at or below half of chance;
  \`generalised_epoch\`: the same of the loss itself. Null where there is none.

And [checkpoints]: \`W_E_gini\` over the norms of W_E's rows in the Fourier basis over tokens, \`W_L_gini\` as in \`mechanism\` (addition alone, else null),
\`sum_sq_weights\` over all stored tensors; \`W_pos_pearson\`: r of the two digits' position
embeddings, which no function fixes (see \`positional\`): how far it wanders while accuracy stays. \`left_out\`: what needs a split that is not known.`,
  null: `\`chance_loss\`: what a guess costs that knows how often each class occurs, ln q for remainders and the entropy of the two classes for
divisibility labels. \`null.restricted_loss\` and \`null.excluded_loss\`: for addition the mean over ${FREQUENCY_SETS} fixed sets of as many other frequencies, to compare with and no limit, on
\`test\` and \`train\` (null where more than half of the frequencies are key, so that fewer are left); for other output heads chance, and the whole loss. \`null.W_E_gini\`: 99 % limit over ${TOKEN_DRAWS} permutations of the tokens at each checkpoint.`,
  citation:
    "Section 5, Nanda et al. 2023: restricted and excluded loss, Gini coefficient and sum of squared weights as progress measures",
  needs: ["series", "models", "logits"],
  effort: 6,
  options: {},
  run: compute,
  metrics: (result) => {
    const end = measureAt(result, result.epochs.length - 1);
    const none = nullAtEnd(result);
    return {
      checkpoints: result.epochs.length,
      restricted_loss: end.restricted,
      excluded_loss: end.excluded,
      train_loss: end.train,
      test_loss: end.test,
      ...(none === undefined ? {} : { restricted_loss_null: none.restricted, excluded_loss_null: none.excluded }),
      chance_loss: mean(result.chance_loss),
      heads_restricted_first: ahead(result),
      W_E_gini: lastOf(result.W_E_gini),
      W_E_gini_first: at(result.W_E_gini, 0),
      W_E_gini_null: lastOf(result.null.W_E_gini),
      sum_sq_weights: lastOf(result.sum_sq_weights),
    };
  },
  summary(result) {
    const rows = result.epochs.map((epoch, tick) => {
      const { train, test, restricted, excluded } = measureAt(result, tick);
      return (
        `epoch ${String(epoch).padStart(7)}   loss train ${short(train)}, test ${short(test)}   restricted ${short(restricted)}, excluded ${short(excluded)}   ` +
        `W_E gini ${short(at(result.W_E_gini, tick))} (null ${short(at(result.null.W_E_gini, tick))})   Σw² ${short(at(result.sum_sq_weights, tick))}`
      );
    });
    const every = Math.ceil(rows.length / 12);
    const shown = rows.filter((_, i) => i % every === 0 || i === rows.length - 1);
    const end = nullAtEnd(result);
    const losses =
      end === undefined
        ? noOthers(result.key_frequencies ?? [], (at(result.q, 0) - 1) / 2)
        : `restricted ${short(end.restricted)}, excluded ${short(end.excluded)}`;
    const none = `null at the end: ${losses}; chance ${short(mean(result.chance_loss))}`;
    const missing =
      result.left_out.length === 0
        ? []
        : [`left out, the split is not known (losses are over all samples): ${listed(result.left_out)}`];
    return [
      ...shown,
      none,
      `restricted loss is ahead of the loss on new samples in ${ahead(result)} of ${result.q.length} tasks`,
      ...missing,
    ].join("\n");
  },
  finding: (entries) =>
    stated(
      "What the logits hold of the answer's structure alone ends up better than chance on held-out samples",
      entries,
      ({ result }) => measureAt(result, result.epochs.length - 1).restricted < mean(result.chance_loss),
    ),
  headline,
  figure: (entries) => progressFigure(entries, headline(entries)),
});
