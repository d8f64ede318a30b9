import { barsWithNull, matrixImage, type Panel } from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import { ownColors } from "../kit/panels.ts";
import { dequantised } from "../kit/quantised.ts";
import { percent } from "../kit/text.ts";
import type { FourierResult } from "./compute.ts";

/** Share of the energy at each frequency, one panel a run on one scale, with the run's null. */
function energyBars(entry: Labelled<FourierResult>, top: number): Panel {
  const { share_by_k, key_frequencies, key_share, null: none, p } = entry.result;
  return barsWithNull({
    title: `${entry.label}: energy by frequency`,
    subtitle: `${key_frequencies.length} of ${(p - 1) / 2} above the null, ${percent(key_share)} of the energy`,
    rows: share_by_k.map((share, k) => ({ run: entry.label, k, share })),
    x: "k",
    y: "share",
    series: "run",
    runs: [entry.label],
    xTitle: "frequency k (0 = constant)",
    yTitle: "share of energy",
    yDomain: [0, top],
    width: 380,
    height: 170,
    nulls: [{ high: none.share, label: "null 99 %" }],
  });
}

/** Per run: basis × dimension as an image, and the energy of each frequency beside it. */
export function fourierPanel(entries: readonly Labelled<FourierResult>[]): Panel {
  const reach = Math.max(
    ...entries.flatMap(({ result }) => [Math.abs(result.coefficients.low), Math.abs(result.coefficients.high)]),
    1e-12,
  );
  const top = Math.max(...entries.flatMap(({ result }) => [...result.share_by_k, result.null.share]), 1e-12) * 1.05;
  const panels = entries.flatMap((entry, i) => {
    const { result, label } = entry;
    return [
      matrixImage({
        title: `${label}: basis × dimension`,
        values: { data: dequantised(result.coefficients), columns: result.coefficients.columns },
        coloring: "signed",
        domain: [-reach, reach],
        x: { title: "dimension", field: "dimension" },
        y: { field: "wave", labels: result.labels },
        width: 300,
        height: 260,
        levels: 64,
        valueTitle: "coefficient",
        legend: i === 0,
      }),
      energyBars(entry, top),
    ];
  });
  return ownColors(panels, 2);
}
