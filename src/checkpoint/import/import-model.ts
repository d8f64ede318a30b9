import { ensure, ensureFinite, printable, quoted } from "../../core/index.ts";
import { ACTIVATIONS, type Activation, PARAMETER_NAMES } from "../../model/index.ts";
import { type Checkpoint, checkpointFrom } from "../checkpoint.ts";
import { readFileBytes } from "../files.ts";
import type { LazyTensor, Statements, TensorGroup, Unreadable } from "../formats/lazy.ts";
import { decodeSafetensors } from "../formats/safetensors.ts";
import { parseJsonBytes } from "../formats/strict-json.ts";
import type { AssignOptions, Sorted } from "./assign.ts";
import { isMask } from "./buffers.ts";
import { candidatesOf, type ImportedModel, type ImportOptions } from "./candidates.ts";
import { bestSorted, type ChosenGroup, chooseGroup, list } from "./groups.ts";
import { parseMapping } from "./mapping.ts";
import { type Decoded, decodePath, type ImportFormat, scalarStatement } from "./read-file.ts";
import type { ImportRecord } from "./record.ts";
import { ROLES } from "./roles.ts";
import { knownActivation, type Stated, statedBy } from "./statements.ts";

/** What a user may say of a file, its tensors and its models. */
export interface ImportRequest extends ImportOptions {
  /** Path of a JSON file that says which tensor is what; see `parseMapping`. */
  readonly mapping?: string;
  /** Names of tensors, modules or statements that are left out on the user's own account. */
  readonly ignore?: readonly string[];
  /** Which of several models. */
  readonly state?: string;
  /** The MLP's activation, by name. */
  readonly activation?: string;
}

/** What a file holds. */
export interface ImportResult {
  readonly path: string;
  /** Of the file's bytes, hexadecimal; of all files' digests where there are several. */
  readonly sha256: string;
  readonly format: ImportFormat;
  /** Where in the file the tensors lie, such as `model`; empty for the file itself. */
  readonly source: string;
  /** Masks, counters and records, left out as they should be. */
  readonly ignored: readonly string[];
  /** Every model that the file may hold, likely ones first; see `chooseImport`. */
  readonly candidates: readonly ImportedModel[];
  /** How a candidate was read; undefined for this project's own files, which leave nothing open. */
  readonly recordOf: (candidate: ImportedModel) => ImportRecord | undefined;
  /** Whether the read-out is the embedding though nothing says so: then the accuracy must. */
  readonly presumedTied: boolean;
  /** This project's own file, which leaves nothing to settle. */
  readonly checkpoint?: Checkpoint;
}

/** Names its tensor where one that is needed is not finite. */
function checked(groups: readonly TensorGroup[], path: string): TensorGroup[] {
  return groups.map(({ source, tensors }) => ({
    source,
    tensors: new Map(
      [...tensors].map(([name, tensor]): [string, LazyTensor | Unreadable] => {
        // Masks hold −∞, and nothing of them is computed with.
        if ("unreadable" in tensor || isMask(name, tensor)) return [name, tensor];
        const read = () => {
          const array = tensor.read();
          ensureFinite(array, `${path}: tensor ${quoted(name)}`);
          return array;
        };
        return [name, { ...tensor, read }];
      }),
    ),
  }));
}

/** The MLP's activation, and who says so. */
type ActivationRead = { readonly activation: Activation; readonly activation_from: ImportRecord["activation_from"] };

function activationRead(asked: string | undefined, { activations }: Stated, where: string): ActivationRead {
  const [stated, ...others] = activations;
  ensure(
    asked !== undefined || others.length === 0,
    "usage",
    () => `${where}: states several activations, ${list(activations)}: --activation says which is the MLP's`,
  );
  const said = asked ?? stated;
  if (said === undefined) return { activation: "relu", activation_from: "assumed" };
  const activation = knownActivation(said);
  const says = asked === undefined ? "says" : "is said";
  const advice = asked === undefined ? " (--activation takes one of them on your account)" : "";
  ensure(
    activation !== undefined,
    asked === undefined ? "input" : "usage",
    () =>
      `${where}: must have one of the activations ${ACTIVATIONS.join(", ")}, ${says} to have ${quoted(said)}, which is none that a forward pass here computes${advice}`,
  );
  return { activation, activation_from: asked === undefined ? "stated" : "option" };
}

/** What the file says goes before what the config beside it says. */
function merge(file: Stated, beside: Stated): Stated {
  const { activations } = file.activations.length > 0 ? file : beside;
  const unread = [...file.unread, ...beside.unread];
  const unknown = [...new Set([...file.unknown, ...beside.unknown])];
  return { ...beside, ...file, activations, unread, unknown, alien: [...file.alien, ...beside.alien] };
}

function checkRequest(request: ImportRequest, path: string): void {
  ensure(
    request.task !== "basis",
    "usage",
    () => `${path}: task basis cannot be imported: its labels depend on the seed it was trained with`,
  );
  ensure(
    request.heads === undefined || (Number.isSafeInteger(request.heads) && request.heads >= 1),
    "usage",
    () => `heads: must be a positive integer, got ${request.heads}`,
  );
  const { attention_rate: rate = 1, modulus } = request;
  ensure(
    modulus === undefined || (Number.isSafeInteger(modulus) && modulus >= 5 && modulus <= 251),
    "usage",
    () => `modulus: must be a prime from 5 to 251, got ${modulus}`,
  );
  ensure(rate >= 0 && rate <= 1, "usage", () => `attention rate: must be from 0 to 1, got ${rate}`);
}

const LONGEST_LIST = 50;
const some = (names: readonly string[]) => names.slice(0, LONGEST_LIST).map((name) => name.slice(0, 200));

function notesOf({ assignment }: Sorted): string[] {
  return [...assignment.values()].flatMap(({ name, tensor }) =>
    tensor.note === undefined ? [] : [`${quoted(name)} is ${tensor.note}`],
  );
}

/** What a user's file of a mapping says, and what is to be ignored, as the sorting of tensors takes it. */
export function assignOptions({ mapping, ignore }: ImportRequest, where: string): AssignOptions {
  return {
    where,
    mapping: mapping === undefined ? undefined : parseMapping(parseJsonBytes(readFileBytes(mapping), mapping), mapping),
    ignore,
  };
}

function paddingNote(p: number, padding: number): string {
  return `the vocabulary is read as ${p} digits, '=' and ${padding} tokens of padding, which are left out with their classes`;
}

/** Settings that a file keeps as tensors of one integer, such as a registered buffer `logit_scale`. */
function scalarsOf(groups: readonly TensorGroup[]): Statements {
  return groups.flatMap(({ tensors }) =>
    [...tensors].flatMap(([name, tensor]) =>
      "unreadable" in tensor || isMask(name, tensor) ? [] : scalarStatement(name, tensor),
    ),
  );
}

/** What a reader should know of a config: what nothing was taken from, and what nothing here knows. */
function statedNotes({ unread, unknown }: Stated): string[] {
  return [
    ...(unread.length === 0
      ? []
      : [`nothing could be read from ${list(unread)} beside the weights: --activation and --heads say what it does`]),
    ...(unknown.length === 0
      ? []
      : [
          `beside the weights also stands ${list(unknown, 6)}, of which nothing is known here: taken not to change what the model computes`,
        ]),
  ];
}

function recordFrom(
  decoded: Decoded,
  chosen: ChosenGroup,
  activation: ActivationRead,
  ignored: readonly string[],
  stated: Stated,
): (candidate: ImportedModel) => ImportRecord {
  const { source, others, tied, leftOut } = chosen;
  return ({ layout, orientations, padding, headsFrom, low_digit, config }) => ({
    format: decoded.format,
    ...(decoded.files.length === 0 ? {} : { files: some(decoded.files) }),
    state: source.slice(0, 200),
    ...(others.length === 0 ? {} : { other_states: { count: others.length, first: some(others.slice(0, 8)) } }),
    layout,
    orientations: [...orientations],
    n_heads: config.n_heads,
    n_heads_from: headsFrom,
    ...(low_digit === undefined ? {} : { low_digit }),
    ...activation,
    tied_embeddings: tied,
    left_out: some([...leftOut, ...ignored]),
    not_read: some(chosen.ignored),
    notes: [...notesOf(chosen), ...statedNotes(stated), ...(padding === 0 ? [] : [paddingNote(config.p, padding)])],
  });
}

/** What stands for a stated scale of attention's scores among the names to ignore. */
const SCALE_KEY = "attn_scale";

/**
 * The candidates whose attention scores are divided by √d_head as the file states; a stated scale is what they are divided by or
 * its inverse.
 */
function scaled(
  candidates: readonly ImportedModel[],
  scale: number | undefined,
  ignore: readonly string[],
  where: string,
): readonly ImportedModel[] {
  if (scale === undefined || ignore.includes(SCALE_KEY)) return candidates;
  const fitting = candidates.filter(({ config: { d_head } }) => {
    const root = Math.sqrt(d_head);
    return Math.abs(scale / root - 1) < 1e-4 || Math.abs(scale * root - 1) < 1e-4;
  });
  ensure(
    fitting.length > 0,
    "input",
    () =>
      `${where}: its config states an attention scale of ${scale}, this model divides scores by √d_head, ${Math.sqrt(candidates[0]?.config.d_head ?? 1)}; read without it would be another function (--ignore ${SCALE_KEY} takes that on your account)`,
  );
  return fitting;
}

/** Throws where the file states another modulus than its vocabulary has, unless the user says which. */
function ensureModulus(
  candidates: readonly ImportedModel[],
  stated: number | undefined,
  asked: number | undefined,
  where: string,
): void {
  const [first] = candidates;
  ensure(
    stated === undefined || asked !== undefined || first === undefined || candidates.some(({ config }) => config.p === stated),
    "usage",
    () => `${where}: states p = ${stated}, its vocabulary is of p = ${first?.config.p}: --modulus says which`,
  );
}

const QUANTISED = /(?:^|_)(?:scales?|zero_?points?|scb|absmax)$/i;

/** Throws where weights are integers and a number beside them says what one of their units is. */
function ensureUnscaled({ assignment }: Sorted, statements: Decoded["statements"], where: string): void {
  const whole = [...assignment.values()].filter(({ tensor }) => tensor.integral === true).map(({ name }) => name);
  const scale = statements.find(
    ({ key, value }) => Number.isFinite(Number(value)) && (QUANTISED.test(key) || whole.includes(key)),
  );
  ensure(
    whole.length === 0 || scale === undefined,
    "input",
    () =>
      `${where}: must hold plain weights, ${list(whole, 2)} ${whole.length > 1 ? "are" : "is"} of integers, with ${quoted(scale?.key ?? "")} beside: quantised; give the model that it was made from`,
  );
}

/** The candidates of a file that is decoded already; see {@link importModel}. */
export function importDecoded(path: string, decoded: Decoded, request: ImportRequest): ImportResult {
  checkRequest(request, path);
  const { sha256: digest, format, own } = decoded;
  if (own) {
    const checkpoint = checkpointFrom(path, digest, decodeSafetensors(own.bytes, path).tensors, own.metadata);
    const { config, parameters } = checkpoint;
    const candidate: ImportedModel = {
      description: "this project's own",
      layout: "transformerlens",
      tier: 0,
      padding: 0,
      orientations: [],
      headsFrom: "shape",
      config,
      parameters,
    };
    return {
      path,
      sha256: digest,
      format,
      source: "",
      ignored: [],
      candidates: [candidate],
      recordOf: () => undefined,
      presumedTied: false,
      checkpoint,
    };
  }
  const { ignore = [] } = request;
  const groups = checked(decoded.groups, path);
  const stated = merge(statedBy([...decoded.statements, ...scalarsOf(groups)]), statedBy(decoded.neighbour));
  const keys = new Set([...stated.alien.map(({ key }) => key), ...(stated.scale === undefined ? [] : [SCALE_KEY])]);
  const ofKeys = ignore.filter((name) => keys.has(name));
  const rest = ignore.filter((name) => !keys.has(name));
  const options = { ...assignOptions({ ...request, ignore: rest }, path), alien: stated.alien[0]?.what };
  const chosen = chooseGroup(groups, options, request.state);
  const alien = stated.alien.find(({ key }) => !ofKeys.includes(key));
  ensure(
    alien === undefined,
    "input",
    () =>
      `${path}: ${alien?.what}, which this model has not; read without it would be another function (--ignore ${printable(alien?.key ?? "")} takes that on your account)`,
  );
  const activation = activationRead(request.activation, stated, path);
  const { layout, heads, task, low_digit, attention_rate = stated.rate, modulus } = request;
  const choices: ImportOptions = {
    ...(layout === undefined ? {} : { layout }),
    ...(heads === undefined ? {} : { heads }),
    ...(task === undefined ? {} : { task }),
    ...(low_digit === undefined ? {} : { low_digit }),
    ...(attention_rate === undefined ? {} : { attention_rate }),
    ...(modulus === undefined ? {} : { modulus }),
  };
  const known = { heads: stated.heads, dHead: stated.dHead, modulus: stated.modulus, activation: activation.activation };
  const found = candidatesOf(chosen.assignment, choices, path, known);
  ensureModulus(found, stated.modulus, modulus, path);
  ensureUnscaled(chosen, decoded.statements, path);
  const candidates = scaled(found, stated.scale, ignore, path);
  const recordOf = recordFrom(decoded, chosen, activation, ofKeys, stated);
  const { source, ignored, tied } = chosen;
  return { path, sha256: digest, format, source, ignored, candidates, recordOf, presumedTied: tied && stated.tied !== true };
}

/**
 * Reads a model trained elsewhere: a PyTorch archive, an NPZ archive, safetensors, or a folder of one of them, of shards or of
 * NPY files. Format, layout and sizes are recognised by content, names, shapes and what the file says; where these leave a
 * question open, every answer is a candidate.
 *
 * @throws kind `input` where the file is damaged, hostile or no such model, or has a tensor that computes something and has no
 * place in the
 *   model; kind `usage` where the options contradict it.
 */
export function importModel(path: string, request: ImportRequest = {}): ImportResult {
  return importDecoded(path, decodePath(path), request);
}

/**
 * A mapping to start from: each of this project's names with the file's tensor that it is taken for, or null where none is found;
 * and the tensors that have no place yet.
 */
export function startMapping(
  path: string,
  request: ImportRequest = {},
): { readonly mapping: Readonly<Record<string, string | null>>; readonly unplaced: readonly string[] } {
  const options = assignOptions(request, path);
  const { assignment, surplus, tied } = bestSorted(decodePath(path).groups, options, request.state);
  const fused = assignment.has("blocks.0.attn.W_QKV");
  const roles = ROLES.filter((role) => {
    if (assignment.has(role)) return true;
    const expected = (PARAMETER_NAMES as readonly string[]).includes(role);
    return expected && !(fused && /W_[QKV]$/.test(role));
  });
  const mapping = roles.map(
    (role) => [role, tied && role === "unembed.W_U" ? null : (assignment.get(role)?.name ?? null)] as const,
  );
  return { mapping: Object.fromEntries(mapping), unplaced: surplus };
}
