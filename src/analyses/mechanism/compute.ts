import type { AnalysisInput } from "../kit/define.ts";

import { activationOf } from "../kit/inputs.ts";
import { type AdditionResult, analyzeAddition } from "../logits/of-addition.ts";
import { analyzeHeads, type HeadsResult } from "../logits/of-heads.ts";

/** Result of `mechanism`: of an addition model, or output head by output head of any other. */
export type MechanismResult = AdditionResult | HeadsResult;

/** What `mechanism` finds; see its definition. */
export async function compute(input: AnalysisInput): Promise<MechanismResult> {
  const logits = activationOf(input, "logits");
  const addition = input.config.task === "nanda" && input.config.labels === "remainder";
  return addition ? analyzeAddition(input, logits) : analyzeHeads(input, logits);
}
