/** `npm run docs`: writes the generated pages and schemas of docs/. `--no-examples` keeps the examples' output as it is. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ANALYSES } from "../src/analyses/registry.ts";
import { COMMAND_NAMES } from "../src/cli/program.ts";
import { analysisPage, cliPage, exampleOf, exampleRun, indexPage, schemas, schemaText } from "./lib/pages.ts";
import { SCHEMA_FILES, schemaMaker } from "./lib/schema.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const docs = join(root, "docs");

function write(path: string, text: string): void {
  const file = join(docs, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** What the example prints; the output that the page has now where the run is not there. */
function example(id: string): string | undefined {
  const page = join(docs, "analyses", `${id}.md`);
  const now = existsSync(page) ? exampleOf(readFileSync(page, "utf8")) : undefined;
  if (process.argv.includes("--no-examples") || !existsSync(join(root, "fixtures", exampleRun(id)))) return now;
  const args = ["--import", "tsx", "src/cli/main.ts", "analyze", id, exampleRun(id)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`docs: the example of ${id} failed: ${stderr}`);
  return stdout.trimEnd();
}

const made = schemas(schemaMaker(root, SCHEMA_FILES), ANALYSES);
rmSync(join(docs, "schema"), { recursive: true, force: true });
for (const [name, schema] of made) write(join("schema", name), schemaText(schema));
for (const analysis of ANALYSES) write(join("analyses", `${analysis.id}.md`), analysisPage(analysis, example(analysis.id)));
write(join("analyses", "README.md"), indexPage(ANALYSES));
write("cli.md", await cliPage(COMMAND_NAMES));
