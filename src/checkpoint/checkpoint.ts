import { ensure, type NdArray } from "../core/index.ts";
import { BIAS_NAMES, type BiasName, type Parameters } from "../model/index.ts";
import { sha256 } from "./bytes.ts";
import { checkParameters } from "./check-parameters.ts";
import { parseStoredConfig, type StoredConfig } from "./config.ts";
import { readFileBytes } from "./files.ts";
import { decodeSafetensors } from "./formats/safetensors.ts";
import { parseJson } from "./formats/strict-json.ts";
import { type ImportRecord, parseRecord } from "./import/record.ts";

/** A model file. */
export interface Checkpoint {
  readonly path: string;
  /** Of the file's bytes, hexadecimal. */
  readonly sha256: string;
  readonly config: StoredConfig;
  readonly parameters: Parameters;
  /** The biases among the parameters: none in this project's own models. */
  readonly biases: readonly BiasName[];
  /** Completed epochs, where the file says so. */
  readonly epoch?: number;
  /** How it was read, for a model from elsewhere, whether read now or imported before. */
  readonly reading?: ImportRecord;
  /** As stored. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The model that already decoded tensors and metadata describe; see {@link readCheckpoint}. */
export function checkpointFrom(
  path: string,
  digest: string,
  tensors: ReadonlyMap<string, NdArray>,
  metadata: Readonly<Record<string, string>>,
): Checkpoint {
  const { config: text, epoch: epochText } = metadata;
  ensure(
    text !== undefined,
    "input",
    () => `${path}: its metadata must hold the config, and does not (files from elsewhere: miiii import)`,
  );
  const config = parseStoredConfig(parseJson(text, `${path}: metadata config`), path);
  ensure(
    epochText === undefined || /^\d{1,15}$/.test(epochText),
    "input",
    () => `${path}: metadata epoch must be a non-negative integer, got ${epochText?.slice(0, 40)}`,
  );
  const parameters = checkParameters(tensors, config, path);
  const biases = BIAS_NAMES.filter((name) => parameters[name] !== undefined);
  const epoch = epochText === undefined ? {} : { epoch: Number(epochText) };
  const reading = metadata.reading === undefined ? undefined : parseRecord(metadata.reading, path);
  return { path, sha256: digest, config, parameters, biases, ...epoch, ...(reading === undefined ? {} : { reading }), metadata };
}

/**
 * Reads a model file of this project: safetensors under TransformerLens's names, the config in its metadata.
 *
 * @throws kind `io` where it cannot be read, kind `input` where a tensor is missing, surplus, of the wrong shape or not finite.
 */
export function readCheckpoint(path: string): Checkpoint {
  const bytes = readFileBytes(path);
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  return checkpointFrom(path, sha256(bytes), tensors, metadata);
}
