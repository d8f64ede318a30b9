import { quoted } from "../../core/index.ts";
import type { Activation } from "../../model/index.ts";
import type { Statement, Statements } from "../formats/lazy.ts";
import { plainValue } from "../formats/plain-value.ts";
import { ALIENS } from "./aliens.ts";
import { meaningOf } from "./modules.ts";
import { isUnknownSetting } from "./unknown-settings.ts";

/** What a file, or the config beside it, says of the model that its tensors do not show. */
export interface Stated {
  /** Number of attention heads. */
  readonly heads?: number;
  /** The modulus p. */
  readonly modulus?: number;
  /**
   * Activations, by this project's names where it has them and else as stated; more than one where the file contradicts itself.
   */
  readonly activations: readonly string[];
  /** What attention scores are divided by, or multiplied with. */
  readonly scale?: number;
  /** Zhong et al.'s attention rate: 1 is a softmax, 0 weighs all positions alike. */
  readonly rate?: number;
  /** What the model is stated to have and this project's has not, in words, by the key that states it. */
  readonly alien: readonly { readonly key: string; readonly what: string }[];
  /** Whether the read-out is stated to be the embedding. */
  readonly tied?: boolean;
  /** Width of an attention head. */
  readonly dHead?: number;
  /** Settings of which nothing here knows whether they change what the model computes. */
  readonly unknown: readonly string[];
  /** Configs beside the file that nothing could be taken from. */
  readonly unread: readonly string[];
}

const HEADS = /^(?:n_?heads?|nheads?|num_?heads?|num_attention_heads|attention_heads|heads)$/i;
const MODULUS = /^(?:p|prime|mod|modulus|modulo)$/i;
const ACTIVATION =
  /^(?:(?:mlp|ffn?|ffw|hidden|feed_?forward)_?)?(?:act|actv|activations?|non_?lin(?:earity)?)(?:_?(?:fn|func|function|type|name|layer|cls|class|module))?$|^transfer_function$/i;
const USES = /^use_(\w+)$/i;
const TIED = /^(?:tie_word_embeddings|tied_embeddings|tie_weights|tie_embeddings|weight_tying|tied)$/i;
const SCALE = /^(?:attn|attention|softmax|qk)_(?:scale|scaling|multiplier)$/i;

const HEAD_WIDTH = /^(?:d_head|head_dim|dim_head|head_size|attention_head_size|d_k|d_kv|key_dim|kv_channels)$/i;
/** What Gemma's scores are divided by the root of. */
const SQUARED_SCALE = /^query_pre_attn_scalar$/i;

const RATE = /^(?:attn|attention)_?(?:coeff?|coefficient|rate)$/i;

/** Keys whose statements are taken for what they say. */
const KNOWN = [HEADS, MODULUS, ACTIVATION, TIED, SCALE, HEAD_WIDTH, SQUARED_SCALE, RATE];

/** Names of activations elsewhere, by this project's. */
const ALIASES: readonly (readonly [Activation, RegExp])[] = [
  ["relu", /^relu$/i],
  ["gelu", /^(?:gelu|gelu_erf|gelu_python|gelu_exact|geluactivation)$/i],
  [
    "gelu_new",
    /^(?:gelu_new|gelu_tanh|tanh_gelu|gelu_pytorch_tanh|pytorchgelutanh|gelutanh|gelu_fast|fastgeluactivation|gelu_approx(?:imate)?|new_?gelu(?:activation)?)$/i,
  ],
  ["quick_gelu", /^(?:quick_gelu|gelu_quick|quickgelu(?:activation)?)$/i],
  ["silu", /^(?:silu|swish)(?:activation)?$/i],
  ["tanh", /^tanh$/i],
  ["leaky_relu", /^leaky_?relu$/i],
  ["relu2", /^(?:relu2|relu_?squared?(?:activation)?|squared_?relu)$/i],
  ["square", /^(?:square|quadratic|x2|pow2)$/i],
];

/**
 * An activation by this project's name, where it computes it; names as PyTorch, Hugging Face, TransformerLens and JAX give them.
 */
export function knownActivation(name: string): Activation | undefined {
  return ALIASES.find(([, pattern]) => pattern.test(name))?.[0];
}

/** Modules of Python in which a name says what is computed; a function or class of the user's own may compute any variant. */
const PUBLIC = /^(?:torch(?:\.|$)|nn\.|F\.|jnp\.|jax(?:\.|$)|flax(?:\.|$)|transformers\.activations\.)/;

/** An activation as stated, by this project's name where it has one. */
function activationStated(said: string): string {
  // As Python prints classes and functions.
  const value = said
    .replace(/^<class '([^']*)'>$/, "$1")
    .replace(/^<(?:built-in )?(?:function|method) (\w+)\b.*>$/s, "$1")
    .replace(/\((?:approximate=["']?none["']?|negative_slope=0\.01|inplace=(?:True|False))\)$/, "()");
  const [path = "", options = ""] = /^([^(]*)(.*)$/s.exec(value)?.slice(1) ?? [];
  const name = path.replace(/^.*\./, "");
  const own = path.includes(".") && !PUBLIC.test(path);
  if (own) return value;
  if (/^gelu$/i.test(name) && /^\(approximate=["']?(?:tanh|true)["']?\)$/i.test(options)) return "gelu_new";
  return options === "" || options === "()" ? (knownActivation(name) ?? name) : `${name}${options}`;
}

/** The one value that all statements of a key agree on. */
function agreed<T>(values: readonly T[]): T | undefined {
  const [first, ...others] = new Set(values);
  return others.length === 0 ? first : undefined;
}

/** Of a path such as `model.act` its last part. */
const lastPart = (key: string) => key.split(/[./]/).at(-1) ?? "";

const LAYERS = /^(?:n_layers?|num_layers|num_hidden_layers|nlayers?|depth|n_blocks|num_blocks)$/i;

/** Metadata, W&B and command lines keep numbers and truth values as texts. */
function normalised(statement: Statement): Statement {
  const { value, module, nameless } = statement;
  // "none" may be the name of a kind, such as that of no attention; Python prints its None with a capital.
  if (typeof value !== "string" || module || nameless || value === "none") return statement;
  return { ...statement, value: plainValue(value) };
}

/** `useLayerNorm` as `use_layer_norm`, `--use-rope` as `use_rope`. */
const snake = (key: string) => key.replaceAll(/([a-z\d])([A-Z][a-z])/g, "$1_$2").replaceAll("-", "_");

function alienOf({ key, value, module, nameless }: Statement): { readonly key: string; readonly what: string }[] {
  if (nameless) return [];
  if (module) {
    const meaning = meaningOf({ key, value });
    return meaning.kind === "alien" ? [{ key: key === "" ? String(value) : key, what: meaning.what }] : [];
  }
  const last = snake(lastPart(key));
  if (LAYERS.test(last) && typeof value === "number" && value > 1) return [{ key, what: `its config states ${value} layers` }];
  return ALIENS.flatMap(([pattern, is, what]) =>
    pattern.test(last) && is(value)
      ? [{ key, what: `its config states ${typeof value === "boolean" ? what : `${what} (${quoted(String(value))})`}` }]
      : [],
  );
}

/** What statements come to; of a key that is stated twice and differently nothing is taken. */
export function statedBy(said: Statements): Stated {
  const unread = [...new Set(said.flatMap(({ unread: is, value }) => (is === true ? [String(value)] : [])))];
  const beside = said.filter(({ tensor }) => tensor === true);
  const statements = said.filter(({ unread: is, tensor }) => is !== true && tensor !== true).map(normalised);
  const plain = statements.filter(({ module, nameless }) => module !== true && nameless !== true);
  const of = (pattern: RegExp) => plain.filter(({ key }) => pattern.test(snake(lastPart(key)))).map(({ value }) => value);
  const positive = (pattern: RegExp, most: number) =>
    agreed(
      of(pattern)
        .map(Number)
        .filter((value) => Number.isSafeInteger(value) && value >= 1 && value <= most),
    );
  const heads = positive(HEADS, 4096);
  const dHead = positive(HEAD_WIDTH, 65_536);
  const modulus = agreed(
    of(MODULUS)
      .map(Number)
      .filter((value) => Number.isSafeInteger(value) && value >= 5 && value <= 251),
  );
  const modules = statements.flatMap((statement) => {
    const meaning = statement.module ? meaningOf(statement) : undefined;
    return meaning?.kind === "activation" ? [meaning.name] : [];
  });
  const named = of(ACTIVATION).filter((value) => typeof value === "string" && value !== "");
  const used = plain.flatMap(({ key, value }) => {
    const [, name = ""] = value === true ? (USES.exec(lastPart(key)) ?? []) : [];
    return knownActivation(name) ?? [];
  });
  // A named tuple's fields have no names in the file: those that can be nothing else are taken.
  const fields = statements.flatMap(({ nameless, value }) => (nameless ? (knownActivation(String(value)) ?? []) : []));
  const activations = [...new Set([...named, ...used, ...fields, ...modules].map((value) => activationStated(String(value))))];
  const squared = of(SQUARED_SCALE).map((value) => Math.sqrt(Number(value)));
  const scale = agreed([...of(SCALE), ...squared].filter((value) => typeof value === "number" && value > 0));
  const tied = agreed(of(TIED));
  const rate = agreed(of(RATE).filter((value) => typeof value === "number" && value >= 0 && value <= 1));
  return {
    ...(heads === undefined ? {} : { heads }),
    ...(modulus === undefined ? {} : { modulus }),
    activations,
    ...(typeof scale === "number" ? { scale } : {}),
    ...(typeof rate === "number" ? { rate } : {}),
    ...(typeof tied === "boolean" ? { tied } : {}),
    ...(dHead === undefined ? {} : { dHead }),
    unread,
    unknown: [
      ...new Set(
        [...plain, ...beside].flatMap(({ key, value }) =>
          isUnknownSetting(snake(lastPart(key)), value, KNOWN) ? [lastPart(key)] : [],
        ),
      ),
    ],
    alien: statements.flatMap(alienOf),
  };
}
