import type { TopLevelSpec } from "vega-lite";
import { at } from "../../core/index.ts";
import { figure, matrixImage, scatter } from "../../figures/index.ts";
import { mean } from "../../math/index.ts";
import type { Labelled } from "../kit/define.ts";
import { ownColors } from "../kit/panels.ts";
import { fixed, perRun } from "../kit/text.ts";
import type { PositionalResult } from "./compute.ts";

/**
 * The two rows of each run as signed strips, and each dimension at one position against the other, every run on its own scale:
 * those of one are ten times those of another.
 */
export function positionalFigure(entries: readonly Labelled<PositionalResult>[], headline: string): TopLevelSpec {
  const strips = entries.map(({ label, result }, i) =>
    matrixImage({
      title: label,
      values: result.W_pos,
      coloring: "signed",
      x: { field: "dimension", ...(i === entries.length - 1 ? { title: "dimension" } : {}) },
      y: { field: "position", labels: ["x₀", "x₁"] },
      width: 420,
      height: 36,
      valueTitle: "W_pos",
    }),
  );
  // A scatter carries at most 4,000 points: with many runs every n-th dimension.
  const every = Math.ceil(entries.reduce((total, { result }) => total + result.d_model, 0) / 4000);
  const points = scatter({
    rows: entries.flatMap(({ label, result: { W_pos } }) => {
      const unit = Math.sqrt(mean(W_pos.flat().map((value) => value ** 2))) || 1;
      return W_pos[0]
        .map((first, i) => ({ run: label, dimension: i, first, second: at(W_pos[1], i) }))
        .filter(({ dimension }) => dimension % every === 0)
        .map((row) => ({ ...row, first_scaled: row.first / unit, second_scaled: row.second / unit }));
    }),
    x: "first_scaled",
    y: "second_scaled",
    xTitle: "W_pos[0] / its run's rms",
    yTitle: "W_pos[1] / its run's rms",
    series: "run",
    runs: entries.map(({ label }) => label),
    also: ["dimension", "first", "second"],
    diagonal: true,
    title: "Each dimension at both positions",
    subtitle: perRun(entries, ({ result }) => `r = ${fixed(result.pearson, 2)} (null ±${fixed(result.null.limit, 2)})`),
  });
  return figure(ownColors([ownColors(strips, 1, 12), points]), {
    title: "Positional embeddings",
    subtitle: "each run on its own scale",
    description: `Position embeddings of the two digits as signed strips, and one against the other. ${headline}`,
  });
}
