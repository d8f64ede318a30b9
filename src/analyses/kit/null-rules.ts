import type { NullBand } from "../../figures/index.ts";

/**
 * One rule at each run's null, labelled with the run; the labels of rules too close to be read apart become one.
 *
 * @param span The length of the axis, in the nulls' units.
 */
export function nullRules(nulls: readonly { readonly label: string; readonly value: number }[], span: number): NullBand[] {
  const sorted = [...nulls].sort((a, b) => a.value - b.value);
  const bands: NullBand[] = [];
  let names: string[] = [];
  sorted.forEach(({ label, value }, i) => {
    names.push(label);
    const next = sorted[i + 1];
    const last = next === undefined || next.value - value > 0.08 * span;
    const said = nulls.length === 1 ? "null 99 %" : `null 99 %: ${names.join(", ")}`;
    bands.push(last ? { high: value, label: said } : { high: value });
    if (last) names = [];
  });
  return bands;
}
