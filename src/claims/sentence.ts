import { formatNumber, formatPercent } from "../core/index.ts";
import type { Unit } from "./judged.ts";
import { type Comparison, type Condition, type Operand, type Rule, type Threshold, thresholdsOf } from "./rule.ts";

/** What a sentence needs to know of a value. */
export interface Spoken {
  /** A noun phrase without article: "share of the logits at the key frequencies". */
  readonly words: string;
  readonly unit: Unit;
}

type Vocabulary = Readonly<Record<string, Spoken>>;

/** A value with its unit, as a reader wants it. */
export function valueText(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return unit === "epochs" ? "no epoch" : "none";
  switch (unit) {
    case "share":
      return formatPercent(value);
    case "epochs":
      return formatNumber(Math.round(value));
    case "r":
      return value.toFixed(2).replace("-", "−");
    case "count":
    case "number":
      return formatNumber(value);
    default:
      return unit satisfies never;
  }
}

const spokenOf = (vocabulary: Vocabulary, name: string): Spoken => vocabulary[name] ?? { words: name, unit: "number" };

const COMPARED: { readonly [is in Comparison]: string } = {
  least: "≥",
  above: ">",
  most: "≤",
  below: "<",
};

function operandText(than: Operand<string>, unit: Unit, vocabulary: Vocabulary): string {
  if (typeof than === "number") return valueText(than, unit);
  const { value, times = 1, plus = 0 } = than;
  const moved = plus === 0 ? "" : ` ${plus < 0 ? "−" : "+"} ${formatNumber(Math.abs(plus))}`;
  return `${times === 1 ? "" : `${formatNumber(times)} × `}${spokenOf(vocabulary, value).words}${moved}`;
}

function joined(parts: readonly string[], word: string): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} ${word} ${parts.at(-1)}`;
}

/** Neighbouring thresholds of one value, and everything else by itself: "x ≥ 3 and ≤ 10" names x once. */
function runsOf(
  conditions: readonly Condition<string>[],
): (readonly Threshold<string>[] | Exclude<Condition<string>, Threshold<string>>)[] {
  const groups: (Threshold<string>[] | Exclude<Condition<string>, Threshold<string>>)[] = [];
  for (const condition of conditions.flatMap((part) => (part.kind === "all" ? part.of : [part]))) {
    const last = groups.at(-1);
    if (condition.kind !== "threshold") groups.push(condition);
    else if (Array.isArray(last) && last[0]?.value === condition.value) last.push(condition);
    else groups.push([condition]);
  }
  return groups;
}

/** A condition in words. `said` is the value named last, which need not be named again. */
export function conditionText(condition: Condition<string>, vocabulary: Vocabulary, said?: string): string {
  if (condition.kind === "any")
    return `${condition.of.length === 2 ? "either " : "any of: "}${joined(
      condition.of.map((part) => conditionText(part, vocabulary)),
      "or",
    )}`;
  const groups = runsOf(condition.kind === "threshold" ? [condition] : condition.of);
  return joined(
    groups.map((group, i) => {
      if (!("length" in group)) return conditionText(group, vocabulary);
      const [first] = group;
      const name = first?.value ?? "";
      const { words, unit } = spokenOf(vocabulary, name);
      const limits = group.map(({ is, than }) => `${COMPARED[is]} ${operandText(than, unit, vocabulary)}`);
      return `${i === 0 && name === said ? "" : `${words} `}${joined(limits, "and")}`;
    }),
    "and",
  );
}

/** The value that a condition names first, if it begins with one. */
function firstOf(condition: Condition<string>): string | undefined {
  if (condition.kind === "threshold") return condition.value;
  return condition.of[0] === undefined ? undefined : firstOf(condition.of[0]);
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** The rule in words, with its numbers: what it requires, when it is reproduced, when partly. */
export function ruleText({ requires, reproduced, partly }: Rule<string>, vocabulary: Vocabulary): string {
  const tested = requires.map((condition) => conditionText(condition, vocabulary));
  const required = tested.length === 0 ? "" : ` Tested where ${joined(tested, "and")}.`;
  const whole = `Reproduced: ${conditionText(reproduced, vocabulary)}`;
  if (partly === undefined) return `${whole}; else not reproduced.${required}`;
  const some =
    partly.kind === "any" &&
    reproduced.kind === "all" &&
    partly.of.length === reproduced.of.length &&
    partly.of.every((part, i) => part === reproduced.of[i]);
  const lesser = some
    ? `partly: ${partly.of.length === 2 ? "one of the two" : "some of these"}`
    : `partly: ${conditionText(partly, vocabulary, firstOf(reproduced))}`;
  return `${capital(whole)}; ${lesser}; else not reproduced.${required}`;
}

/** What a condition found: its values, each after the first with its words. */
export function foundText(
  condition: Condition<string>,
  values: Readonly<Record<string, number>>,
  vocabulary: Vocabulary,
): string {
  const named = thresholdsOf(condition).flatMap(({ value, than }) => (typeof than === "number" ? [value] : [value, than.value]));
  return [...new Set(named)]
    .map((name, i) => {
      const { words, unit } = spokenOf(vocabulary, name);
      const text = valueText(values[name] ?? Number.NaN, unit);
      return i === 0 ? text : `${words} ${text}`;
    })
    .join(", ");
}
