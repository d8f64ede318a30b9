import type { Argv, Options } from "yargs";
import { ensure, MiiiiError } from "../core/index.ts";
import {
  CONFIG_FIELDS,
  type ConfigField,
  type NamesSetting,
  type PrimesSetting,
  type RunConfig,
  settingOf,
} from "../model/index.ts";

/** The settings that `miiii train` takes as options; the preset decides the task. */
export const CONFIG_FIELD_NAMES = CONFIG_FIELDS.filter((field) => !settingOf(field).hidden);

/** `grokfast_lambda` as it is typed: `grokfast-lambda`. */
export function dashed(field: string): string {
  return field.replaceAll("_", "-");
}

/** The seed that was given, or 0. */
export function seedOf(seed: number | undefined): number {
  ensure(
    seed === undefined || (seed >= 0 && seed < 2 ** 32),
    "usage",
    () => `--seed: must be an integer from 0 to 2^32 − 1, got ${seed}`,
  );
  return seed ?? 0;
}

/** What was typed after an option, as a number; a usage error where it is none. */
export function parseNumber(option: string, typed: unknown, kind: "number" | "integer" = "number"): number {
  if (Array.isArray(typed)) throw new MiiiiError("usage", `--${option}: must be given once, got ${typed.join(" and ")}`);
  const text = String(typed).trim();
  const value = text === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new MiiiiError("usage", `--${option}: must be a number, got ${JSON.stringify(text)}`);
  if (kind === "integer" && !Number.isInteger(value))
    throw new MiiiiError("usage", `--${option}: must be an integer, got ${text}`);
  return value;
}

/** An option that takes a number, with its value checked when parsed. */
export function numberOption(option: string, description: string, kind: "number" | "integer" = "number", more: Options = {}) {
  return {
    ...more,
    description: `${description} [${kind}]`,
    requiresArg: true,
    coerce: (typed: unknown): number | undefined => (typed === undefined ? undefined : parseNumber(option, typed, kind)),
  } as const satisfies Options;
}

/** Words between commas, as a list of the setting's entries; `none` is the empty list. `W_E` is short for `embed.W_E`. */
function parseList(option: string, typed: unknown, setting: PrimesSetting | NamesSetting<string>): readonly (number | string)[] {
  const words = typed === "none" ? [] : String(typed).split(",");
  if (setting.kind === "primes" && words.some((word) => /\d\s+\d/.test(word)))
    throw new MiiiiError("usage", `--${option}: must be primes between commas, such as 2,3,5, got ${JSON.stringify(typed)}`);
  if (setting.kind === "primes") return words.map((word) => parseNumber(option, word, "integer"));
  return words.map((word) => setting.of.find((name) => name.endsWith(`.${word.trim()}`)) ?? word.trim());
}

function optionOf(field: ConfigField): Options {
  const setting = settingOf(field);
  const { kind, help: description } = setting;
  const group = "Settings (default: the preset's):";
  switch (kind) {
    case "boolean":
      return { type: "boolean", description, group };
    case "number":
    case "integer":
      return numberOption(dashed(field), description, kind, { group });
    case "string":
      return { type: "string", description, requiresArg: true, group };
    case "choice":
      return { choices: setting.of, description, requiresArg: true, group };
    case "primes":
    case "names":
      return { type: "string", description: `${description}; comma-separated, or none`, requiresArg: true, group };
    default:
      return kind satisfies never;
  }
}

/** Declares every setting as an option. */
export function withConfigOptions<T>(parser: Argv<T>): Argv<T> {
  return CONFIG_FIELD_NAMES.reduce((y, field) => y.option(dashed(field), optionOf(field)) as Argv<T>, parser);
}

/** The settings that were typed, by field. */
export function configOverrides(argv: Readonly<Record<string, unknown>>): Partial<RunConfig> {
  const given = CONFIG_FIELD_NAMES.flatMap((field) => {
    const value = argv[dashed(field)];
    const setting = settingOf(field);
    if (value === undefined) return [];
    const isList = setting.kind === "primes" || setting.kind === "names";
    return [[field, isList ? parseList(dashed(field), value, setting) : value] as const];
  });
  return Object.fromEntries(given) as Partial<RunConfig>;
}
