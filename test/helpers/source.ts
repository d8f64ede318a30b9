import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** The repository's root. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** One import or re-export; `typeOnly` ones vanish when compiled, `lazy` ones are `import()` calls. */
export interface ImportEdge {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly lazy: boolean;
  readonly line: number;
}

/** A source file as the house rules see it: what it imports, and which dotted names (`Math.random`) its code mentions. */
export interface SourceFile {
  /** Path from the root, such as `src/core/json.ts`. */
  readonly path: string;
  /** Folder below src; empty for `src/index.ts`. */
  readonly folder: string;
  readonly lines: number;
  readonly imports: readonly ImportEdge[];
  readonly mentions: ReadonlyMap<string, number>;
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  return (
    clause.name === undefined && named !== undefined && ts.isNamedImports(named) && named.elements.every((e) => e.isTypeOnly)
  );
}

/** Parses one file's text. */
export function parseSource(path: string, text: string): SourceFile {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: ImportEdge[] = [];
  const mentions = new Map<string, number>();
  const lineOf = (node: ts.Node) => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
      const specifier = (node.moduleSpecifier as ts.StringLiteral).text;
      imports.push({ specifier, typeOnly: isTypeOnly(node), lazy: false, line: lineOf(node) });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      imports.push({ specifier: node.argument.literal.text, typeOnly: true, lazy: false, line: lineOf(node) });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteralLike(argument)) {
        imports.push({ specifier: argument.text, typeOnly: false, lazy: true, line: lineOf(node) });
      }
    } else if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      const name = `${node.expression.text}.${node.name.text}`;
      if (!mentions.has(name)) mentions.set(name, lineOf(node));
    } else if (ts.isNewExpression(node) && ts.isIdentifier(node.expression)) {
      const name = `new ${node.expression.text}`;
      if (!mentions.has(name)) mentions.set(name, lineOf(node));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  const folder = /^src\/([^/]+)\//.exec(path)?.[1] ?? "";
  return { path, folder, lines: text.replace(/\n$/, "").split("\n").length, imports, mentions };
}

/** Every TypeScript file under `folder` (from the root), by path. */
export function readSources(folder: string): Map<string, SourceFile> {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => relative(ROOT, join(ROOT, folder, name)).replaceAll("\\", "/"))
    .sort();
  return new Map(files.map((path) => [path, parseSource(path, readFileSync(join(ROOT, path), "utf8"))]));
}
