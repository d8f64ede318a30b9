import type { TopLevelSpec } from "vega-lite";
import { concatPanels, figure, gridImage, type Panel } from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import { dequantised } from "../kit/quantised.ts";
import { percent } from "../kit/text.ts";
import type { AttentionResult } from "./compute.ts";

/** One row: the attention of each attention head to one digit. */
function row({ label, result }: Labelled<AttentionResult>, key: 0 | 1, legend: boolean): Panel {
  const images = result.patterns.map((patterns, head) => {
    const pattern = patterns[key];
    const k = result.best_k[head]?.[key] ?? 0;
    const share = result.share[head]?.[key] ?? 0;
    return gridImage({
      title: `head ${head} to ${key === 0 ? "x₀" : "x₁"}`,
      subtitle: k === 0 ? "does not vary" : `k = ${k}: ${percent(share)}`,
      values: { data: pattern === undefined ? [] : dequantised(pattern), columns: result.p },
      also: { run: label, head, key: key === 0 ? "x0" : "x1" },
      domain: [0, 1],
      levels: 64,
      valueTitle: "attention",
      legend: legend && head === result.heads - 1,
      width: 130,
      height: 130,
    });
  });
  return concatPanels(images, { title: label, scales: "mixed", spacing: 12 });
}

/** Attention head × digit over the grid, all on the domain [0, 1]. */
export function attentionFigure(entries: readonly Labelled<AttentionResult>[], headline: string): TopLevelSpec {
  const rows = entries.flatMap((entry, i) => [row(entry, 0, i === 0), row(entry, 1, false)]);
  return figure(concatPanels(rows, { scales: "mixed", columns: 1 }), {
    title: "Attention from '='",
    subtitle: "all on one color scale, 0 to 1; the rest of each pixel's attention goes to the other digit and to '='",
    description: `Attention of each head from '=' to each digit over all pairs of digits. ${headline}`,
  });
}
