import type { Analysis } from "../../src/analyses/kit/define.ts";
import { dashed } from "../../src/cli/config-options.ts";
import { runProgram } from "../../src/cli/program.ts";
import type { Schema, SchemaMaker } from "./schema.ts";

/** Which shipped run an analysis's example looks at. */
export function exampleRun(id: string): string {
  // The run with a task that is computed so.
  if (id === "beats") return "miiii-fast-1";
  return ["primes", "neurons", "algorithm", "course", "patch", "circuits", "curves", "attention", "omega"].includes(id)
    ? "miiii-fast"
    : "nanda";
}

const MADE = "<!-- Made by `npm run docs` from the analysis's definition; edit that instead. -->";
const FENCE = "```";

function needsText({ needs }: Analysis): string {
  const others = needs
    .filter((need) => need !== "series" && need !== "forward" && need !== "matmul")
    .map((need) => `\`${need}\` over all p² samples`);
  const parts = [
    "the weights",
    ...others,
    ...(needs.includes("forward") ? ["forward passes under ablation"] : []),
    ...(needs.includes("series") ? ["a run directory, not a lone checkpoint"] : []),
  ];
  return `Looks at ${parts.join(", ")}.`;
}

function optionsText({ options }: Analysis): string {
  const rows = Object.entries(options).map(
    ([name, spec]) => `| \`--${dashed(name)}\` | ${spec.type} | ${spec.default} | ${spec.description} |`,
  );
  return rows.length === 0 ? "" : `\n## Options\n\n| option | kind | default | |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

/** The page of an analysis; `example` is what its summary printed, where it has been run. */
export function analysisPage(analysis: Analysis, example: string | undefined): string {
  const { id, title, description, definition, citation } = analysis;
  const run = exampleRun(id);
  const output = example === undefined ? "" : `\n${FENCE}text\n${example.trimEnd()}\n${FENCE}\n`;
  return `${MADE}
# \`${id}\`: ${title}

${description}

${needsText(analysis)} Source: ${citation}

## Definition

${definition.trim()}

## Null

${analysis.null.trim()}
${optionsText(analysis)}
## Example

${FENCE}sh
npx miiii analyze ${id} ${run}
npx miiii analyze ${id} ${run} --json --figure ${id}.html
${FENCE}
${output}
The JSON follows [the schema](../schema/${id}.json).
`;
}

/** What a page's example printed when the page was made. */
export function exampleOf(page: string): string | undefined {
  return /\n```text\n([\s\S]*?)\n```\n\nThe JSON/.exec(page)?.[1];
}

/** The list of all analyses. */
export function indexPage(analyses: readonly Analysis[]): string {
  const rows = analyses.map(({ id, title, description }) => `| [\`${id}\`](${id}.md) | ${title} | ${description} |`);
  return `${MADE}\n# Analyses\n\n| | | |\n|---|---|---|\n${rows.join("\n")}\n`;
}

function withResult(envelope: Schema, id: string, title: string, result: Schema): Schema {
  const copy = structuredClone(envelope) as {
    properties: { analysis: Schema; runs: { items: { properties: { result: Schema } } } };
  };
  copy.properties.analysis = { const: id };
  copy.properties.runs.items.properties.result = { $ref: "#/$defs/result" };
  const { $schema, ...body } = result;
  delete body.title;
  return { $schema, $id: `${id}.json`, title, ...copy, $defs: { result: body } };
}

/** The schema of everything that the command line prints as JSON, by file name. */
export function schemas(maker: SchemaMaker, analyses: readonly Analysis[]): Map<string, Schema> {
  const { $schema, ...envelope } = maker.ofType("src/api/envelope.ts", "Envelope", "");
  delete envelope.title;
  const made = new Map<string, Schema>();
  for (const { id } of analyses) {
    const result = maker.ofAnalysis(id);
    made.set(`${id}.json`, withResult(envelope, id, `miiii analyze ${id} --json`, result));
  }
  const every = analyses.map(({ id }) => [id, { $ref: `${id}.json#/$defs/result` }] as const);
  const all = { $schema, type: "object", properties: Object.fromEntries(every), additionalProperties: false };
  made.set("all.json", withResult(envelope, "all", "miiii analyze all --json", all));
  const inspect = maker.ofType("src/cli/commands/inspect.ts", "InspectResult", "");
  made.set("inspect.json", withResult(envelope, "inspect", "miiii inspect --json", inspect));
  for (const [name, type] of [
    ["metrics", "MetricsOutput"],
    ["runtimes", "RuntimesOutput"],
  ] as const) {
    const { $schema: draft, ...body } = maker.ofType(`src/cli/commands/${name}.ts`, type, `miiii ${name} --json`);
    made.set(`${name}.json`, { $schema: draft, $id: `${name}.json`, ...body });
  }
  return made;
}

/** A schema as the text of its file. */
export function schemaText(schema: Schema): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** Runs `work` with what is printed to the console collected instead. */
async function printed(work: () => Promise<void>): Promise<string> {
  const lines: string[] = [];
  const log = console.log;
  console.log = (...values: unknown[]) => lines.push(values.join(" "));
  try {
    await work();
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

/** The help of every command on one page. */
export async function cliPage(commands: readonly string[]): Promise<string> {
  Object.defineProperty(process.stdout, "columns", { value: 100, configurable: true });
  const sections = [`${FENCE}text\n${await printed(() => runProgram(["--help"]))}\n${FENCE}`];
  for (const command of commands) {
    const help = await printed(() => runProgram([command, "--help"]));
    sections.push(`## ${command}\n\n${FENCE}text\n${help}\n${FENCE}`);
  }
  return `${MADE.replace("the analysis's definition", "the commands' options")}\n# Command line\n\n${sections.join("\n\n")}\n`;
}
