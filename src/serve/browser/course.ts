import type { TopLevelSpec } from "vega-lite";
import type { ModelPicture } from "../../api/explore/explored-model.ts";
import { figure, linesWithBand } from "../../figures/index.ts";
import { mean } from "./average.ts";

/** What is known of a kept checkpoint. */
export type Kept = { readonly epoch: number } & Pick<ModelPicture, "neurons" | "evaluation">;

const MEASURES = ["accuracy", "neurons above the null", "neurons with R² above ½", "additive share"] as const;

/** The neurons of a run over its kept checkpoints, beside accuracy; undefined with fewer than two, which make no line. */
export function courseSpec(kept: readonly Kept[], label: string): TopLevelSpec | undefined {
  if (kept.length < 2) return undefined;
  const rows = kept.flatMap(({ epoch, neurons, evaluation }) => {
    const accuracy = mean(evaluation.map(({ accuracy: { validation, all } }) => validation ?? all ?? 0));
    const of = (value: number) => value / (neurons?.neurons ?? 1);
    const values = [
      accuracy,
      ...(neurons === null ? [] : [of(neurons.above_null), of(neurons.above_half), neurons.additive_share]),
    ];
    return values.map((value, i) => ({ epoch, value, measure: MEASURES[i] as string }));
  });
  const known = MEASURES.filter((measure) => rows.some((row) => row.measure === measure));
  return figure(
    linesWithBand({
      title: "Neurons over the kept checkpoints",
      rows,
      x: "epoch",
      y: "value",
      yTitle: "share",
      series: "measure",
      runs: known,
      of: label,
      xScale: "epochs",
      yDomain: [0, 1],
      nulls: [{ high: 0.01, label: "null" }],
      width: 640,
      height: 200,
    }),
    {
      title: "Neurons over training",
      description:
        "Accuracy on validation samples (all samples where the split is not known), neurons that follow a wave of the task better than the null, and with more than half of their additive variance, and the additive share, at each kept checkpoint.",
    },
  );
}
