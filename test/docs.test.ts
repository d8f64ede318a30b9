import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { analysisPage, cliPage, exampleOf, indexPage, schemas, schemaText } from "../scripts/lib/pages.ts";
import { SCHEMA_FILES, schemaMaker } from "../scripts/lib/schema.ts";
import { ANALYSES } from "../src/analyses/registry.ts";
import { COMMAND_NAMES } from "../src/cli/program.ts";
import { ROOT } from "./helpers/source.ts";

const docs = join(ROOT, "docs");
const read = (path: string) => (existsSync(join(docs, path)) ? readFileSync(join(docs, path), "utf8") : "");
const renew = "is stale; npm run docs renews it";

test("each analysis has its page, as its definition makes it", () => {
  for (const analysis of ANALYSES) {
    const page = read(join("analyses", `${analysis.id}.md`));
    assert.equal(page, analysisPage(analysis, exampleOf(page)), `docs/analyses/${analysis.id}.md ${renew}`);
  }
  assert.equal(read("analyses/README.md"), indexPage(ANALYSES), `docs/analyses/README.md ${renew}`);
  const known = [...ANALYSES.map(({ id }) => `${id}.md`), "README.md"];
  assert.deepEqual(
    readdirSync(join(docs, "analyses")).filter((name) => !known.includes(name)),
    [],
    "a page has no analysis",
  );
});

test("the schemas are those of the types", () => {
  const made = schemas(schemaMaker(ROOT, SCHEMA_FILES), ANALYSES);
  for (const [name, schema] of made) assert.equal(read(join("schema", name)), schemaText(schema), `docs/schema/${name} ${renew}`);
  assert.deepEqual(readdirSync(join(docs, "schema")).sort(), [...made.keys()].sort());
});

test("the page of the command line shows every command's help", async () => {
  assert.equal(read("cli.md"), await cliPage(COMMAND_NAMES), `docs/cli.md ${renew}`);
});

/** Relative links of a Markdown file that lead nowhere. */
function deadLinks(path: string): string[] {
  const text = readFileSync(join(ROOT, path), "utf8").replace(/```[\s\S]*?```/g, "");
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1] as string);
  const folder = join(ROOT, path, "..");
  return links.filter((link) => !/^https?:/.test(link) && !existsSync(join(folder, link))).map((link) => `${path}: ${link}`);
}

test("links and commands in the pages lead somewhere", () => {
  const pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "fixtures/README.md"].filter((path) =>
    existsSync(join(ROOT, path)),
  );
  const inDocs = readdirSync(docs, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"));
  const all = [...pages, ...inDocs.map((name) => join("docs", name))];
  assert.deepEqual(all.flatMap(deadLinks), []);
  const scripts = Object.keys((JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: object }).scripts);
  for (const path of all) {
    const text = readFileSync(join(ROOT, path), "utf8");
    for (const [, script] of text.matchAll(/npm run ([\w:-]+)/g)) {
      assert.ok(scripts.includes(script as string), `${path}: npm run ${script} is no script`);
    }
    for (const [, command] of text.matchAll(/(?:npx|^) ?miiii ([a-z]+)/gm)) {
      assert.ok(COMMAND_NAMES.includes(command as string), `${path}: miiii ${command} is no command`);
    }
  }
});
