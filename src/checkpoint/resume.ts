import { createHash } from "node:crypto";
import { ensure, type Json, type NdArray } from "../core/index.ts";
import {
  type CurriculumState,
  PARAMETER_NAMES,
  type PerParameter,
  parameterShapes,
  perParameter,
  type TrainingState,
} from "../model/index.ts";
import { bytesOf } from "./bytes.ts";
import { configText, parseRunConfig } from "./config.ts";
import { readFileBytes, writeFileAtomic } from "./files.ts";
import { decodeSafetensors, encodeSafetensors } from "./formats/safetensors.ts";
import { isObject, parseJson } from "./formats/strict-json.ts";
import { type RunDirectory, runFiles, runMetadata } from "./run-directory.ts";

/** A state as a file holds it. */
type StoredState = TrainingState<Json>;

const GROUPS = ["parameters", "m", "v", "ema", "average"] as const;

/** What changes with any bit of the tensors: the SHA-256 of names and little-endian bytes, in order of the names. */
function digestOf(tensors: ReadonlyMap<string, NdArray>): string {
  const hash = createHash("sha256");
  for (const [name, array] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(name).update(bytesOf(array, name));
  return hash.digest("hex");
}

/** Writes `resume.safetensors`, tensors named `m/embed.W_E` and so on, atomically over the one before. */
export function writeResume(run: RunDirectory, state: StoredState, metadata: Readonly<Record<string, string>> = {}): void {
  const tensors = new Map<string, NdArray>();
  for (const group of GROUPS) {
    const values = state[group];
    if (values) for (const name of PARAMETER_NAMES) tensors.set(`${group}/${name}`, values[name]);
  }
  const { window, curriculum } = state;
  writeFileAtomic(
    runFiles.resume(run),
    encodeSafetensors(tensors, {
      ...metadata,
      ...runMetadata(run.header, state.epoch),
      ...(window === undefined ? {} : { window: JSON.stringify(window) }),
      ...(curriculum === undefined ? {} : { curriculum: JSON.stringify(curriculum) }),
      digest: digestOf(tensors),
    }),
  );
}

function parseCurriculum(text: string, where: string): CurriculumState {
  const value = parseJson(text, where);
  const numbers = (list: unknown) => Array.isArray(list) && list.every((entry) => typeof entry === "number");
  ensure(
    isObject(value) && numbers(value.entered) && (value.losses === undefined || numbers(value.losses)),
    "input",
    () => `${where}: must hold the epochs at which tasks came in, got ${text.slice(0, 100)}`,
  );
  return value as unknown as CurriculumState;
}

/**
 * Reads `resume.safetensors` and checks that it belongs to this run: the same split, and the same config but for `epochs`.
 *
 * @throws kind `io` where there is none, kind `input` where it is not whole or another run's.
 */
export function readResume(run: RunDirectory): {
  readonly state: StoredState;
  readonly metadata: Readonly<Record<string, string>>;
} {
  const path = runFiles.resume(run);
  const { tensors, metadata } = decodeSafetensors(readFileBytes(path), path);
  const { config: text, epoch, split_hash } = metadata;
  ensure(text !== undefined && /^\d{1,15}$/.test(epoch ?? ""), "input", () => `${path}: metadata must hold config and epoch`);
  const config = parseRunConfig(parseJson(text, `${path}: metadata config`), path);
  const own = run.header.config;
  ensure(
    configText({ ...config, epochs: own.epochs }) === configText(own) && split_hash === run.header.split_hash,
    "input",
    () => `${path}: must belong to this run, its config or split differs from config.json`,
  );
  // States written before there were digests have none.
  ensure(
    metadata.digest === undefined || metadata.digest === digestOf(tensors),
    "input",
    () => `${path}: its tensors must have the digest that was written with them, and do not: the file is damaged`,
  );
  const shapes = parameterShapes(config);
  const expected = new Set(GROUPS.flatMap((group) => PARAMETER_NAMES.map((name) => `${group}/${name}`)));
  const surplus = [...tensors.keys()].filter((name) => !expected.has(name));
  ensure(surplus.length === 0, "input", () => `${path}: must hold the state alone, has ${JSON.stringify(surplus).slice(0, 200)}`);
  const group = (prefix: (typeof GROUPS)[number]): PerParameter<NdArray> =>
    perParameter((name) => {
      const array = tensors.get(`${prefix}/${name}`);
      const shape = shapes[name];
      ensure(array, "input", () => `${path}: must hold ${prefix}/${name}, and does not`);
      ensure(
        array.shape.join() === shape.join() && array.dtype !== "int32",
        "input",
        () =>
          `${path}: ${prefix}/${name} must be floats of shape [${shape.join(", ")}], got ${array.dtype} [${array.shape.join(", ")}]`,
      );
      return array;
    });
  const has = (prefix: string) => [...tensors.keys()].some((name) => name.startsWith(`${prefix}/`));
  const state: StoredState = {
    epoch: Number(epoch),
    parameters: group("parameters"),
    m: group("m"),
    v: group("v"),
    ...(has("ema") ? { ema: group("ema") } : {}),
    ...(has("average") ? { average: group("average") } : {}),
    ...(metadata.window === undefined ? {} : { window: parseJson(metadata.window, `${path}: metadata window`) as Json }),
    ...(metadata.curriculum === undefined
      ? {}
      : { curriculum: parseCurriculum(metadata.curriculum, `${path}: metadata curriculum`) }),
  };
  return { state, metadata };
}
