import { ensure, messageOf } from "../core/index.ts";
import {
  activationName,
  CONFIG_FIELDS,
  type ConfigField,
  hasEquals,
  isAllowed,
  isOfKind,
  layeredConfig,
  type ModelConfig,
  parameterShapes,
  type RunConfig,
  requirementOf,
  type SequenceConfig,
  type Setting,
  settingOf,
} from "../model/index.ts";
import type { TaskConfig } from "../tasks/index.ts";
import { isObject, shownValue } from "./formats/strict-json.ts";

/** What every model file says of itself: task and sizes. Models trained elsewhere say no more; this project's say all. */
export type StoredConfig = TaskConfig & ModelConfig & Partial<RunConfig>;

const REQUIRED = CONFIG_FIELDS.filter((field) => settingOf(field).everyModel);

function kindText(setting: Setting): string {
  return "of" in setting ? requirementOf(setting) : `of kind ${setting.kind}`;
}

/** The kinds of the settings that models from elsewhere may have beside the others. */
const SEQUENCE: { readonly [field in keyof SequenceConfig]-?: string } = {
  equals: "boolean",
  attention_rate: "number",
  activation: "string",
};

function checkSettings(value: unknown, where: string, required: readonly ConfigField[]): asserts value is StoredConfig {
  ensure(isObject(value), "input", () => `${where}: config must be an object, got ${shownValue(value)}`);
  for (const field of CONFIG_FIELDS) {
    const setting = settingOf(field);
    const found = Object.hasOwn(value, field) ? value[field] : undefined;
    if (found === undefined && !required.includes(field)) continue;
    const fails = (must: string) => () => `${where}: config.${field} must be ${must}, got ${shownValue(found)}`;
    ensure(isOfKind(setting, found), "input", fails(kindText(setting)));
    ensure(isAllowed(setting, found), "input", fails(requirementOf(setting)));
  }
  for (const [field, kind] of Object.entries(SEQUENCE)) {
    const found = Object.hasOwn(value, field) ? value[field] : undefined;
    const must = () => `${where}: config.${field} must be of kind ${kind}, got ${shownValue(found)}`;
    ensure(found === undefined || typeof found === kind, "input", must);
  }
  const { untrained } = value;
  const list = settingOf("late_primes");
  ensure(
    untrained === undefined || isOfKind(list, untrained),
    "input",
    () => `${where}: config.untrained must be ${requirementOf(list)}, got ${JSON.stringify(untrained)?.slice(0, 100)}`,
  );
  try {
    parameterShapes(value as unknown as StoredConfig);
  } catch (error) {
    ensure(false, "input", () => `${where}: config: ${messageOf(error)}`);
  }
}

/** The config of a model file: task and sizes must be there, the settings of training may be. */
export function parseStoredConfig(value: unknown, where: string): StoredConfig {
  checkSettings(value, where, REQUIRED);
  return value;
}

/** The config of a run of this project: every setting must be there, but for those that did not exist when it was trained. */
export function parseRunConfig(value: unknown, where: string): RunConfig {
  checkSettings(
    value,
    where,
    CONFIG_FIELDS.filter((field) => !settingOf(field).later),
  );
  ensure(
    hasEquals(value),
    "input",
    () => `${where}: config.equals must be true in a run: models without '=' are for analysis and import alone`,
  );
  const activation = activationName(value);
  ensure(
    activation === "relu",
    "input",
    () => `${where}: config.activation must be relu in a run, got ${activation}: others are for analysis and import alone`,
  );
  return { ...layeredConfig([]), ...value };
}

/** Config as text with its keys in order, so that equal configs give equal text. */
export function configText(config: StoredConfig): string {
  return JSON.stringify(Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1))));
}
