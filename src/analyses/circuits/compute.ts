import { at, MiiiiError, randomStream } from "../../core/index.ts";
import { chanceOf } from "../kit/chance.ts";
import type { AnalysisInput, OptionValues } from "../kit/define.ts";
import { activationOf, trainedHeads } from "../kit/inputs.ts";
import { type Ablations, ablate, passes } from "./ablate.ts";
import { evaluationsOf } from "./evaluations.ts";
import { bestOf, embeddingDimension, embeddingLabels, groupsByBest, type Parts, withoutPart } from "./parts.ts";
import { type Sufficiency, sufficiencyOf } from "./sufficiency.ts";

/** Result of `circuits`. */
export type CircuitsResult = {
  parts: Parts;
  samples: number;
  q: number[];
  chance_accuracy: number[];
  baseline: { accuracy: number[]; loss: number[] };
  dead: number;
  groups: Ablations;
  embedding: Ablations;
  attention: Ablations;
  /** Null for divisibility labels. */
  sufficiency: Sufficiency | null;
};

/** A seeded sample of the grid, ascending; undefined for all of it. */
function sampleOf(input: AnalysisInput, options: OptionValues): Int32Array | undefined {
  const size = input.config.p ** 2;
  const wanted = Number(options.samples);
  if (options.all === true || wanted >= size) return undefined;
  return randomStream(input.seed, "circuits/samples").permutation(size).slice(0, wanted).sort();
}

/** What `circuits` finds; see its definition. */
export async function compute(input: AnalysisInput, options: OptionValues): Promise<CircuitsResult> {
  const { config, heads, forward } = input;
  const { p } = config;
  if (forward === undefined) throw new MiiiiError("input", "circuits: must be given a forward pass that takes edits, got none");
  const trained = trainedHeads(heads);
  const draws = Number(options.draws);
  const parts: Parts = config.task === "nanda" ? "frequency" : "prime";
  const samples = sampleOf(input, options);

  const best = bestOf(activationOf(input, "blocks.0.mlp.hook_post"), p, parts, config.task === "joint");
  const live = best.flatMap((label, j) => (label === 0 ? [] : [j]));
  const W_E = input.parameters["embed.W_E"];
  const neuronParts = groupsByBest(best).map(({ label, neurons }) => ({
    label,
    size: neurons.length,
    edits: { meanAblateNeurons: neurons },
  }));
  const directions = embeddingLabels(p, parts);
  const embeddingSizes = directions.map((label) => embeddingDimension(label, parts));
  const attentionParts = Array.from({ length: config.n_heads }, (_, head) => ({
    label: head,
    size: 1,
    edits: { meanAblateHeads: [head] },
  }));

  let done = 0;
  const total =
    1 +
    passes(
      neuronParts.map((part) => part.size),
      draws,
    ) +
    passes(embeddingSizes, draws) +
    attentionParts.length;
  const evaluations = evaluationsOf(input, forward, samples, () => input.onProgress?.(++done, total));
  const baseline = await evaluations.evaluate({});
  const random = randomStream(input.seed, "circuits/null");
  const groups = await ablate(neuronParts, evaluations, baseline, draws, (i) => ({
    meanAblateNeurons: Array.from(
      random.permutation(live.length).slice(
        0,
        at(
          neuronParts.map((part) => part.size),
          i,
        ),
      ),
      (j) => at(live, j),
    ),
  }));
  // One embedding at a time: they are made as they are needed.
  const embeddingParts = directions.map((label, i) => ({
    label,
    size: at(embeddingSizes, i),
    get edits() {
      return { W_E: withoutPart(W_E, p, label, parts) };
    },
  }));
  const embedding = await ablate(embeddingParts, evaluations, baseline, draws, (i) => ({
    W_E: withoutPart(W_E, p, at(directions, i), parts, random.permutation(p)),
  }));
  const attention = await ablate(attentionParts, evaluations, baseline, 0, () => ({}));
  return {
    parts,
    samples: samples?.length ?? p * p,
    q: trained.map((head) => head.q),
    chance_accuracy: trained.map((head) => chanceOf(head, config.labels).accuracy),
    baseline,
    dead: best.length - live.length,
    groups,
    embedding,
    attention,
    sufficiency: await sufficiencyOf(input, options.all === true ? p * p : Number(options.samples), draws),
  };
}
