import { BIAS_NAMES, type BiasName, PARAMETER_NAMES, type ParameterName } from "../../model/index.ts";

/** Query, key and value in one tensor, as `nn.MultiheadAttention` and GPT-2 store them. */
export const FUSED_NAMES = ["blocks.0.attn.W_QKV", "blocks.0.attn.b_QKV"] as const;

/** What a tensor is in the model. */
export type Role = ParameterName | BiasName | (typeof FUSED_NAMES)[number];

/** Every role. */
export const ROLES: readonly Role[] = [...PARAMETER_NAMES, ...BIAS_NAMES, ...FUSED_NAMES];

/**
 * How a tensor is written down, by its name: `weight`: a module's (`Wq.weight`), `kernel`: a JAX module's, `raw`: a parameter by
 * itself (`W_Q`).
 */
export type Style = "weight" | "kernel" | "raw";

/** What a name says of a tensor. */
export interface Named {
  readonly role: Role;
  readonly style: Style;
}

const WRAPPERS =
  /^(?:module|origmod|model|net|network|transformer|statedict|params|encoder|decoder|blocks?|layers?|h)\.(?!(?:weights?|bias|kernel|embedding)$)/;
const BLOCK = /^(?:(?:transformer|encoder|decoder)?(?:blocks?|layers?)|h)\.?(\d+)\./;

const ATTENTION = "(?:(?:selfattention|selfattn|attention|attn|mha|msa|multiheadattention|att|sa)\\.?)";
const MLP = "(?:(?:mlp|feedforward|ffn|ff)\\.?)";

const either = (...patterns: readonly string[]) => new RegExp(`^(?:${patterns.join("|")})$`);
const projection = (letter: string, word: string) =>
  either(
    `${ATTENTION}?(?:w${letter}|${letter}proj|proj${letter}|to${letter}|${word}|${word}proj|${letter}linear|linear${letter}|${letter})`,
  );

/** Stems of weights: names in lower case, without underscores, wrappers, `blocks.0.` and `.weight`. */
const WEIGHTS: readonly (readonly [Role, RegExp])[] = [
  [
    "embed.W_E",
    either(
      "(?:embed\\.)?we",
      "embed(?:dings?)?\\.(?:tok|token|tokens|word|wordembeddings?|tokenembeddings?)",
      "(?:tok|token|input|word|vocab|x)?(?:embed|embeds|emb|embedding|embeddings|embedder)",
      "tok|token|tokens|wte|encoder",
    ),
  ],
  [
    "pos_embed.W_pos",
    either(
      "(?:posembed\\.)?wpos",
      "embed(?:dings?)?\\.(?:pos|position|positionembeddings?)",
      "(?:pos|position|positions|positional)(?:embed|embeds|emb|embedding|embeddings|encoding|enc)?(?:\\.pe)?",
      "wpe|pe|embedpos|embpos",
    ),
  ],
  ["blocks.0.attn.W_Q", projection("q", "query")],
  ["blocks.0.attn.W_K", projection("k", "key")],
  ["blocks.0.attn.W_V", projection("v", "value")],
  ["blocks.0.attn.W_QKV", either(`${ATTENTION}?(?:qkv|wqkv|cattn|toqkv|qkvproj|inproj|projqkv)`)],
  [
    "blocks.0.attn.W_O",
    either(`${ATTENTION}(?:wo|wout|o|oproj|outproj|proj|cproj|toout(?:\\.0)?|output|out|outlinear|linearout)`, "wo|oproj|toout"),
  ],
  [
    "blocks.0.mlp.W_in",
    either(
      `${MLP}(?:win|in|fc1|fcin|cfc|up|upproj|linear1|lin1|dense1|layer1|l1|w1|1|0|hidden|inproj|fc)`,
      "win|fc1|fcin|linear1|lin1|w1",
    ),
  ],
  [
    "blocks.0.mlp.W_out",
    either(
      `${MLP}(?:wout|out|fc2|fcout|cproj|down|downproj|linear2|lin2|dense2|layer2|l2|w2|2|3|outproj|proj)`,
      "wout|fc2|linear2|lin2|w2",
    ),
  ],
  [
    "unembed.W_U",
    either(
      "(?:unembed\\.)?wu",
      "unembed|unembedding|lmhead|head|out|output|outputs|outputlayer|outputproj|outputprojection|outproj",
      "fcout|fc|tologits|logits|decoder|classifier|readout|linear|finallinear|final|project",
    ),
  ],
];

/** Biases under TransformerLens's kind of names. */
const RAW_BIASES: readonly (readonly [Role, RegExp])[] = [
  ["blocks.0.attn.b_Q", either(`${ATTENTION}?bq`)],
  ["blocks.0.attn.b_K", either(`${ATTENTION}?bk`)],
  ["blocks.0.attn.b_V", either(`${ATTENTION}?bv`)],
  ["blocks.0.attn.b_O", either(`${ATTENTION}?bo`)],
  ["blocks.0.mlp.b_in", either(`${MLP}?bin`, `${MLP}b1`)],
  ["blocks.0.mlp.b_out", either(`${MLP}?bout`, `${MLP}b2`)],
  ["unembed.b_U", either("(?:unembed\\.)?bu")],
];

const BIAS_OF: Readonly<Partial<Record<Role, Role>>> = {
  "blocks.0.attn.W_Q": "blocks.0.attn.b_Q",
  "blocks.0.attn.W_K": "blocks.0.attn.b_K",
  "blocks.0.attn.W_V": "blocks.0.attn.b_V",
  "blocks.0.attn.W_QKV": "blocks.0.attn.b_QKV",
  "blocks.0.attn.W_O": "blocks.0.attn.b_O",
  "blocks.0.mlp.W_in": "blocks.0.mlp.b_in",
  "blocks.0.mlp.W_out": "blocks.0.mlp.b_out",
  "unembed.W_U": "unembed.b_U",
};

/** A name as the tables above spell it, and the number of its block if it is in one. */
function plain(name: string): { readonly stem: string; readonly block?: number } {
  let stem = name.toLowerCase().replaceAll("/", ".").replaceAll("_", "");
  let block: number | undefined;
  for (;;) {
    const [found, number] = BLOCK.exec(stem) ?? [];
    if (found !== undefined) {
      block = Number(number);
      stem = stem.slice(found.length);
      continue;
    }
    const wrapper = WRAPPERS.exec(stem)?.[0];
    if (wrapper === undefined) return block === undefined ? { stem } : { stem, block };
    stem = stem.slice(wrapper.length);
  }
}

/** Which block a tensor belongs to by its name; undefined for one outside the blocks. */
export function blockOf(name: string): number | undefined {
  return plain(name).block;
}

/** Whether a name is that of a buffer that carries nothing learned: a mask, or the value put where one applies. */
export function isBuffer(name: string): boolean {
  return /(?:^|[._/])(?:mask|ignore|masked_bias|causal_mask|attn_mask|tril|position_ids|inv_freq|num_batches_tracked)$/i.test(
    name,
  );
}

/** Whether a name is that of a layer norm's or a gate's weight: what has one computes something else without it. */
export function isNormOrGate(name: string): boolean {
  const parts = name.toLowerCase().replaceAll("_", "").split(/[./]/);
  return parts.some((part) => /^ln(?:\d|f|pre|post|attn|mlp|final)?$|norm\d?f?$|^(?:bn|rms)\d?$|^w?gate/.test(part));
}

/** What a tensor is, by its name; undefined for a name that says nothing. */
export function roleOf(name: string): Named | undefined {
  const { stem, block } = plain(name);
  const raw = RAW_BIASES.find(([, pattern]) => pattern.test(stem));
  if (raw) return { role: raw[0], style: "raw" };
  const [, body = stem, ending = ""] = /^(.+?)\.?(weights?|kernel|embedding|bias)$/.exec(stem) ?? [];
  // An ending may belong to the stem itself: `pos_embedding`.
  const options: (readonly [string, string])[] = [
    [stem, ""],
    [body, ending],
  ];
  for (const [candidate, suffix] of options) {
    const role = WEIGHTS.find(
      ([known, pattern]) => pattern.test(candidate) && !(known === "unembed.W_U" && block !== undefined),
    )?.[0];
    if (role === undefined) continue;
    if (suffix === "bias") {
      const bias = BIAS_OF[role];
      return bias === undefined ? undefined : { role: bias, style: "weight" };
    }
    return { role, style: suffix === "" ? "raw" : suffix === "kernel" || suffix === "embedding" ? "kernel" : "weight" };
  }
  return undefined;
}
