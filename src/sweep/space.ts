import { ensure } from "../core/index.ts";
import { unknownName } from "../core/nearest.ts";
import { CONFIG_FIELDS, type ConfigField, isAllowed, type RunConfig, requirementOf, settingOf } from "../model/index.ts";

/** Settings of one trial beside the base's. */
export type Overrides = Partial<RunConfig>;

/** What Optuna keeps of a choice. */
export type Choice = string | number | boolean;

/** One parameter of a search, as Optuna knows it. */
export type Dimension =
  | {
      readonly kind: "float" | "int";
      readonly name: ConfigField;
      readonly low: number;
      readonly high: number;
      readonly log: boolean;
      readonly step: number | null;
    }
  | {
      readonly kind: "categorical";
      readonly name: string;
      readonly choices: readonly Choice[];
      /** The settings that each choice stands for. */
      readonly settings: readonly Overrides[];
    };

/** Table 1 of Syrkis & Søgaard 2024: the space that the paper searched with Optuna. */
export const PAPER_SPACE: Readonly<Record<string, readonly number[]>> = {
  dropout: [0, 0.1, 0.2, 0.5],
  grokfast_lambda: [0, 0.5, 2],
  weight_decay: [0, 0.1, 0.5, 1],
  d_model: [128, 256],
  lr: [1e-4, 3e-4],
  n_heads: [4, 8],
};

/** Settings that a sweep gives each run itself. */
const NOT_SEARCHED: readonly ConfigField[] = ["preset", "task", "seed", "epochs"];

const SEARCHED = CONFIG_FIELDS.filter((field) => !NOT_SEARCHED.includes(field));

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const shown = (value: unknown) => JSON.stringify(value)?.slice(0, 80) ?? "nothing";

/** The setting of a name; a usage error with the nearest where there is none, or where the sweep sets it. */
export function searchedField(name: string, where: string): ConfigField {
  ensure(
    !NOT_SEARCHED.includes(name as ConfigField),
    "usage",
    () => `${where}: ${name} is the sweep's own (base.preset, seeds, budget.epochs) and cannot stand here`,
  );
  const field = SEARCHED.find((known) => known === name);
  if (field === undefined) throw unknownName(`setting in ${where}`, name, SEARCHED);
  return field;
}

/** Checks the value of a setting against its bounds. */
export function checkSetting(field: ConfigField, value: unknown, where: string): void {
  const setting = settingOf(field);
  ensure(isAllowed(setting, value), "usage", () => `${where}: must be ${requirementOf(setting)}, got ${shown(value)}`);
}

/** Settings by name, checked. */
export function parseOverrides(value: unknown, where: string): Overrides {
  ensure(isMapping(value), "usage", () => `${where}: must map settings to values, got ${shown(value)}`);
  const entries = Object.entries(value).map(([name, given]) => {
    const field = searchedField(name, where);
    checkSetting(field, given, `${where}.${field}`);
    return [field, given] as const;
  });
  return Object.fromEntries(entries) as Overrides;
}

function parseRange(field: ConfigField, value: Readonly<Record<string, unknown>>, where: string): Dimension {
  const known = ["low", "high", "log", "step"];
  for (const key of Object.keys(value))
    if (!known.includes(key)) throw unknownName(`key in ${where}`, key, [...known, "choices"]);
  const { low, high, log = false, step = null } = value;
  const { kind } = settingOf(field);
  ensure(
    kind === "number" || kind === "integer",
    "usage",
    () => `${where}: has no range, since ${field} is ${requirementOf(settingOf(field))}; list its values: ${field}: [...]`,
  );
  checkSetting(field, low, `${where}.low`);
  checkSetting(field, high, `${where}.high`);
  ensure((low as number) < (high as number), "usage", () => `${where}: low must be below high, got ${low} and ${high}`);
  ensure(typeof log === "boolean", "usage", () => `${where}.log: must be true or false, got ${shown(log)}`);
  ensure(!log || (low as number) > 0, "usage", () => `${where}: low must be positive on a log scale, got ${low}`);
  ensure(
    step === null || (typeof step === "number" && step > 0 && (kind === "number" || Number.isInteger(step))),
    "usage",
    () => `${where}.step: must be a positive ${kind}, got ${shown(step)}`,
  );
  ensure(!log || step === null, "usage", () => `${where}: takes log or step, got both`);
  return {
    kind: kind === "number" ? "float" : "int",
    name: field,
    low: low as number,
    high: high as number,
    log,
    step,
  };
}

function parseChoices(field: ConfigField, values: readonly unknown[], where: string): Dimension {
  ensure(values.length > 0, "usage", () => `${where}: must list at least one value`);
  values.forEach((value, i) => checkSetting(field, value, `${where}[${i}]`));
  // Optuna keeps no lists.
  const choices = values.map((value) => (Array.isArray(value) ? JSON.stringify(value) : (value as Choice)));
  ensure(new Set(choices).size === choices.length, "usage", () => `${where}: must list each value once, got ${shown(values)}`);
  return { kind: "categorical", name: field, choices, settings: values.map((value) => ({ [field]: value }) as Overrides) };
}

/** A parameter of a free name, each choice of which is several settings at once. */
function parseBundles(name: string, value: Readonly<Record<string, unknown>>, where: string): Dimension {
  const choices = Object.keys(value);
  ensure(choices.length > 0, "usage", () => `${where}: must name at least one set of settings`);
  const settings = choices.map((choice) => parseOverrides(value[choice], `${where}.${choice}`));
  return { kind: "categorical", name, choices, settings };
}

/** One entry of `space`. */
function parseDimension(name: string, value: unknown): Dimension {
  const where = `space.${name}`;
  if (isMapping(value) && isMapping(value.sets)) {
    ensure(
      !CONFIG_FIELDS.some((field) => field === name),
      "usage",
      () => `${where}: sets of settings need a name of their own, ${name} is a setting`,
    );
    ensure(Object.keys(value).length === 1, "usage", () => `${where}: takes sets alone, got ${Object.keys(value).join(", ")}`);
    return parseBundles(name, value.sets, `${where}.sets`);
  }
  const field = searchedField(name, "space");
  if (Array.isArray(value)) return parseChoices(field, value, where);
  ensure(isMapping(value), "usage", () => `${where}: must be a list of values or { low, high }, got ${shown(value)}`);
  return parseRange(field, value, where);
}

/** The parameters of a search; a setting is in at most one of them. */
export function parseSpace(value: unknown): Dimension[] {
  const given = value === "paper" ? PAPER_SPACE : value;
  ensure(isMapping(given), "usage", () => `space: must be "paper" or map parameters to what they may be, got ${shown(value)}`);
  const dimensions = Object.entries(given).map(([name, entry]) => parseDimension(name, entry));
  ensure(dimensions.length > 0, "usage", () => "space: must hold at least one parameter");
  const owner = new Map<string, string>();
  for (const dimension of dimensions) {
    const { kind, name } = dimension;
    const fields = new Set(kind === "categorical" ? dimension.settings.flatMap((settings) => Object.keys(settings)) : [name]);
    for (const field of fields) {
      ensure(
        !owner.has(field),
        "usage",
        () => `space: ${field} must be set by one parameter, is by ${owner.get(field)} and ${name}`,
      );
      owner.set(field, name);
    }
  }
  return dimensions;
}

/** The settings that a trial's parameters stand for. */
export function overridesOf(space: readonly Dimension[], params: Readonly<Record<string, unknown>>): Overrides {
  const entries = space.flatMap((dimension): (readonly [string, unknown])[] => {
    const value = params[dimension.name];
    if (dimension.kind !== "categorical") return [[dimension.name, value]];
    const settings = dimension.settings[dimension.choices.indexOf(value as Choice)];
    ensure(settings !== undefined, "input", () => `parameter ${dimension.name}: ${shown(value)} is none of the study's choices`);
    return Object.entries(settings);
  });
  return Object.fromEntries(entries) as Overrides;
}

/** How many points a space of lists has; undefined where a parameter has a range. */
export function gridSize(space: readonly Dimension[]): number | undefined {
  return space.reduce<number | undefined>(
    (size, dimension) => (size === undefined || dimension.kind !== "categorical" ? undefined : size * dimension.choices.length),
    1,
  );
}
