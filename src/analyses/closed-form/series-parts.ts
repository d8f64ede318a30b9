import type { AnalysisInput, SeriesModel } from "../kit/define.ts";
import { activationOf } from "../kit/inputs.ts";
import { type AdditiveParts, additiveParts } from "./additive.ts";

const KNOWN = new WeakMap<SeriesModel, AdditiveParts>();

/** The additive parts of a run's model, once for all analyses that go through the run together. */
export function partsAt(model: SeriesModel, config: AnalysisInput["config"]): AdditiveParts {
  const known = KNOWN.get(model);
  if (known !== undefined) return known;
  const { activations } = model;
  const parts = additiveParts(activationOf({ config, activations }, "blocks.0.mlp.hook_pre"), config.p);
  KNOWN.set(model, parts);
  return parts;
}
