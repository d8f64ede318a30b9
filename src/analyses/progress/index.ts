import { at, ensure, type NdArray, randomStream } from "../../core/index.ts";
import { gini, gramMatrix, mean, permutedEnergies, quantile } from "../../math/index.ts";
import { type AnalysisInput, defineAnalysis, type Labelled, type SeriesModel } from "../kit/define.ts";
import { chanceOf } from "../kit/chance.ts";
import { activationOf, seriesOf, tokenEmbedding, trainedHeads } from "../kit/inputs.ts";
import { cosCoefficients, keyFrequencies, sumByTotal } from "../logits/addition.ts";
import { headLogits, residues, sampleNumbers } from "../logits/groups.ts";
import type { SplitLosses } from "../logits/losses.ts";
import { fourierNorms, neuronToLogit } from "../logits/neuron-to-logit.ts";
import {
  additionLosses,
  type MechanismLosses,
  maskedLosses,
  noOthers,
  otherFrequencies,
  sumSqWeights,
} from "../logits/of-addition.ts";
import { headLosses } from "../logits/of-heads.ts";
import { progressFigure } from "./figure.ts";
import { listed, perRun, rounded, short } from "../kit/text.ts";

/** Sets of other frequencies behind the null of restricted and excluded loss, at every checkpoint. */
const FREQUENCY_SETS = 5;

/** Permutations of the tokens behind the null of the embedding's Gini coefficient, at every checkpoint. */
const TOKEN_DRAWS = 100;

/** Losses in nats over time, [heads][checkpoints]. */
export type LossesOverTime = { all: number[][]; train?: number[][]; test?: number[][] };

/** Result of `progress`. */
export type ProgressResult = {
  q: number[];
  chance_loss: number[];
  epochs: number[];
  key_frequencies: number[] | null;
  loss: LossesOverTime;
  restricted_loss: LossesOverTime;
  excluded_loss: LossesOverTime;
  W_E_gini: number[];
  W_L_gini: number[] | null;
  sum_sq_weights: number[];
  restricted_epoch: (number | null)[];
  generalised_epoch: (number | null)[];
  null: { restricted_loss: number[][] | null; excluded_loss: number[][] | null; W_E_gini: number[] };
  left_out: string[];
};

/** What one checkpoint contributes; losses by head. */
interface Snapshot {
  readonly epoch: number;
  readonly losses: readonly MechanismLosses[];
  /** Undefined where there are not as many other frequencies as key ones. */
  readonly none: readonly { readonly restricted: number; readonly excluded: number }[] | undefined;
  readonly W_E_gini: number;
  readonly W_E_gini_null: number;
  readonly W_L_gini: number | undefined;
  readonly sum_sq_weights: number;
}

/** Whether a run learns addition: one head of p classes, with key frequencies. */
function isAddition({ config }: AnalysisInput): boolean {
  return config.task === "nanda" && config.labels === "remainder";
}

/** The loss that a measure is judged by: over the samples not trained on where they are known. */
const heldOut = (losses: SplitLosses) => losses.test ?? losses.all;
const trained = (losses: SplitLosses) => losses.train ?? losses.all;

function lossesOf(input: AnalysisInput, logits: NdArray<"float64">, key: readonly number[]): Pick<Snapshot, "losses" | "none"> {
  const { p, labels } = input.config;
  if (isAddition(input)) {
    // The same sets at every checkpoint, so that the null's curve carries no jitter of the draw.
    const random = randomStream(input.seed, "progress/frequencies");
    const sets = Array.from({ length: FREQUENCY_SETS }, () => otherFrequencies(key, p, random));
    const others = sets.flatMap((set) => (set === undefined ? [] : [maskedLosses(input, logits, set)]));
    const losses = [additionLosses(input, logits, key)];
    if (others.length === 0) return { losses, none: undefined };
    const none = {
      restricted: mean(others.map(({ restricted }) => heldOut(restricted))),
      excluded: mean(others.map(({ excluded }) => trained(excluded))),
    };
    return { losses, none: [none] };
  }
  const numbers = sampleNumbers(input.config);
  const heads = trainedHeads(input.heads);
  const losses = heads.map((head) => headLosses(input, headLogits(logits, head), head.number, residues(numbers, head)));
  const none = heads.map((head, h) => ({
    restricted: chanceOf(head, labels).loss,
    excluded: trained((losses[h] as MechanismLosses).loss),
  }));
  return { losses, none };
}

function snapshot(input: AnalysisInput, model: SeriesModel, key: readonly number[]): Snapshot {
  const { p } = input.config;
  const logits = activationOf({ config: input.config, activations: model.activations }, "logits");
  const W_E = tokenEmbedding({ config: input.config, parameters: model.parameters });
  const gram = gramMatrix(W_E);
  const random = randomStream(input.seed, "progress/tokens");
  const ginis = Array.from({ length: TOKEN_DRAWS }, () => gini(permutedEnergies(gram, random.permutation(p)).map(Math.sqrt)));
  return {
    epoch: model.epoch,
    ...lossesOf(input, logits, key),
    W_E_gini: gini(fourierNorms(W_E)),
    W_E_gini_null: quantile(ginis, 0.99),
    W_L_gini: isAddition(input) ? gini(fourierNorms(neuronToLogit(model.parameters, p))) : undefined,
    sum_sq_weights: Object.values(sumSqWeights(model.parameters)).reduce((a, b) => a + b, 0),
  };
}

/** The first checkpoint from which a loss stays at or below half of chance; null where its end does not. */
function halfChanceEpoch(epochs: readonly number[], losses: readonly number[], chance: number): number | null {
  let from = losses.length;
  while (from > 0 && at(losses, from - 1) <= chance / 2) from--;
  return epochs[from] ?? null;
}

async function run(input: AnalysisInput): Promise<ProgressResult> {
  const series = seriesOf(input);
  const { length } = series.checkpoints;
  ensure(length > 1, "input", () => `progress: the run must hold at least two checkpoints, got ${length}`);
  const last = activationOf(input, "logits");
  const { p } = input.config;
  const key = isAddition(input) ? keyFrequencies(cosCoefficients(sumByTotal(last, p), p)) : [];
  const snapshots: Snapshot[] = [];
  for await (const model of series.models(["logits"])) {
    snapshots.push(snapshot(input, model, key));
    input.onProgress?.(snapshots.length, series.checkpoints.length);
  }
  const heads = trainedHeads(input.heads);
  const byHead = (value: (snapshot: Snapshot, h: number) => number) =>
    heads.map((_, h) =>
      rounded(
        snapshots.map((one) => value(one, h)),
        6,
      ),
    );
  const overTime = (name: keyof MechanismLosses): LossesOverTime => {
    const part = (split: keyof SplitLosses) => byHead(({ losses }, h) => losses[h]?.[name][split] ?? 0);
    return input.split === undefined ? { all: part("all") } : { all: part("all"), train: part("train"), test: part("test") };
  };
  const nullOf = (name: "restricted" | "excluded") =>
    snapshots.some(({ none }) => none === undefined) ? null : byHead(({ none }, h) => none?.[h]?.[name] ?? 0);
  const epochs = snapshots.map(({ epoch }) => epoch);
  const chance_loss = heads.map((head) => chanceOf(head, input.config.labels).loss);
  const firstBelow = (losses: LossesOverTime) =>
    heads.map((_, h) => halfChanceEpoch(epochs, (losses.test ?? losses.all)[h] ?? [], at(chance_loss, h)));
  const [loss, restricted_loss, excluded_loss] = [overTime("loss"), overTime("restricted"), overTime("excluded")];
  const ginis = snapshots.flatMap(({ W_L_gini }) => (W_L_gini === undefined ? [] : [W_L_gini]));
  return {
    q: heads.map((head) => head.q),
    chance_loss,
    epochs,
    key_frequencies: isAddition(input) ? key : null,
    loss,
    restricted_loss,
    excluded_loss,
    W_E_gini: snapshots.map((one) => one.W_E_gini),
    W_L_gini: ginis.length === 0 ? null : ginis,
    sum_sq_weights: snapshots.map((one) => one.sum_sq_weights),
    restricted_epoch: firstBelow(restricted_loss),
    generalised_epoch: firstBelow(loss),
    null: {
      restricted_loss: nullOf("restricted"),
      excluded_loss: nullOf("excluded"),
      W_E_gini: snapshots.map((one) => one.W_E_gini_null),
    },
    left_out:
      input.split === undefined
        ? ["loss", "restricted_loss", "excluded_loss"].flatMap((name) => [`${name}.train`, `${name}.test`])
        : [],
  };
}

const lastOf = (values: readonly number[]) => at(values, values.length - 1);

/** Means over heads of the nulls at the last checkpoint; undefined where there are none. */
function nullAtEnd({ null: { restricted_loss, excluded_loss } }: ProgressResult) {
  if (restricted_loss === null || excluded_loss === null) return undefined;
  return { restricted: mean(restricted_loss.map(lastOf)), excluded: mean(excluded_loss.map(lastOf)) };
}

/** Means over heads of a measure at a checkpoint. */
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

/** Heads whose restricted loss falls below half of chance at an earlier checkpoint than their loss on new samples. */
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
      `from epoch ${at(result.epochs, 0)} to ${lastOf(result.epochs)} restricted loss goes from ${short(first.restricted)} to ${short(end.restricted)}, ` +
      `excluded loss from ${short(first.excluded)} to ${short(end.excluded)} (chance ${short(mean(result.chance_loss))}), the embedding's Gini coefficient from ` +
      `${short(at(result.W_E_gini, 0))} to ${short(lastOf(result.W_E_gini))} (null ${short(lastOf(result.null.W_E_gini))})`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** Progress measures through training: restricted and excluded loss, Gini coefficients and the sum of squares (Nanda et al. 2023). */
export const progress = defineAnalysis<ProgressResult>({
  id: "progress",
  title: "Progress measures",
  description: "Restricted and excluded loss, Gini coefficients and the weights' sum of squares at each kept checkpoint.",
  definition: `At each checkpoint that the run kept (\`epochs\`, at least two), by head in the loss in order of \`q\`, [heads][checkpoints]:

- \`loss\`, \`restricted_loss\`, \`excluded_loss\` in nats as in \`mechanism\`, over \`all\` samples and, where the split is known, over those of \`train\` and
  all others (\`test\`). For addition the key frequencies are those of the last checkpoint (\`key_frequencies\`), the projection is fitted
  anew at each; other heads have their own g_q at each checkpoint.
- \`restricted_epoch\`: per head the first checkpoint from which restricted loss on \`test\` (else \`all\`) stays at or below half of chance;
  \`generalised_epoch\`: the same of the loss itself. Null where there is none.

And [checkpoints]: \`W_E_gini\` over the norms of W_E's rows in the Fourier basis over tokens, \`W_L_gini\` as in \`mechanism\` (addition alone, else null),
\`sum_sq_weights\` over all stored tensors. \`left_out\`: what needs a split that is not known.`,
  null: `\`chance_loss\`: what a guess costs that knows how often each class occurs, ln q for remainders and the entropy of the two classes for
divisibility labels. \`null.restricted_loss\` and \`null.excluded_loss\`: for addition the mean over ${FREQUENCY_SETS} fixed sets of as many other frequencies, on
\`test\` and \`train\` (null where more than half of the frequencies are key, so that fewer are left); for other heads chance, and the whole loss. \`null.W_E_gini\`: 99 % quantile over ${TOKEN_DRAWS} permutations of the tokens at each checkpoint.`,
  citation:
    "Section 5, Nanda et al. 2023: restricted and excluded loss, Gini coefficient and sum of squared weights as progress measures",
  needs: ["series", "logits"],
  options: {},
  run,
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
      `restricted loss is ahead of the loss on new samples in ${ahead(result)} of ${result.q.length} heads`,
      ...missing,
    ].join("\n");
  },
  headline,
  figure: (entries) => progressFigure(entries, headline(entries)),
});
