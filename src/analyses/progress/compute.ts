import { at, ensure, type NdArray, randomStream } from "../../core/index.ts";
import { gini, gramMatrix, mean, pearson, permutedEnergies, upperLimit } from "../../math/index.ts";
import { chanceOf } from "../kit/chance.ts";
import type { AnalysisInput, SeriesModel } from "../kit/define.ts";
import { lastingEpoch } from "../kit/epochs.ts";
import { activationOf, positionEmbedding, seriesOf, tokenEmbedding, trainedHeads } from "../kit/inputs.ts";
import { rounded } from "../kit/text.ts";
import { cosCoefficients, keyFrequencies, sumByTotal } from "../logits/addition.ts";
import type { SplitLosses } from "../logits/losses.ts";
import { fourierNorms, neuronToLogit } from "../logits/neuron-to-logit.ts";
import { additionLosses, type MechanismLosses, maskedLosses, otherFrequencies, sumSqWeights } from "../logits/of-addition.ts";
import { headLosses } from "../logits/of-heads.ts";

/** Sets of other frequencies behind the null of restricted and excluded loss, at every checkpoint. */
export const FREQUENCY_SETS = 5;

/** Permutations of the tokens behind the null of the embedding's Gini coefficient, at every checkpoint. */
export const TOKEN_DRAWS = 200;

/** Losses in nats over time, [tasks][checkpoints]. */
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
  W_pos_pearson: number[];
  restricted_epoch: (number | null)[];
  generalised_epoch: (number | null)[];
  null: { restricted_loss: number[][] | null; excluded_loss: number[][] | null; W_E_gini: number[] };
  left_out: string[];
};

/** What one checkpoint contributes; losses by output head. */
interface Snapshot {
  readonly epoch: number;
  readonly losses: readonly MechanismLosses[];
  /** Undefined where there are not as many other frequencies as key ones. */
  readonly none: readonly { readonly restricted: number; readonly excluded: number }[] | undefined;
  readonly W_E_gini: number;
  readonly W_E_gini_null: number;
  readonly W_L_gini: number | undefined;
  readonly sum_sq_weights: number;
  readonly W_pos_pearson: number;
}

/** Whether a run learns addition: one output head of p classes, with key frequencies. */
function isAddition({ config }: AnalysisInput): boolean {
  return config.task === "nanda" && config.labels === "remainder";
}

/** The loss that a measure is judged by: over the samples not trained on where they are known. */
const heldOut = (losses: SplitLosses) => losses.test ?? losses.all;

const trainedLoss = (losses: SplitLosses) => losses.train ?? losses.all;

function lossesOf(input: AnalysisInput, logits: NdArray<"float64">, key: readonly number[]): Pick<Snapshot, "losses" | "none"> {
  const { p, labels } = input.config;
  if (isAddition(input)) {
    // The same sets at every checkpoint, so that the null's curve carries no jitter of the draw.
    const random = randomStream(input.seed, "progress/frequencies");
    const sets = Array.from({ length: FREQUENCY_SETS }, () => otherFrequencies(key, p, random));
    const byTotal = sumByTotal(logits, p);
    const others = sets.flatMap((set) => (set === undefined ? [] : [maskedLosses(input, logits, set, byTotal)]));
    const losses = [additionLosses(input, logits, key, byTotal)];
    if (others.length === 0) return { losses, none: undefined };
    const none = {
      restricted: mean(others.map(({ restricted }) => heldOut(restricted))),
      excluded: mean(others.map(({ excluded }) => trainedLoss(excluded))),
    };
    return { losses, none: [none] };
  }
  const heads = trainedHeads(input.heads);
  const losses = headLosses(input, logits, heads);
  const none = heads.map((head, h) => ({
    restricted: chanceOf(head, labels).loss,
    excluded: trainedLoss((losses[h] as MechanismLosses).loss),
  }));
  return { losses, none };
}

function progressAt(input: AnalysisInput, model: SeriesModel, key: readonly number[]): Snapshot {
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
    W_E_gini_null: upperLimit(ginis, 0.99),
    W_L_gini: isAddition(input) ? gini(fourierNorms(neuronToLogit(model.parameters, p))) : undefined,
    sum_sq_weights: Object.values(sumSqWeights(model.parameters)).reduce((a, b) => a + b, 0),
    W_pos_pearson: pearson(positionEmbedding(model, 0), positionEmbedding(model, 1)),
  };
}

/** The first checkpoint from which a loss stays at or below half of chance; null where its end does not. */
function halfChanceEpoch(epochs: readonly number[], losses: readonly number[], chance: number): number | null {
  return lastingEpoch(epochs, losses, (loss) => loss <= chance / 2);
}

/** What `progress` finds; see its definition. */
export async function compute(input: AnalysisInput): Promise<ProgressResult> {
  const series = seriesOf(input);
  const { length } = series.checkpoints;
  ensure(length > 1, "input", () => `progress: the run must hold at least two checkpoints, got ${length}`);
  const last = activationOf(input, "logits");
  const { p } = input.config;
  const key = isAddition(input) ? keyFrequencies(cosCoefficients(sumByTotal(last, p), p)) : [];
  const snapshots: Snapshot[] = [];
  for await (const model of series.models(["logits"])) {
    snapshots.push(progressAt(input, model, key));
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
    W_pos_pearson: snapshots.map((one) => one.W_pos_pearson),
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
