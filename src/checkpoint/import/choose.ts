import { MiiiiError } from "../../core/index.ts";
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

/**
 * Chooses among the candidates of an import. A single one is taken as it is. Otherwise they are evaluated, those that follow the
 * habits of the tensors' names first, and exactly one must reach an accuracy above 0.9.
 *
 * @param evaluate - a model's mean accuracy over its heads, on all samples; where a constant guess would do well (divisibility
 *   labels), what it has beyond that, (accuracy − chance)/(1 − chance).
 * @throws kind `usage`, with the accuracies, where none or several do: the user must say more.
 */
export async function chooseImport(
  result: ImportResult,
  evaluate: (model: ImportedModel) => Promise<number>,
): Promise<ChosenImport> {
  const { candidates, path } = result;
  const [only] = candidates;
  if (only && candidates.length === 1) return { model: only, tried: [] };
  const tried: { readonly model: ImportedModel; readonly description: string; readonly accuracy: number }[] = [];
  for (const tier of [0, 1]) {
    for (const model of candidates) {
      if (model.tier === tier) tried.push({ model, description: model.description, accuracy: await evaluate(model) });
    }
    const right = tried.filter(({ accuracy }) => accuracy > RIGHT_ACCURACY);
    const [chosen, second] = right;
    if (chosen && !second)
      return { model: chosen.model, tried: tried.map(({ description, accuracy }) => ({ description, accuracy })) };
    if (second) {
      const rates = new Set(right.map(({ model }) => model.config.attention_rate));
      const open = rates.size > 1 ? "the attention rate" : "layout, heads or task";
      throw new MiiiiError("usage", `${path}: ${right.length} ways to read it are right, say ${open}: ${shown(right)}`);
    }
  }
  throw new MiiiiError(
    "usage",
    `${path}: must be read in one way of accuracy above ${RIGHT_ACCURACY}, none is; say layout and heads, or task: ${shown(tried)}`,
  );
}

/** The best few, in words. */
function shown(tried: readonly { readonly description: string; readonly accuracy: number }[]): string {
  const best = [...tried].sort((a, b) => b.accuracy - a.accuracy).slice(0, 4);
  const rest = tried.length > best.length ? `; and ${tried.length - best.length} more` : "";
  return best.map(({ description, accuracy }) => `${accuracy.toFixed(3)}: ${description}`).join("; ") + rest;
}
