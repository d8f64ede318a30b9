import type { Verdict } from "./judged.ts";

/** What a value is compared with: a number, or another value, scaled and moved. */
export type Operand<V extends string> = number | { readonly value: V; readonly times?: number; readonly plus?: number };

/** How a value is compared: `least` and `most` include the limit. */
export type Comparison = "least" | "above" | "most" | "below";

/** One threshold of a rule. */
export interface Threshold<V extends string> {
  readonly kind: "threshold";
  readonly value: V;
  readonly is: Comparison;
  readonly than: Operand<V>;
}

/** What must hold of a claim's values: data, from which come the sentence, the verdict and the list of thresholds. */
export type Condition<V extends string> = Threshold<V> | { readonly kind: "all" | "any"; readonly of: readonly Condition<V>[] };

const threshold =
  (is: Comparison) =>
  <V extends string>(value: V, than: Operand<V>): Threshold<V> => ({ kind: "threshold", value, is, than });

/** The value is the limit or more. */
export const atLeast = threshold("least");
/** The value exceeds the limit. */
export const above = threshold("above");
/** The value is the limit or less. */
export const atMost = threshold("most");
/** The value is less than the limit. */
export const below = threshold("below");

/** Another value as a limit, scaled and moved. */
export const times = <V extends string>(factor: number, value: V): Operand<V> => ({ value, times: factor });
/** Another value as a limit. */
export const of = <V extends string>(value: V, plus = 0): Operand<V> => ({ value, plus });

/** All conditions hold. */
export const all = <V extends string>(...conditions: readonly Condition<V>[]): Condition<V> => ({ kind: "all", of: conditions });
/** At least one condition holds. */
export const any = <V extends string>(...conditions: readonly Condition<V>[]): Condition<V> => ({ kind: "any", of: conditions });
/** The value lies between two limits, both included. */
export const between = <V extends string>(value: V, least: number, most: number): Condition<V> =>
  all(atLeast(value, least), atMost(value, most));

/**
 * When a claim is reproduced, and when partly; else it is not. What a rule `requires` must hold for it to be tested at all: the
 * first condition that does not says why.
 */
export interface Rule<V extends string> {
  readonly requires: readonly Condition<V>[];
  readonly reproduced: Condition<V>;
  /** Absent where a claim is reproduced or not. */
  readonly partly?: Condition<V>;
  requiring<W extends string>(...conditions: readonly Condition<W>[]): Rule<V | W>;
  /** Partly reproduced where all of these hold. */
  orPartly<W extends string>(...conditions: readonly Condition<W>[]): Rule<V | W>;
}

function rule<V extends string>(parts: Pick<Rule<V>, "requires" | "reproduced" | "partly">): Rule<V> {
  return {
    ...parts,
    requiring<W extends string>(...conditions: readonly Condition<W>[]) {
      return rule<V | W>({ ...parts, requires: [...parts.requires, ...conditions] });
    },
    orPartly<W extends string>(...conditions: readonly Condition<W>[]) {
      return rule<V | W>({ ...parts, partly: all(...conditions) });
    },
  };
}

/** A claim that is reproduced where all of these hold. */
export const holds = <V extends string>(...conditions: readonly Condition<V>[]): Rule<V> =>
  rule({ requires: [], reproduced: all(...conditions) });

/** A claim of several parts: reproduced where all hold, partly where some do. */
export const each = <V extends string>(...conditions: readonly Condition<V>[]): Rule<V> =>
  rule({ requires: [], reproduced: all(...conditions), partly: any(...conditions) });

/** The values of one run by name. */
export type Values = Readonly<Record<string, number>>;

/** The number that an operand stands for. */
export function limitOf(than: Operand<string>, values: Values): number {
  if (typeof than === "number") return than;
  return (than.times ?? 1) * (values[than.value] ?? Number.NaN) + (than.plus ?? 0);
}

/** Whether a condition holds of these values; a value that is not there makes every comparison with it false. */
export function isMet(condition: Condition<string>, values: Values): boolean {
  switch (condition.kind) {
    case "all":
      return condition.of.every((part) => isMet(part, values));
    case "any":
      return condition.of.some((part) => isMet(part, values));
    case "threshold": {
      const [value, limit] = [values[condition.value] ?? Number.NaN, limitOf(condition.than, values)];
      switch (condition.is) {
        case "least":
          return value >= limit;
        case "above":
          return value > limit;
        case "most":
          return value <= limit;
        case "below":
          return value < limit;
        default:
          return condition.is satisfies never;
      }
    }
    default:
      return condition satisfies never;
  }
}

/** The verdict of a rule on these values, with the requirement that failed where it is not tested. */
export function verdictOf(
  { requires, reproduced, partly }: Rule<string>,
  values: Values,
): { readonly verdict: Verdict; readonly unmet?: Condition<string> } {
  const unmet = requires.find((condition) => !isMet(condition, values));
  if (unmet !== undefined) return { verdict: "not tested", unmet };
  if (isMet(reproduced, values)) return { verdict: "reproduced" };
  return { verdict: partly !== undefined && isMet(partly, values) ? "partly" : "not reproduced" };
}

/** Every threshold of a condition. */
export function thresholdsOf(condition: Condition<string>): Threshold<string>[] {
  return condition.kind === "threshold" ? [condition] : condition.of.flatMap(thresholdsOf);
}

/** Every threshold of a rule, in the order in which its sentence names them. */
export function thresholdsOfRule({ requires, reproduced, partly }: Rule<string>): Threshold<string>[] {
  return [...requires, reproduced, ...(partly === undefined ? [] : [partly])].flatMap(thresholdsOf);
}
