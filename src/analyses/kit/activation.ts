import type { AnalysisInput } from "./define.ts";

/**
 * Why an analysis that is written for ReLU has nothing to say of a model with another activation; undefined where the model has
 * ReLU.
 */
export function withoutReLU(reason: string, { activation = "relu" }: AnalysisInput["config"]): string | undefined {
  return activation === "relu" ? undefined : `${reason}, which is defined for ReLU; this model's activation is ${activation}`;
}

/** {@link withoutReLU} for what takes the halves of ReLU apart. */
export function withoutHalves(config: AnalysisInput["config"]): string | undefined {
  return withoutReLU("splits relu(u) = u/2 + |u|/2 into its halves", config);
}
