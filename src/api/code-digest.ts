import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readFileBytes, statOf } from "../checkpoint/index.ts";

/**
 * Digests of the code that decides what analyses give, as the build writes them beside this module: compiled or not, the code is
 * the same.
 */
export interface CodeDigests {
  /** Of what every analysis is computed with. */
  readonly shared: string;
  /** Of what reads models from elsewhere. */
  readonly reading: string;
  /** Of each analysis, by id: all that it imports from the analyses, without what draws. */
  readonly analyses: Readonly<Record<string, string>>;
  /** Of everything, and the pinned versions of what it uses. */
  readonly whole: string;
}

/** The file that the build writes, beside this module. */
export const CODE_DIGESTS = "code-digests.json";

const SHARED = ["core", "math", "tasks", "ops", "model", "runtimes", "activations"];

const READING = ["checkpoint"];

/** What draws decides nothing of a result. */
const DRAWS = /\/figures?(?:\/|\.)/;

const IMPORT = /\bfrom "(\.[^"]+)"/g;

function codeIn(root: string, folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending) && !name.endsWith(".d.ts"))
    .map((name) => join(root, folder, name))
    .sort();
}

/** The files of the analyses that one of them imports, itself included. */
function importedBy(entry: string, analyses: string): string[] {
  const found = new Set<string>();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    const text = new TextDecoder().decode(readFileBytes(file));
    for (const [, name = ""] of text.matchAll(IMPORT)) {
      const path = join(file, "..", name);
      if (path.startsWith(analyses) && !DRAWS.test(path.slice(analyses.length))) open.push(path);
    }
  }
  return [...found].sort();
}

/** Lines that are comments, and comments after code (of which no quote follows): words about code decide nothing. */
const COMMENTS = /^\s*(?:\/\/|\/\*|\*).*\n|[ \t]+\/\/ [^"'`\n]*$/gm;

function digestOf(root: string, files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) {
    const text = new TextDecoder().decode(readFileBytes(file));
    hash.update(`${file.slice(root.length)}\n`).update(text.replace(COMMENTS, ""));
  }
  return hash.digest("hex");
}

/** The digests of the code in `src` (or in a compiled copy that has no file of them). */
export function digestCode(source: URL, ending: string): CodeDigests {
  const root = fileURLToPath(source);
  const own = (folders: readonly string[]) =>
    digestOf(
      root,
      folders.flatMap((folder) => codeIn(root, folder, ending)),
    );
  const folder = join(root, "analyses");
  const ids = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() && statOf(join(folder, entry.name, `index${ending}`)) !== undefined ? [entry.name] : [],
  );
  const entries = ids.map((id) => [id, digestOf(root, importedBy(join(folder, id, `index${ending}`), `${folder}/`))]);
  return {
    shared: own(SHARED),
    reading: own(READING),
    analyses: Object.fromEntries(entries),
    whole: digestOf(root, [...codeIn(root, ".", ending), join(root, "..", "package.json")]),
  };
}

let known: CodeDigests | undefined;

/** The digests of the code that runs. */
export function codeDigests(): CodeDigests {
  if (known !== undefined) return known;
  const built = fileURLToPath(new URL(CODE_DIGESTS, import.meta.url));
  known =
    statOf(built) === undefined
      ? digestCode(new URL("../", import.meta.url), extname(import.meta.url))
      : (JSON.parse(new TextDecoder().decode(readFileBytes(built))) as CodeDigests);
  return known;
}
