/** `npm run functions`: functions of more than 80 lines, or more than five parameters in src/, the longest first: what to give named phases next. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { ROOT } from "./lib/python.ts";

const [MOST_LINES, MOST_PARAMETERS] = [80, 5];

/** A function and where it begins. */
interface Found {
  readonly lines: number;
  readonly parameters: number;
  readonly where: string;
}

function nameOf({ parent, ...node }: ts.FunctionLikeDeclaration): string {
  if (node.name !== undefined) return node.name.getText();
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) ? parent.name.getText() : "";
}

function functionsOf(path: string): Found[] {
  const file = ts.createSourceFile(path, readFileSync(join(ROOT, path), "utf8"), ts.ScriptTarget.Latest, true);
  const lineOf = (place: number) => file.getLineAndCharacterOfPosition(place).line;
  const found: Found[] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isFunctionDeclaration(node) ||
      ts.isFunctionExpression(node) ||
      ts.isArrowFunction(node) ||
      ts.isMethodDeclaration(node)
    ) {
      const first = lineOf(node.getStart());
      found.push({
        lines: lineOf(node.end) - first + 1,
        parameters: node.parameters.length,
        where: `${path}:${first + 1} ${nameOf(node)}`,
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

const found = ["src", "scripts"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => functionsOf(join(folder, name))),
);
const long = found.filter(
  ({ lines, parameters, where }) => lines > MOST_LINES || (where.startsWith("src") && parameters > MOST_PARAMETERS),
);
for (const { lines, parameters, where } of long.sort((a, b) => b.lines - a.lines))
  console.log(`${String(lines).padStart(4)} lines, ${parameters} parameters  ${where}`);
