/** Powers of ten that an axis shows at most; with more, every second, third, … is shown. */
const MOST = 8;

const SUPERSCRIPTS: Readonly<Record<string, string>> = { "-": "⁻", ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].entries()) };

/**
 * The tick values of a logarithmic axis for positive values from `low` to `high`: powers of ten, with 2 and 5 between them where
 * those are few.
 */
export function decadeTicks(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.ceil((last - first + 1) / MOST);
  const steps = last - first <= 2 ? [1, 2, 5] : [1];
  const powers = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((power) => (last - power) % every === 0);
  return powers.flatMap((power) => steps.map((step) => Number(`${step}e${power}`))).filter((tick) => tick <= 10 ** last);
}

/** A tick value in words: as it is near 1, as a power of ten far from it. */
export function decadeLabel(tick: number): string {
  if (tick >= 0.01 && tick <= 1000) return tick.toLocaleString("en");
  const [digits = "", exponent = ""] = tick.toExponential().split("e");
  const power = `10${[...exponent.replace("+", "")].map((sign) => SUPERSCRIPTS[sign]).join("")}`;
  return digits === "1" ? power : `${digits}·${power}`;
}

/** The axis of a logarithmic scale for positive values from `low` to `high`: lines at its ticks alone, not at every digit. */
export function decadeAxis(low: number, high: number) {
  const values = decadeTicks(low, high);
  const labels = Object.fromEntries(values.map((tick) => [String(tick), decadeLabel(tick)]));
  return { values, labelExpr: `${JSON.stringify(labels)}[datum.value]` } as const;
}
