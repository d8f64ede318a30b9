/** A number for a sentence: two or three significant digits, no exponent for ordinary sizes. */
export function short(value: number, digits = 3): string {
  const magnitude = Math.abs(value);
  if (value === 0) return "0";
  if (magnitude >= 1e5 || magnitude < 1e-3) return value.toExponential(1);
  return Number(value.toPrecision(digits)).toString();
}

/** A share as a percentage. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;
}

/** Runs that a title names one by one. */
const NAMED = 4;

/**
 * A statement with the runs of which it holds and those of which it does not: by name where they are few, else by their number.
 */
export function stated<E extends { readonly label: string }>(
  statement: string,
  entries: readonly E[],
  holds: (entry: E) => boolean,
): string {
  const [yes, no] = [entries.filter(holds), entries.filter((entry) => !holds(entry))];
  const names = (some: readonly E[]) => listed(some.map(({ label }) => label));
  if (yes.length === 0)
    return `${statement}: not in ${entries.length > NAMED ? `any of the ${entries.length} runs` : listedOr(entries)}`;
  if (entries.length > NAMED) return `${statement} in ${yes.length} of the ${entries.length} runs`;
  return no.length === 0 ? `${statement} in ${names(yes)}` : `${statement} in ${names(yes)}, not in ${listedOr(no)}`;
}

const listedOr = (some: readonly { readonly label: string }[]) =>
  listed(some.map(({ label }) => label)).replace(/ and (?=[^,]*$)/, " or ");

/** One clause for each labelled result, joined into one sentence's worth. */
export function perRun<E extends { readonly label: string }>(entries: readonly E[], clause: (entry: E) => string): string {
  return entries.map((entry) => `${entry.label}: ${clause(entry)}`).join("; ");
}

/** Numbers cut to `digits` significant ones: results over time stay small. */
export function rounded(values: readonly number[], digits = 5): number[] {
  return values.map((value) => Number(value.toPrecision(digits)));
}
