import { quoted } from "../../core/index.ts";
import type { Activation } from "../../model/index.ts";
import type { Statements } from "../formats/lazy.ts";
import { isObject } from "../formats/strict-json.ts";

/** What a file, or the config beside it, says of the model that its tensors do not show. */
export interface Stated {
  /** Number of attention heads. */
  readonly heads?: number;
  /** Activation, by this project's name where it has one and else as stated. */
  readonly activation?: string;
  /** What the model is stated to have and this project's has not, in words, by the key that states it. */
  readonly alien: readonly { readonly key: string; readonly what: string }[];
  /** Whether the read-out is stated to be the embedding. */
  readonly tied?: boolean;
}

const HEADS = /^(?:n_?heads?|nheads?|num_?heads?|num_attention_heads|attention_heads|heads)$/i;
const ACTIVATION = /^(?:act_fn|activation|act|act_type|activation_function|activation_fn|hidden_act|nonlinearity|mlp_act)$/i;
const NORM = /^(?:normalization_type|normalization|norm_type|use_ln|use_layer_?norm|layer_?norm|use_norm)$/i;
const LAYERS = /^(?:n_layers?|num_layers|num_hidden_layers|nlayers?|depth|n_blocks|num_blocks)$/i;
const TIED = /^(?:tie_word_embeddings|tied_embeddings|tie_weights|tie_embeddings|weight_tying|tied)$/i;
const SCALE = /^use_attn_scale$/i;

/** Names of activations elsewhere, by this project's. */
const ALIASES: readonly (readonly [Activation, RegExp])[] = [
  ["relu", /^relu$/i],
  ["gelu", /^(?:gelu|gelu_erf|gelu_python|gelu_exact)$/i],
  ["gelu_new", /^(?:gelu_new|gelu_tanh|tanh_gelu|gelu_pytorch_tanh|gelu_fast|gelu_approx(?:imate)?|new_?gelu(?:activation)?)$/i],
  ["quick_gelu", /^(?:quick_gelu|gelu_quick|quickgelu)$/i],
  ["silu", /^(?:silu|swish)$/i],
  ["tanh", /^tanh$/i],
  ["leaky_relu", /^leaky_?relu$/i],
  ["relu2", /^(?:relu2|relu_?squared?|squared_?relu)$/i],
  ["square", /^(?:square|quadratic|x2|pow2)$/i],
];

/** An activation by this project's name, where it computes it; names as PyTorch, Hugging Face, TransformerLens and JAX give them. */
export function knownActivation(name: string): Activation | undefined {
  return ALIASES.find(([, pattern]) => pattern.test(name))?.[0];
}

/** The one value that all statements of a key agree on. */
function agreed<T>(values: readonly T[]): T | undefined {
  const [first, ...others] = new Set(values);
  return others.length === 0 ? first : undefined;
}

/** What statements come to; of a key that is stated twice and differently nothing is taken. */
export function statedBy(statements: Statements): Stated {
  const matching = (pattern: RegExp) => statements.filter(({ key }) => pattern.test(key));
  const of = (pattern: RegExp) => matching(pattern).map(({ value }) => value);
  const heads = agreed(
    of(HEADS)
      .map(Number)
      .filter((value) => Number.isSafeInteger(value) && value >= 1 && value <= 4096),
  );
  const act = agreed(
    of(ACTIVATION)
      .filter((value) => typeof value === "string")
      .map((value) => value.replace(/^.*\./, "").replace(/\(\)$/, "")),
  );
  const activation = act === undefined ? undefined : (knownActivation(act) ?? act);
  const aliens = (pattern: RegExp, is: (value: unknown) => string | undefined) =>
    matching(pattern).flatMap(({ key, value }) => {
      const what = is(value);
      return what === undefined ? [] : [{ key, what }];
    });
  const alien = [
    ...aliens(NORM, (value) => {
      if (value === true) return "layer norms";
      const none = typeof value !== "string" || value === "" || /^(?:none|no|false|identity)$/i.test(value);
      return none ? undefined : `layer norms (${quoted(value)})`;
    }),
    ...aliens(LAYERS, (value) => (typeof value === "number" && value > 1 ? `${value} layers` : undefined)),
    ...aliens(SCALE, (value) => (value === false ? "attention scores without a scale" : undefined)),
  ];
  const tied = agreed(of(TIED));
  return {
    ...(heads === undefined ? {} : { heads }),
    ...(activation === undefined ? {} : { activation }),
    ...(typeof tied === "boolean" ? { tied } : {}),
    alien,
  };
}

/** How deep plain values are looked for in a config. */
const DEEPEST = 3;

/** The plain values of a JSON object, those of objects inside it as well. */
export function statementsOf(value: unknown): Statements {
  const found: { key: string; value: string | number | boolean | null }[] = [];
  let level = [value];
  for (let depth = 0; depth <= DEEPEST; depth++) {
    const next: unknown[] = [];
    for (const object of level) {
      if (!isObject(object)) continue;
      for (const [key, entry] of Object.entries(object)) {
        if (entry === null || typeof entry === "string" || typeof entry === "number" || typeof entry === "boolean")
          found.push({ key, value: entry });
        else next.push(entry);
      }
    }
    level = next;
  }
  return found;
}
