import type { Statement, Statements } from "./lazy.ts";
import { NAMES_INSIDE } from "./loose-statements.ts";
import { PyDict, PyGlobal, PyList, PyObject, PyTensor, PyTuple, type PyValue } from "./pickle-values.ts";
import { commandStatements, textStatements } from "./text-statements.ts";
import { attributesOf, DEEPEST_MODULE, type Module, moduleOf, named } from "./torch-objects.ts";

/** How deep plain values are looked for in what was saved. */
const DEEPEST = 8;
/** Dicts with more tensors are state dicts, or an optimizer's. */
const FEWEST_TENSORS = 3;
/** Keys of the states of optimizers, schedules and gradient scalers, which say nothing of the model. */
const TRAINERS = ["param_groups", "last_epoch", "num_bad_epochs", "growth_factor"];
/** Longer lists are data. */
const LONGEST_LIST = 200;

/** Attributes of a module that change what it computes, with the value that changes nothing. */
const OPTIONS: readonly (readonly [option: string, usual: PyValue])[] = [
  ["approximate", "none"],
  ["negative_slope", 0.01],
  ["add_zero_attn", false],
  ["max_norm", null],
];

/** `functools.partial(f, approximate="tanh")`: what it calls, and with what. */
function partialOf(value: PyObject): { readonly callee: PyValue; readonly keywords: PyDict } | undefined {
  const [callee, , keywords] = value.state instanceof PyTuple ? value.state.items : [];
  return value.global.path === "functools.partial" && callee !== undefined
    ? { callee, keywords: keywords instanceof PyDict ? keywords : new PyDict() }
    : undefined;
}

/** Options that are not the usual ones, in parentheses as Python prints them. */
function unusualOptions(values: PyDict): string {
  const unusual = OPTIONS.flatMap(([option, usual]) => {
    const value = values.entries.get(option);
    return value === undefined || value === usual ? [] : [`${option}=${String(value).slice(0, 40)}`];
  });
  return unusual.length === 0 ? "" : `(${unusual.join(", ")})`;
}

/** A function, a class, a member of an enumeration or a module, in the place of a plain value: its name. */
function nameOf(value: PyValue): string | undefined {
  if (value instanceof PyGlobal) return value.path;
  if (!(value instanceof PyObject)) return undefined;
  const partial = partialOf(value);
  if (partial !== undefined) {
    const { callee, keywords } = partial;
    const known = unusualOptions(keywords);
    const more = known === "" && keywords.entries.size > 0 ? "(…)" : known;
    return callee instanceof PyGlobal ? `${callee.path}${more}` : undefined;
  }
  const module = moduleOf(value);
  if (module !== undefined) return `${module.path}${unusualOptions(module.attributes)}`;
  const [member, ...others] = value.args instanceof PyTuple ? value.args.items : [];
  // `torch.tanh` is pickled as what getattr finds in PyTorch's own table of functions.
  const [attribute] = others;
  if (
    /^(?:builtins|__builtin__)\.getattr$/.test(value.global.path) &&
    member instanceof PyGlobal &&
    typeof attribute === "string"
  )
    return `${member.path}.${attribute}`;
  return typeof member === "string" && others.length === 0 ? member : undefined;
}

/** Bytes as text, and the value of a node of OmegaConf's; anything else as it is. */
function unwrapped(value: PyValue): PyValue {
  if (value instanceof Uint8Array) return value.length > 200 ? value : new TextDecoder("latin1").decode(value);
  const node = value instanceof PyObject ? attributesOf(value)?.entries.get("_val") : undefined;
  return node === undefined ? value : node;
}

const itemsOf = (value: PyValue): readonly PyValue[] => (value instanceof PyList || value instanceof PyTuple ? value.items : []);

/** What a list says: its only element under the list's key, pairs of key and value, words of a command line. */
function ofList(key: string, items: readonly PyValue[]): Statement[] {
  if (items.length > LONGEST_LIST) return [];
  const words = items.filter((item) => typeof item === "string");
  const said = words.length === items.length ? commandStatements(words) : [];
  if (said.length > 0) return [...said];
  const [only, ...others] = items;
  if (only !== undefined && others.length === 0) return statementOf(key, unwrapped(only));
  return items.flatMap((item) => {
    const [name, value, ...more] = itemsOf(item);
    return typeof name === "string" && value !== undefined && more.length === 0 ? statementOf(name, unwrapped(value)) : [];
  });
}

/** The texts of an object that keeps its fields without their names, as a named tuple does. */
function ofFields(value: PyValue): Statement[] {
  if (!(value instanceof PyObject) || attributesOf(value) !== undefined) return [];
  return itemsOf(value.args).flatMap((field): Statement[] =>
    typeof field === "string" && field.length <= 40 ? [{ key: "", value: field, nameless: true }] : [],
  );
}

function statementsAt(key: string, held: PyValue): Statement[] {
  const value = unwrapped(held);
  const found = statementOf(key, value);
  if (found.length > 0) return found;
  return value instanceof PyList || value instanceof PyTuple ? ofList(key, value.items) : ofFields(value);
}

/** Tensors of a dict that is no state dict: they may be part of what the model computes, such as a steering vector. */
function loneTensors(dict: PyDict): Statement[] {
  const tensors = named(dict).filter(([, value]) => value instanceof PyTensor);
  return tensors.length >= FEWEST_TENSORS ? [] : tensors.map(([key]) => ({ key, value: true, tensor: true }));
}

/** What a dict says of its own key that names a class or a function, such as `act: {"name": "gelu"}`. */
function nameInside(key: string, value: PyValue): Statement[] {
  if (!(value instanceof PyDict)) return [];
  return named(value).flatMap(([name, held]) =>
    NAMES_INSIDE.test(name) && typeof held === "string" ? [{ key, value: held }] : [],
  );
}

/** What the texts among statements say that are configs themselves, each text once. */
function withTexts(found: readonly Statement[]): Statements {
  const texts = new Set(
    found.flatMap(({ value }) => (typeof value === "string" && /^\s*[[{]|:\s|=|\s--/.test(value) ? [value] : [])),
  );
  return [...found, ...[...texts].flatMap(textStatements)];
}

/** A plain value, or what has a name, as a statement; none for anything else. */
function statementOf(key: string, value: PyValue): Statement[] {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return [{ key, value }];
  const name = nameOf(value);
  return name === undefined ? [] : [{ key, value: name }];
}

/** What modules of attention call the factor, or the divisor, of their scores. */
const ATTENTION_SCALE = /^(?:scale|scaling|scale_factor|(?:inv_)?norm_factor|multiplier|temper)$/;

const hasHooks = ({ attributes }: Module) =>
  ["_forward_hooks", "_forward_pre_hooks"].some((key) => {
    const hooks = attributes.entries.get(key);
    return hooks instanceof PyDict && hooks.entries.size > 0;
  });

const isEmpty = (dict: PyDict) => named(dict).every(([, value]) => value === null);

/**
 * What a module that was saved whole says of itself and of those inside it: its plain attributes, and of each module that
 * computes without weights, or otherwise than its weights alone would have it, its class.
 *
 * @returns what may say more, such as a config among its attributes.
 */
function ofModule(module: Module, path: string, depth: number, seen: Set<PyDict>, found: Statement[]): PyValue[] {
  if (depth > DEEPEST_MODULE || seen.has(module.attributes)) return [];
  seen.add(module.attributes);
  const { attributes, parameters, buffers, modules } = module;
  const inAttention = /att(?:n|ention)|mha/i.test(`${path}.${module.path}`);
  const open: PyValue[] = [];
  for (const [key, value] of named(attributes)) {
    if (key.startsWith("_")) continue;
    found.push(...statementsAt(inAttention && ATTENTION_SCALE.test(key) ? "attn_scale" : key, value));
    if (typeof value === "object" && value !== null) open.push(value);
  }
  const options = unusualOptions(attributes);
  const hooks = hasHooks(module) ? "(with a forward hook)" : "";
  const weightless = isEmpty(parameters) && isEmpty(buffers) && isEmpty(modules);
  if (weightless || options !== "" || hooks !== "")
    found.push({ key: path, value: `${module.path}${options}${hooks}`, module: true });
  for (const [name, child] of named(modules)) {
    const inner = moduleOf(child);
    if (inner !== undefined) open.push(...ofModule(inner, path === "" ? name : `${path}.${name}`, depth + 1, seen, found));
  }
  return open;
}

/** What is said beside the tensors: plain values of dicts, of modules, and of objects such as an `argparse.Namespace`, by key. */
export function findStatements(root: PyValue): Statements {
  const found: Statement[] = [];
  const seen = new Set<PyDict>();
  let level: PyValue[] = [root];
  for (let depth = 0; depth <= DEEPEST; depth++) {
    const next: PyValue[] = [];
    for (const value of level) {
      const module = moduleOf(value);
      if (module !== undefined) {
        next.push(...ofModule(module, "", 0, seen, found));
        continue;
      }
      const items = itemsOf(value);
      if (items.length <= LONGEST_LIST) next.push(...items.filter((item) => typeof item === "object" && item !== null));
      const dict = value instanceof PyDict ? value : attributesOf(value);
      if (dict === undefined || seen.has(dict) || TRAINERS.some((key) => dict.entries.has(key))) continue;
      seen.add(dict);
      found.push(...loneTensors(dict));
      for (const [key, entry] of named(dict)) {
        found.push(...statementsAt(key, entry), ...nameInside(key, entry));
        if (typeof entry === "object" && entry !== null) next.push(entry);
      }
    }
    level = next;
  }
  return withTexts(found);
}
