import { isPrime } from "../tasks/index.ts";

/**
 * Where presets differ in a setting. `miiii` is Table 2 of Syrkis & Søgaard 2024, from which every preset but `nanda` begins;
 * `fast` is what the fast variants change; the rest is what a preset changes for itself.
 */
export type PresetLayer = "miiii" | "fast" | "fast-v2" | "fast-v1" | "basis" | "masked" | "joint" | "no-grokfast" | "no-dropout";

export interface Common<T> {
  /** As published for modular addition (Nanda et al. 2023); where nobody published one, the value that changes nothing. */
  readonly value: T;
  readonly presets?: { readonly [layer in PresetLayer]?: T };
  /** One line for `--help`. */
  readonly help: string;
  /** Not an option of `miiii train`. */
  readonly hidden?: true;
  /** Named by every model file, imported ones too. */
  readonly everyModel?: true;
  /** Absent from configs stored before it existed, which had its {@link value}. */
  readonly later?: true;
  /** Neither stated by the papers nor a departure from them. */
  readonly unstated?: true;
  /** Comparable runs may differ in it: chance, length, name, and what a task changes. */
  readonly varies?: true;
  /** Whether the rest of the config leaves it without effect. */
  readonly idle?: (config: Readonly<Record<string, unknown>>) => boolean;
  /** How a page names the value; the field's name and the value where absent. */
  written?(value: T): string;
}

/** The range of a number: `least` and `most` are part of it, `above` and `below` are not. */
export interface Range {
  readonly least?: number;
  readonly above?: number;
  readonly most?: number;
  readonly below?: number;
  readonly prime?: true;
}

export interface NumberSetting extends Common<number>, Range {
  readonly kind: "integer" | "number";
}

export interface BooleanSetting extends Common<boolean> {
  readonly kind: "boolean";
}

export interface StringSetting extends Common<string> {
  readonly kind: "string";
}

export interface ChoiceSetting<T extends string> extends Common<T> {
  readonly kind: "choice";
  readonly of: readonly T[];
}

export interface PrimesSetting extends Common<readonly number[]> {
  readonly kind: "primes";
}

export interface NamesSetting<T extends string> extends Common<readonly T[]> {
  readonly kind: "names";
  readonly of: readonly T[];
}

/** One field of a run's configuration: what it may be, what it is in each preset, and the words for it. */
export type Setting =
  | NumberSetting
  | BooleanSetting
  | StringSetting
  | ChoiceSetting<string>
  | PrimesSetting
  | NamesSetting<string>;

/** The type of a setting's values. */
export type ValueOf<S> = S extends { readonly value: infer T } ? T : never;

/** An integer in a range. */
export const integer = (rest: Common<number> & Range): NumberSetting => ({ kind: "integer", ...rest });
/** A finite number in a range. */
export const number = (rest: Common<number> & Range): NumberSetting => ({ kind: "number", ...rest });
/** Yes or no; the default of a flag is no. */
export const flag = (rest: Omit<Common<boolean>, "value">): BooleanSetting => ({ kind: "boolean", value: false, ...rest });
/** Any text. */
export const string = (rest: Common<string>): StringSetting => ({ kind: "string", ...rest });
/** One of a few words. */
export const choice = <T extends string>(of: readonly T[], rest: Common<T>): ChoiceSetting<T> => ({
  kind: "choice",
  of,
  ...rest,
});
/** Distinct primes, in any order. */
export const primes = (rest: Common<readonly number[]>): PrimesSetting => ({ kind: "primes", ...rest });
/** Distinct names of a few. */
export const names = <T extends string>(of: readonly T[], rest: Common<readonly T[]>): NamesSetting<T> => ({
  kind: "names",
  of,
  ...rest,
});

const written = (value: number) => (value === 2 ** 32 - 1 ? "2^32 − 1" : String(value).replace("-", "−"));

function rangeText({ kind, least, above, most, below, prime }: NumberSetting): string {
  const noun = prime ? "a prime" : kind === "integer" ? "an integer" : "a number";
  if (least !== undefined && most !== undefined) return `${noun} from ${written(least)} to ${written(most)}`;
  if (least !== undefined && below !== undefined) return `in [${written(least)}, ${written(below)})`;
  if (above !== undefined && below !== undefined) return `between ${written(above)} and ${written(below)}`;
  if (above === 0) return "a positive number";
  return least === undefined ? noun : `${noun} of at least ${written(least)}`;
}

/** What a setting's values must be, in words that follow "must be". */
export function requirementOf(setting: Setting): string {
  switch (setting.kind) {
    case "integer":
    case "number":
      return rangeText(setting);
    case "boolean":
      return "true or false";
    case "string":
      return "text";
    case "choice":
      return `one of ${setting.of.join(", ")}`;
    case "primes":
      return "a list of distinct primes";
    case "names":
      return `a list of distinct names among ${setting.of.join(", ")}`;
    default:
      return setting satisfies never;
  }
}

/** Whether a value is of the setting's kind, its range aside. */
export function isOfKind(setting: Setting, value: unknown): boolean {
  const distinct = (of: (entry: unknown) => boolean) =>
    Array.isArray(value) && value.every(of) && new Set(value).size === value.length;
  switch (setting.kind) {
    case "integer":
      return Number.isSafeInteger(value);
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    case "boolean":
    case "string":
      return typeof value === setting.kind;
    case "choice":
      return setting.of.includes(value as string);
    case "primes":
      return distinct((entry) => typeof entry === "number" && isPrime(entry));
    case "names":
      return distinct((entry) => setting.of.includes(entry as string));
    default:
      return setting satisfies never;
  }
}

/** Whether a value is of the setting's kind and in its range. */
export function isAllowed(setting: Setting, value: unknown): boolean {
  if (!isOfKind(setting, value)) return false;
  if (setting.kind !== "integer" && setting.kind !== "number") return true;
  const { least, above, most, below, prime } = setting;
  const x = value as number;
  return (
    x >= (least ?? Number.NEGATIVE_INFINITY) &&
    x > (above ?? Number.NEGATIVE_INFINITY) &&
    x <= (most ?? Number.POSITIVE_INFINITY) &&
    x < (below ?? Number.POSITIVE_INFINITY) &&
    (!prime || isPrime(x))
  );
}

/** A setting and its value as a page says them. */
export function settingText(field: string, setting: Setting, value: unknown): string {
  return (setting as Common<unknown>).written?.(value) ?? `${field.replaceAll("_", " ")} ${value}`;
}

/** Whether two values of a setting are the same; lists are by their entries in order. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((entry, i) => entry === b[i]);
}
