import type { NullBand } from "../../figures/index.ts";

/** Names that a label holds, in characters: longer ones would take the panel's room. */
const LONGEST = 16;

/**
 * One rule at each run's null, labelled with the run where that is short (the data have it always); the labels of rules too
 * close to be read apart become one.
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
    const all = names.join(", ");
    const said = nulls.length === 1 || all.length > LONGEST ? "null 99 %" : `null 99 %: ${all}`;
    bands.push(last ? { high: value, label: said, run: label } : { high: value, run: label });
    if (last) names = [];
  });
  return bands;
}
