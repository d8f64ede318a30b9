import { MiiiiError } from "../../core/index.ts";
import { headsOf } from "../../tasks/index.ts";
import type { ImportedModel } from "./candidates.ts";
import type { ImportResult } from "./import-model.ts";

/** Accuracy above which a way of reading a file is taken for the right one. */
export const RIGHT_ACCURACY = 0.9;

/** The model that was chosen, with what was tried. */
export interface ChosenImport {
  readonly model: ImportedModel;
  /** Every candidate that was evaluated, with its accuracy; empty where there was but one. */
  readonly tried: readonly { readonly description: string; readonly accuracy: number }[];
}

interface Tried {
  readonly model: ImportedModel;
  readonly description: string;
  readonly accuracy: number;
}

/** Accuracy of guessing; what is reported for divisibility labels has it taken out. */
function chanceAccuracyOf({ config }: ImportedModel): number {
  if (config.labels === "divisibility") return 0;
  const heads = headsOf(config);
  return heads.reduce((sum, { classes }) => sum + 1 / classes, 0) / heads.length;
}

/**
 * A reading far better than any other, though not accurate: a model that has memorised its training samples and not generalised
 * yet. It must leave guessing behind, and the second by half of its own distance from it.
 */
function standsOut(tried: readonly Tried[]): Tried | undefined {
  const [best, second] = [...tried].sort((a, b) => b.accuracy - a.accuracy);
  if (!best) return undefined;
  const chance = chanceAccuracyOf(best.model);
  const beyond = best.accuracy - chance;
  return beyond > Math.max(0.05, chance) && best.accuracy - (second?.accuracy ?? chance) > beyond / 2 ? best : undefined;
}

/** Which options are open among readings, with the answers that are possible: `--heads 4, 8 or 16`. */
function openOptions(readings: readonly ImportedModel[]): string {
  const either = (values: readonly (string | number)[]) => {
    const sorted = [...new Set(values)].sort((a, b) => Number(a) - Number(b));
    return sorted.length < 2 ? undefined : `${sorted.slice(0, -1).join(", ")} and ${sorted.at(-1)}`;
  };
  const options = {
    "--heads": readings.map(({ config }) => config.n_heads),
    "--task": readings.map(({ config }) => config.task),
    "--attention-rate": readings.flatMap(({ config }) => config.attention_rate ?? []),
    "--low-digit": readings.flatMap(({ low_digit }) => low_digit ?? []),
    "--layout": readings.map(({ layout }) => layout).filter((layout) => layout !== "mixed"),
  };
  const open = Object.entries(options).flatMap(([option, values]) => {
    const answers = either(values);
    return answers === undefined ? [] : [`${option} (${answers} fit)`];
  });
  return open.length === 0 ? "say by --mapping how its square matrices lie" : `say ${open.join(", ")}`;
}

/**
 * Chooses among the candidates of an import. A single one is taken as it is. Otherwise they are evaluated, those that follow the
 * habits of the tensors' names first, and exactly one must reach an accuracy above 0.9. Where none does, a reading that stands
 * out is taken, and else the only one that follows the names, as an untrained model must be read.
 *
 * @param evaluate - a model's mean accuracy over its output heads, on all samples; where a constant guess would do well
 * (divisibility
 *   labels), what it has beyond that, (accuracy − chance)/(1 − chance).
 * @throws kind `usage`, naming the options that are open, where several readings are right or none can be told from the others.
 */
export async function chooseImport(
  result: ImportResult,
  evaluate: (model: ImportedModel) => Promise<number>,
): Promise<ChosenImport> {
  const { candidates, path } = result;
  const [only] = candidates;
  if (only && candidates.length === 1) return { model: only, tried: [] };
  const tried: Tried[] = [];
  const chosen = ({ model }: Tried) => ({
    model,
    tried: tried.map(({ description, accuracy }) => ({ description, accuracy })),
  });
  for (const tier of [0, 1]) {
    for (const model of candidates) {
      if (model.tier === tier) tried.push({ model, description: model.description, accuracy: await evaluate(model) });
    }
    const right = tried.filter(({ accuracy }) => accuracy > RIGHT_ACCURACY);
    const [first, second] = right;
    if (first && !second) return chosen(first);
    if (second) {
      const accuracies = right.map(({ accuracy }) => accuracy);
      const range = `accuracy ${Math.min(...accuracies).toFixed(3)} to ${Math.max(...accuracies).toFixed(3)}`;
      throw new MiiiiError(
        "usage",
        `${path}: ${right.length} ways to read it are right (${range}): ${openOptions(right.map(({ model }) => model))}`,
      );
    }
  }
  const usual = tried.filter(({ model }) => model.tier === 0);
  const [single, ...others] = usual;
  const found = standsOut(tried) ?? (others.length === 0 ? single : undefined);
  if (found) return chosen(found);
  const best = Math.max(...tried.map(({ accuracy }) => accuracy));
  const open = openOptions((usual.length > 0 ? usual : tried).map(({ model }) => model));
  const assumed = only !== undefined && result.recordOf(only)?.activation_from === "assumed";
  const reason = assumed ? "; or name its activation, if that is not ReLU: --activation" : "";
  throw new MiiiiError(
    "usage",
    `${path}: no reading of ${tried.length} is accurate (at best ${best.toFixed(3)}), so that accuracy does not tell them apart: ${open}${reason}`,
  );
}
