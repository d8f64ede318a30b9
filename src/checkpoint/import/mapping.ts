import { ensure, MiiiiError, messageOf, quoted } from "../../core/index.ts";
import type { LazyTensor } from "../formats/lazy.ts";
import { isObject } from "../formats/strict-json.ts";
import { permute, reshape, sliceRows } from "./arrange.ts";
import { ROLES, type Role } from "./roles.ts";

/** Where a role's tensor is found, and how it is brought into TransformerLens's form: `rows`, then `reshape`, then `permute`. */
export interface MappedTensor {
  readonly tensor: string;
  readonly rows?: readonly [number, number];
  readonly reshape?: readonly number[];
  readonly permute?: readonly number[];
}

/** User-supplied tensor mapping. */
export interface ImportMapping {
  readonly tensors: ReadonlyMap<Role, MappedTensor>;
}

const isIntegers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);

function parseEntry(value: unknown, where: string): MappedTensor {
  if (typeof value === "string") return { tensor: value };
  ensure(isObject(value), "input", () => `${where}: must be a tensor's name or an object with "tensor"`);
  const unknown = Object.keys(value).filter((key) => !["tensor", "rows", "reshape", "permute"].includes(key));
  ensure(
    unknown.length === 0,
    "input",
    () => `${where}: knows tensor, rows, reshape and permute, got ${unknown.map(quoted).join(", ")}`,
  );
  const { tensor, rows, reshape: shape, permute: axes } = value;
  ensure(typeof tensor === "string", "input", () => `${where}: "tensor" must be a name`);
  for (const [key, list] of Object.entries({ rows, reshape: shape, permute: axes })) {
    ensure(list === undefined || isIntegers(list), "input", () => `${where}: ${key} must be a list of non-negative integers`);
  }
  ensure(rows === undefined || (isIntegers(rows) && rows.length === 2), "input", () => `${where}: rows must be two integers`);
  return {
    tensor,
    ...(rows === undefined ? {} : { rows: rows as unknown as [number, number] }),
    ...(shape === undefined ? {} : { reshape: shape as number[] }),
    ...(axes === undefined ? {} : { permute: axes as number[] }),
  };
}

/**
 * A mapping from JSON:
 * `{"embed.W_E": "tok", "blocks.0.attn.W_Q": {"tensor": "qkv", "rows": [0, 128], "reshape": [4, 32, 128]}}`;
 * null says nothing. A tensor that is only named is oriented like the others; one that is arranged must come out in
 * TransformerLens's form. Roles that are not mapped are found by name.
 */
export function parseMapping(value: unknown, where: string): ImportMapping {
  ensure(isObject(value), "input", () => `${where}: a mapping must be an object from this project's names to the file's`);
  const tensors = new Map<Role, MappedTensor>();
  for (const [name, entry] of Object.entries(value)) {
    const role = ROLES.find((known) => known === name);
    const turned = typeof entry === "string" && ROLES.some((known) => known === entry);
    ensure(role, "input", () => {
      const example = turned ? `{${quoted(entry)}: ${quoted(name)}}` : '{"embed.W_E": "tok"}';
      return `${where}: must map this project's names to the file's, such as ${example}, got ${quoted(name)}; --print-mapping writes one to start from`;
    });
    // A starter has null where no tensor was found.
    if (entry !== null) tensors.set(role, parseEntry(entry, `${where}: ${role}`));
  }
  return { tensors };
}

/** A mapped tensor, arranged as the mapping says; `fixed` where it does. */
export function arrangeMapped(
  found: LazyTensor,
  { rows, reshape: shape, permute: axes }: MappedTensor,
  where: string,
): { readonly tensor: LazyTensor; readonly fixed: boolean } {
  let tensor = found;
  try {
    if (rows) tensor = sliceRows(tensor, rows[0], rows[1]);
    if (shape) tensor = reshape(tensor, shape);
    if (axes) tensor = permute(tensor, axes);
  } catch (error) {
    throw new MiiiiError("input", `${where}: ${messageOf(error)}`, { cause: error });
  }
  return { tensor, fixed: shape !== undefined || axes !== undefined };
}
