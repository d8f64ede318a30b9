import { basename, dirname, extname, join } from "node:path";
import { readFileBytes, statOf } from "../files.ts";
import type { Statements } from "../formats/lazy.ts";
import { fileStatements } from "../formats/text-statements.ts";

const ENDINGS = ["json", "yaml", "yml", "toml"];
const WORDS = ["config", "cfg", "hparams", "hyperparameters", "args", "params", "settings"];

/** What the config of the one model of a folder is called; Hydra keeps it in a folder of its own. */
const CONFIGS = [
  ...WORDS,
  ...["model", "train", "training", "experiment"].flatMap((of) =>
    ["config", "cfg", "args", "hparams"].map((word) => `${of}_${word}`),
  ),
  join(".hydra", "config"),
].flatMap((name) => ENDINGS.map((ending) => `${name}.${ending}`));

/** Folders of checkpoints within a run's folder, where the run's config lies. */
const CHECKPOINTS = /^(?:checkpoints?|ckpts?|models?|weights)$/i;

/** Larger files are no configs. */
const MOST_BYTES = 100_000;

/** What files of a folder say, together; this project's own results are not taken for configs. */
function said(folder: string, names: readonly string[]): Statements {
  return names
    .filter((name) => {
      const stats = statOf(join(folder, name));
      return stats?.isFile() === true && stats.size <= MOST_BYTES;
    })
    .flatMap((name) => {
      const statements = fileStatements(new TextDecoder().decode(readFileBytes(join(folder, name))), name);
      return statements.some(({ key }) => key === "miiii") ? [] : statements;
    });
}

/**
 * What the configs beside a model say: of its folder, where it is the one model there, and else of the run whose folder of
 * checkpoints this is.
 *
 * @param alone - whether a config in the folder can be of no other model.
 */
export function configBeside(folder: string, alone = true): Statements {
  const here = alone ? said(folder, CONFIGS) : [];
  return here.length === 0 && CHECKPOINTS.test(basename(folder)) ? said(dirname(folder), CONFIGS) : here;
}

/**
 * What the config says that is named for a model file: `run7.json` or `run7_config.yaml` of `run7.pt`, `config_7.json` of
 * `model_7.pt`.
 */
export function configOf(path: string): Statements {
  const stem = basename(path, extname(path));
  const [, own] = /^(?:model|checkpoint|ckpt|weights|net)[-_.](.+)$/i.exec(stem) ?? [];
  const names = [
    stem,
    ...WORDS.flatMap((word) =>
      ["_", "-", "."].flatMap((join) => [`${stem}${join}${word}`, ...(own ? [`${word}${join}${own}`] : [])]),
    ),
  ];
  return said(
    dirname(path),
    names.flatMap((name) => ENDINGS.map((ending) => `${name}.${ending}`)),
  );
}
