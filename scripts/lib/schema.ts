import { join } from "node:path";
import ts from "typescript";

/** A JSON Schema (draft 2020-12), as far as it is used here. */
export type Schema = { [key: string]: unknown };

const DRAFT = "https://json-schema.org/draft/2020-12/schema";

/** Makes JSON Schemas of the types that the sources declare, so that the documented schema is the one the compiler checks. */
export interface SchemaMaker {
  /** The schema of an exported type. */
  ofType(file: string, name: string, title: string): Schema;
  /** The schema of an analysis's result; its file, or its folder's index, exports the definition. */
  ofAnalysis(id: string): Schema;
}

/** The files that declare what is printed as JSON. */
export const SCHEMA_FILES = ["src/cli/program.ts", "src/analyses/registry.ts"] as const;

function literal(type: ts.Type): string | number | boolean | null | undefined {
  if (type.isStringLiteral() || type.isNumberLiteral()) return type.value;
  if (type.flags & ts.TypeFlags.Null) return null;
  return undefined;
}

/** A type, and those that it stands in. */
type Inside = readonly ts.Type[];

/** Schemas of types, by the compiler's word on them. */
class TypeSchemas {
  readonly #checker: ts.TypeChecker;

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  #union(types: readonly ts.Type[], seen: Inside): Schema {
    const values = types.map(literal);
    const named = values.filter((value) => value !== undefined);
    const rest = types.filter((_, i) => values[i] === undefined);
    const booleans = rest.filter((type) => type.flags & ts.TypeFlags.BooleanLiteral);
    const others = rest.filter((type) => !booleans.includes(type)).map((type) => this.of(type, seen));
    const parts: Schema[] = [
      ...(named.length > 0 ? [{ enum: named }] : []),
      ...(booleans.length > 0 ? [{ type: "boolean" }] : []),
      ...others,
    ];
    return parts.length === 1 ? (parts[0] as Schema) : { anyOf: parts };
  }

  #object(type: ts.Type, seen: Inside): Schema {
    const checker = this.#checker;
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    for (const property of checker.getPropertiesOfType(type)) {
      const declared = checker.getTypeOfSymbol(property);
      const optional = (property.flags & ts.SymbolFlags.Optional) !== 0;
      const description = ts.displayPartsToString(property.getDocumentationComment(checker)).replace(/\s*\n\s*/g, " ");
      properties[property.name] = { ...(description ? { description } : {}), ...this.of(declared, seen) };
      if (!optional) required.push(property.name);
    }
    const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
    return {
      type: "object",
      ...(required.length > 0 ? { required } : {}),
      ...(Object.keys(properties).length > 0 ? { properties } : {}),
      additionalProperties: index === undefined ? false : this.of(index.type, seen),
    };
  }

  #array(type: ts.Type, inside: Inside): Schema {
    const items = this.#checker.getTypeArguments(type as ts.TypeReference).map((item) => this.of(item, inside));
    if (this.#checker.isTupleType(type)) return { type: "array", prefixItems: items, items: false, minItems: items.length };
    const [item] = items;
    if (item === undefined) throw new Error("schema: an array must have an element type");
    return { type: "array", items: item };
  }

  /** The schema of a type that stands in those of `seen`. */
  of(type: ts.Type, seen: Inside = []): Schema {
    const checker = this.#checker;
    if (type.aliasSymbol?.name === "Json" || type.flags & ts.TypeFlags.Unknown) return {};
    if (seen.includes(type)) throw new Error(`schema: type ${checker.typeToString(type)} must not hold itself`);
    if (type.flags & ts.TypeFlags.Boolean) return { type: "boolean" };
    if (type.isUnion()) {
      const defined = type.types.filter((part) => !(part.flags & ts.TypeFlags.Undefined));
      return this.#union(defined, seen);
    }
    const value = literal(type);
    if (value !== undefined) return { const: value };
    if (type.flags & ts.TypeFlags.NumberLike) return { type: "number" };
    if (type.flags & ts.TypeFlags.StringLike) return { type: "string" };
    if (type.flags & ts.TypeFlags.BooleanLike) return { type: "boolean" };
    const inside = [...seen, type];
    if (checker.isTupleType(type) || checker.isArrayType(type)) return this.#array(type, inside);
    if (type.flags & ts.TypeFlags.Object || type.isIntersection()) return this.#object(type, inside);
    throw new Error(`schema: type ${checker.typeToString(type)} has no schema`);
  }
}

function programOf(root: string, files: readonly string[]): ts.Program {
  const config = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile).config as { compilerOptions: object };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  return ts.createProgram(
    files.map((file) => join(root, file)),
    { ...options, noEmit: true },
  );
}

/** Reads the sources that `files` (paths from `root`) lead to, once. */
export function schemaMaker(root: string, files: readonly string[]): SchemaMaker {
  const program = programOf(root, files);
  const checker = program.getTypeChecker();
  const schemas = new TypeSchemas(checker);
  const exported = (file: string): readonly ts.Symbol[] => {
    const source = program.getSourceFile(join(root, file));
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`schema: ${file} must be a module that the sources import`);
    return checker.getExportsOfModule(module);
  };

  return {
    ofType(file, name, title) {
      const symbol = exported(file).find((candidate) => candidate.name === name);
      if (symbol === undefined) throw new Error(`schema: ${file} must export the type ${name}`);
      return { $schema: DRAFT, title, ...schemas.of(checker.getDeclaredTypeOfSymbol(symbol)) };
    },
    ofAnalysis(id) {
      const file = `src/analyses/${id}/index.ts`;
      for (const symbol of exported(file)) {
        const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
        if (!(target.flags & ts.SymbolFlags.Variable)) continue;
        const type = checker.getTypeOfSymbol(target);
        if (type.symbol?.name !== "Analysis") continue;
        const [result] = checker.getTypeArguments(type as ts.TypeReference);
        if (result !== undefined) return { $schema: DRAFT, ...schemas.of(result) };
      }
      throw new Error(`schema: ${file} must export the analysis ${id}`);
    },
  };
}
