import { formatNumber } from "../../core/index.ts";

/** A number for a sentence: two or three significant digits, no exponent for ordinary sizes, written as axes write theirs. */
export function short(value: number, digits = 3): string {
  const magnitude = Math.abs(value);
  if (value === 0) return "0";
  if (magnitude >= 1e5 || magnitude < 1e-3) return value.toExponential(1).replace(/-/g, "−");
  return formatNumber(Number(value.toPrecision(digits)));
}

/** A number to so many decimals, with a true minus sign. */
export function fixed(value: number, digits: number): string {
  return value.toFixed(digits).replace("-", "−");
}

/** A share as a percentage; what is not all is never 100 %. */
export function percent(share: number): string {
  if (share < 1 && share >= 0.995) {
    const digits = share >= 0.9995 ? 2 : 1;
    return `${(Math.floor(share * 10 ** (2 + digits)) / 10 ** digits).toFixed(digits)} %`;
  }
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
 * It begins with a common word.
 */
export function stated<E extends { readonly label: string }>(
  statement: string,
  entries: readonly E[],
  holds: (entry: E) => boolean,
): string {
  const [yes, no] = [entries.filter(holds), entries.filter((entry) => !holds(entry))];
  const names = (some: readonly E[]) => listed(some.map(({ label }) => label));
  // A negation that comes last is read too late.
  if (yes.length === 0)
    return `Not in ${entries.length > NAMED ? `any of the ${entries.length} runs` : listedOr(entries)}: ${lowered(statement)}`;
  if (entries.length > NAMED) return `${statement} in ${yes.length} of the ${entries.length} runs`;
  return no.length === 0 ? `${statement} in ${names(yes)}` : `${statement} in ${names(yes)}, not in ${listedOr(no)}`;
}

/** A statement after a colon; statements begin with a common word. */
const lowered = (statement: string) => statement.charAt(0).toLowerCase() + statement.slice(1);

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
