import { ANALYSES } from "../analyses/registry.ts";
import type { ModelCard } from "../checkpoint/index.ts";
import { analyzeModel } from "./analyze.ts";
import { evaluateModel, type SplitName } from "./evaluate.ts";
import type { Model } from "./models.ts";
import { provenanceOf } from "./provenance.ts";
import { openRuntime } from "./runtime-choice.ts";
import { VERSION } from "./version.ts";

/** Analyses of the embeddings alone: quick, and there for every model. */
const FOR_CARD = ["positional", "svd", "fourier"];
const SETS = ["train", "validation", "test", "all"] as const satisfies readonly SplitName[];

/**
 * What a model's card says: its accuracy by task, where it comes from, and what the analyses of its embeddings give as numbers.
 */
export async function cardOf(model: Model): Promise<ModelCard> {
  const { runtime } = await openRuntime("onnx");
  const heads = await evaluateModel(model, runtime);
  const sets = SETS.filter((name) => heads.some(({ accuracy }) => accuracy[name] !== undefined));
  const metrics = [
    ["q", ...sets.map((name) => `accuracy, ${name}`), ...sets.map((name) => `cross-entropy, ${name}`)],
    ...heads.map(({ q, accuracy, cross_entropy }) => [
      String(q),
      ...sets.map((name) => (accuracy[name] ?? 0).toFixed(4)),
      ...sets.map((name) => (cross_entropy[name] ?? 0).toExponential(2)),
    ]),
  ];
  const analyses = ANALYSES.filter(({ id }) => FOR_CARD.includes(id));
  const outcomes = await analyzeModel(analyses, model, { runtime, seed: 0, threads: 0, onFailure: () => undefined });
  const findings = [...outcomes].map(([id, { metrics: found }]) => {
    const numbers = Object.entries(found).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`);
    return `${id}: ${numbers.join(", ")} (miiii analyze ${id}; definitions and nulls in its page)`;
  });
  return { title: model.label, miiii: VERSION, metrics, provenance: { ...provenanceOf(model) }, findings };
}
