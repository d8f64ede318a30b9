import type { Statement } from "../formats/lazy.ts";
import { ALIENS } from "./aliens.ts";

/** Words in the names of settings of training, data, sizes and records, which change no more than the weights. */
const HARMLESS = new Set(
  `acc accs accuracy adam adamw affine amp amsgrad arch architecture architectures args author backend backoff base batch batches best
  beta beta1 beta2 betas bf16 bias biases block bos bs buckets cache callback callbacks capturable causal checkpoint chunk ckpt class
  classes clip code commit compile completed config context cooldown count criterion ctx cuda current d damping dampening data dataset
  date debug decay decoupled description desc device dff differentiable dim dims dir distance distribution drop dropout dtype early embd
  embed embedding embeddings emb end entity eos ep epoch epochs eps epsilon eval every exp experiment features ffn file filter final float32
  float64 fn folder foreach format fp16 fp32 frac fraction framework freq frequency fused from function git global gpu gpus grad gradient
  grokfast grokked group growth hash head heads hf hidden history hook hooks host hostname hub id idx index init initial initializer
  inner inplace intermediate interval is iter iteration iterations iters job key kind label labels lamb lambda last layer layers lbfgs learning len
  length library license limit load log logger logging loss losses lr lrs maximize max memory metric metrics min mixed mlp mode model
  modulus mod momentum monitor muon n name neptune nesterov nlayers node nodes note notes nproc ntk num number op operation operator opt optim
  optimizer optimiser order out output outputs padding pad param parameters params patience path pdrop percent percentage plot port
  positions position pos precision prepend prepends pretrained prime print problem processed project prop proportion python ratio ready
  regularization relative repo resume return revision rng rotary run runid runs sam sampler samples save saved sched schedule scheduler script
  seed sequence seq server sgd shape shuffle size smoothing source sparse split started stage start std stopping subset step steps stop strategy
  summary symmetric tag tags task test thresh threshold time timestamp title token tokenizer tokens tolerance torch total train trained trainer training
  transformers type url use user val valid validation value verbose version vocab wandb warmup wd weight weights width worker workers
  world year`.split(/\s+/),
);

/** Longer keys and texts are notes rather than settings. */
const LONGEST_VALUE = 40;

const isOff = (value: Statement["value"]) =>
  value === null ||
  value === false ||
  value === 0 ||
  value === "" ||
  (typeof value === "string" && /^(?:none|no|false|off|default)$/i.test(value));

/**
 * Whether a setting is of a kind that nothing here knows: neither one that the model is read by, nor one that it is refused for,
 * nor one of its training. It may change what the model computes, so that a reader is told of it.
 *
 * @param key - the last part of its path, in snake case.
 */
export function isUnknownSetting(key: string, value: Statement["value"], known: readonly RegExp[]): boolean {
  if (isOff(value) || key.startsWith("_") || key.length > LONGEST_VALUE || !/^[a-z]/i.test(key)) return false;
  if (typeof value === "string" && (value.length > LONGEST_VALUE || /[\s/\\]/.test(value))) return false;
  if (known.some((pattern) => pattern.test(key)) || ALIENS.some(([pattern]) => pattern.test(key))) return false;
  return !key
    .toLowerCase()
    .split(/[_\d]+/)
    .some((word) => word.length <= 1 || HARMLESS.has(word));
}
