import { formatNumber } from "../core/index.ts";
import {
  CONFIG_FIELDS,
  type ConfigField,
  layeredConfig,
  type PresetLayer,
  sameValue,
  settingOf,
  settingText,
} from "../model/index.ts";
import type { AnalyzedRun } from "./run.ts";

type Config = AnalyzedRun["config"];

const paperLayers = (task: Config["task"]): readonly PresetLayer[] => (task === "nanda" ? [] : ["miiii"]);

/** The papers' own settings for a task, as far as they state them, without the number of epochs. */
export function paperSettings(task: Config["task"]): Partial<Config> {
  const config = layeredConfig(paperLayers(task));
  return Object.fromEntries(
    CONFIG_FIELDS.flatMap((field) => (settingOf(field).unstated ? [] : [[field, config[field]] as const])),
  );
}

/** The papers' modulus. */
export const PAPER_P = layeredConfig([]).p;

const PAPER_EPOCHS = layeredConfig(["miiii"]).epochs;

const close = (a: unknown, b: unknown) =>
  typeof a === "number" && typeof b === "number" ? Math.abs(a - b) <= 1e-3 * Math.abs(b) : sameValue(a, b);

/**
 * In which settings a run differs from the paper's own, as a reader should know; undefined where it does not, or is not known.
 * What defines an ablation (λ = 0, no dropout) is no difference in it.
 */
export function settingsApart(config: Config): string | undefined {
  const paper = paperSettings(config.task);
  const ablated = ablatedField(config);
  const parts = (Object.keys(paper) as ConfigField[]).flatMap((field) => {
    const value = config[field];
    const setting = settingOf(field);
    if (value === undefined || field === ablated || setting.idle?.({ ...config }) || close(value, paper[field])) return [];
    return [settingText(field, setting, value)];
  });
  const { d_model, n_heads, d_head, d_mlp, epochs, task } = config;
  if (d_head !== d_model / n_heads) parts.push(`d_head = ${d_head}`);
  if (d_mlp !== 4 * d_model) parts.push(`d_mlp = ${d_mlp}`);
  if (task !== "nanda" && epochs !== undefined && epochs < PAPER_EPOCHS) parts.push(`${formatNumber(epochs)} epochs`);
  return parts.length === 0 ? undefined : parts.join(", ");
}

/** The setting that makes a run an ablation, but for the task. */
function ablatedField({ task, grokfast_lambda, dropout }: Config): "grokfast_lambda" | "dropout" | undefined {
  if (task !== "miiii") return undefined;
  if (grokfast_lambda === 0) return "grokfast_lambda";
  return dropout === 0 ? "dropout" : undefined;
}

const valueIn = (config: Config, field: ConfigField) =>
  config[field] ?? (settingOf(field).later ? settingOf(field).value : undefined);

/** The settings in which two runs differ, but for seed, length and the like. */
const differing = (config: Config, other: Config) =>
  CONFIG_FIELDS.filter((field) => !settingOf(field).varies && !close(valueIn(config, field), valueIn(other, field)));

/** In which settings, but for task, labels, seed and length, `other` differs from a run; undefined in none. */
export function settingsBetween(config: Config, other: Config): string | undefined {
  const parts = differing(config, other).flatMap((field) => {
    const [setting, value] = [settingOf(field), valueIn(other, field)];
    if (field === "task" || value === undefined || setting.idle?.({ ...other })) return [];
    return [settingText(field, setting, value)];
  });
  return parts.length === 0 ? undefined : parts.join(", ");
}

/** Whether two runs have the same settings but for seed, length and the one that `ablation` changes. */
export function sameSettings(ablation: Config, other: Config): boolean {
  const ablated = ablatedField(ablation);
  return differing(ablation, other).every((field) => field === ablated);
}
