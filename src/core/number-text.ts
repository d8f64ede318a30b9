/** A number as a reader wants it: four significant digits, thousands kept whole, a true minus sign. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) {
    const digits = String(Math.abs(value)).replace(/\B(?=(\d{3})+$)/g, Math.abs(value) >= 10_000 ? "," : "");
    return value < 0 ? `−${digits}` : digits;
  }
  const magnitude = Math.abs(value);
  const text = magnitude >= 1e-4 && magnitude < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
  return text.replace(/-/g, "−");
}

/** A share as percent, three significant digits. */
export function formatPercent(share: number): string {
  return `${formatNumber(Number((100 * share).toPrecision(3)))} %`;
}
