import { readdirSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { readFileBytes, statOf } from "../files.ts";
import type { Statement, Statements } from "../formats/lazy.ts";
import { fileStatements } from "../formats/text-statements.ts";

const ENDING = /\.(?:jsonc?|ya?ml|toml|ini|cfg|txt)$/i;
const WORD =
  "(?:config|cfg|conf|hparams|hyper_?param(?:eter)?s?|hps?|args|arguments|params|settings|options|opts?|flags|kwargs|meta(?:data)?|arch(?:itecture)?|spec|info)";

/** What the config of the one model of a folder is called. */
const CONFIG = new RegExp(
  `^(?:(?:(?:model|network|net|transformer|train|training|experiment|run)[-_.]?)?${WORD}|model|network|experiment|run)$`,
  "i",
);

/** Hydra and others keep it in a folder of its own. */
const FOLDERS = [".hydra", "config", "conf", "configs"];

/** What Hydra's command line changed lies beside its config. */
const IN_FOLDER = /^(?:config|overrides|model)$/i;

/** Folders of checkpoints, or of one of a series, within a run's folder, where the run's config lies. */
const WITHIN =
  /^(?:checkpoints?|ckpts?|models?|weights|snapshots?|states?|saved?(?:_(?:models?|checkpoints?|weights))?|best|final|last|latest|(?:(?:global_?)?step|epoch|iter(?:ation)?|ckpt|checkpoint|model|version)?[-_=]?\d+)$/i;

/** How far up a run's folder is looked for. */
const HIGHEST = 3;

/** Larger files are no configs. */
const MOST_BYTES = 4_000_000;

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    // A folder that cannot be listed has no config that could be read.
    return [];
  }
}

/**
 * What files of a folder say, together; this project's own results are not taken for configs. One that nothing can be taken from
 * is named.
 */
function said(folder: string, names: readonly string[]): Statements {
  return names
    .filter((name) => statOf(join(folder, name))?.isFile() === true)
    .flatMap((name) => {
      const unread: Statement[] = /\.txt$/i.test(name) ? [] : [{ key: "", value: name, unread: true }];
      if ((statOf(join(folder, name))?.size ?? 0) > MOST_BYTES) return unread;
      const text = new TextDecoder().decode(readFileBytes(join(folder, name)));
      const statements = fileStatements(text, name);
      if (statements.length === 0 && text.trim().length > 2) return unread;
      return statements.some(({ key }) => key === "miiii") ? [] : statements;
    });
}

const stemOf = (name: string) => basename(name, extname(name));

function configsIn(folder: string): Statements {
  const names = namesIn(folder);
  const own = names.filter((name) => ENDING.test(name) && CONFIG.test(stemOf(name)));
  const inside = FOLDERS.filter((name) => names.includes(name)).flatMap((name) =>
    namesIn(join(folder, name))
      .filter((file) => ENDING.test(file) && IN_FOLDER.test(stemOf(file)))
      .map((file) => join(name, file)),
  );
  return said(folder, [...own, ...inside]);
}

/**
 * What the configs beside a model say: of its folder, where it is the one model there, and else of the run whose folder of
 * checkpoints this is.
 *
 * @param alone - whether a config in the folder can be of no other model.
 */
export function configBeside(folder: string, alone = true): Statements {
  let at = resolve(folder);
  let found = alone ? configsIn(at) : [];
  for (let up = 0; up < HIGHEST && found.length === 0 && WITHIN.test(basename(at)); up++) {
    at = dirname(at);
    found = configsIn(at);
  }
  return found;
}

/**
 * What the config says that is named for a model file: `run7.json` or `run7_config.yaml` of `run7.pt`, `config_7.json` of
 * `model_7.pt`.
 */
export function configOf(path: string): Statements {
  const stem = stemOf(path);
  const [, own] = /^(?:model|checkpoint|ckpt|weights|net)[-_.](.+)$/i.exec(stem) ?? [];
  const word = new RegExp(`^${WORD}$`, "i");
  const isFor = (name: string) => {
    const other = stemOf(name);
    if (!ENDING.test(name)) return false;
    if (other === stem) return true;
    if (other.startsWith(stem) && /^[-_.]/.test(other.slice(stem.length))) return word.test(other.slice(stem.length + 1));
    return (
      own !== undefined &&
      other.endsWith(own) &&
      /[-_.]$/.test(other.slice(0, -own.length)) &&
      word.test(other.slice(0, -own.length - 1))
    );
  };
  return said(dirname(path), namesIn(dirname(path)).filter(isFor));
}
