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

/** Longer names are no tensor's, and patterns over them take their time. */
const LONGEST_NAME = 300;

/**
 * What PyTorch and its wrappers put between the parts of a name: DDP, FSDP, compiled and checkpointed modules, TransformerLens's
 * bridge.
 */
const INSERTED = /^(?:module|origmod|originalcomponent|fsdpwrappedmodule|checkpointwrappedmodule|forwardmodule|~|)$/;
/** What stands before a model's own names. */
const WRAPPERS =
  /^(?:[a-z]*model|net|network|[a-z]*transformer|gpt|lm|backbone|statedict|params|encoder|decoder|(?:transformer|encoder|decoder|residual|res)?(?:blocks?|layers?)|h)\.(?!(?:weights?|bias|kernel|embeddings?|[wb])$)/;
const BLOCK = /^(?:(?:transformer|encoder|decoder|attention|residual|resid|res)?(?:1d)?(?:blocks?|layers?)|h)\.?(\d+)\./;

const ATTENTION =
  "(?:(?:[a-z]*(?:attention|attn)(?:layer|block)?\\d*|att|mha|msa|sa)\\.?(?:(?:self|fn|attn|attention|mha|multihead(?:attn|attention)?)\\.)?)";
const MLP =
  "(?:(?:mlp|mlpblock|feedforward|ffwd|ffn|ff|feedforwardblock|mlplayer)\\d*\\.?(?:(?:net|layers?|seq|sequential|main|mlp|ffn|block|blocks)\\.?)?)";

const either = (...patterns: readonly string[]) => new RegExp(`^(?:${patterns.join("|")})$`);
const projection = (letter: string, word: string) =>
  either(
    `${ATTENTION}?(?:w${letter}|${letter}w|${letter}proj|proj${letter}|to${letter}|${word}s?|${word}proj|${word}projection|${letter}linear|linear${letter}|${word}dense|${letter})`,
  );

/** Stems of weights: names in lower case, without underscores, wrappers, `blocks.0.` and `.weight`. */
const WEIGHTS: readonly (readonly [Role, RegExp])[] = [
  [
    "embed.W_E",
    either(
      "(?:embed\\.)?we",
      "(?:embed|embeds|embedding|embeddings|embedder)\\.(?:tok|token|tokens|word|(?:word|tok|token)emb(?:ed|eds|eddings?)?)",
      "(?:tok|token|tokens|input|word|vocab|x|digit|number)?(?:embed|embeds|emb|embs|embedding|embeddings|embedder)(?:table)?",
      "embed(?:tok|token|tokens|word|words|x)|tok|token|tokens|wte|encoder",
    ),
  ],
  [
    "pos_embed.W_pos",
    either(
      "(?:posembed\\.)?wpos",
      "(?:embed|embeds|embedding|embeddings|embedder)\\.(?:pos|position|positions|positional|(?:pos|position|positional)emb(?:ed|eds|eddings?)?)",
      "(?:learned)?(?:pos|position|positions|positional)(?:embed|embeds|emb|embs|embedding|embeddings|encoding|encodings|encoder|enc|embedder)?(?:table)?(?:\\.pe)?",
      "wpe|pe|embedpos|embpos|embedpositions?",
    ),
  ],
  ["blocks.0.attn.W_Q", projection("q", "query")],
  ["blocks.0.attn.W_K", projection("k", "key")],
  ["blocks.0.attn.W_V", projection("v", "value")],
  ["blocks.0.attn.W_QKV", either(`${ATTENTION}?(?:qkv|wqkv|cattn|toqkv|qkvproj|inproj|projqkv|querykeyvalue)`)],
  [
    "blocks.0.attn.W_O",
    either(
      `${ATTENTION}(?:wo|wout|o|oproj|outproj|proj|cproj|toout(?:\\.0)?|output(?:\\.dense)?|attentionoutput|outputdense|out|outlinear|linearout|outputproj|outputprojection|projection|final|linear|dense)`,
      "wo|oproj|toout(?:\\.0)?|projo",
    ),
  ],
  [
    "blocks.0.mlp.W_in",
    either(
      `${MLP}(?:win|in|fcin|cfc|up|upproj|hidden|inproj|projin|input|inputproj|denseh4h|wi|first|linearin|densein)`,
      "win|fcin|cfc|intermediate\\.dense|wi|mlpin|upproj",
    ),
  ],
  [
    "blocks.0.mlp.W_out",
    either(
      `${MLP}(?:wout|out|fcout|cproj|down|downproj|outproj|proj|projout|output|outputproj|dense4hh|wo|second|linearout|denseout)`,
      "wout|mlpout|downproj",
    ),
  ],
  [
    "unembed.W_U",
    either(
      "(?:unembed\\.)?wu",
      "unembed|unembeds|unembedding|unbed|unbeds|deembed|lmhead|head|[a-z]*head|out|output|outputs|outputlayer|outputproj|outputprojection|outproj|outlinear",
      "fcout|fc|tologits|logits|decoder|classifier|readout|linear|dense|finallinear|final|finallayer|project|projout|wout",
    ),
  ],
];

/** Biases under TransformerLens's kind of names. */
const RAW_BIASES: readonly (readonly [Role, RegExp])[] = [
  ["blocks.0.attn.b_Q", either(`${ATTENTION}?bq`)],
  ["blocks.0.attn.b_K", either(`${ATTENTION}?bk`)],
  ["blocks.0.attn.b_V", either(`${ATTENTION}?bv`)],
  ["blocks.0.attn.b_O", either(`${ATTENTION}?bo`)],
  ["blocks.0.mlp.b_in", either(`${MLP}?bin`)],
  ["blocks.0.mlp.b_out", either(`${MLP}?bout`)],
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
  if (name.length > LONGEST_NAME) return { stem: "" };
  // Flax and orbax write paths with slashes, JAX's keystr writes `['params']['Dense_0']['kernel']`.
  const parts = name
    .toLowerCase()
    .replaceAll(/\[["']?|["']?\]/g, ".")
    .replaceAll("/", ".")
    .replaceAll("_", "")
    .replace(/:0$/, "")
    .split(".");
  // TensorFlow's checkpoints say so of every variable.
  if (parts.at(-1) === "variablevalue" && parts.at(-2) === "attributes") parts.splice(-3);
  // Flax's nnx keeps each parameter as the value of a variable.
  if (/^(?:raw)?value$/.test(parts.at(-1) ?? "") && /^(?:kernel|bias|embedding)$/.test(parts.at(-2) ?? "")) parts.pop();
  let stem = parts.filter((part) => !INSERTED.test(part)).join(".");
  let block: number | undefined;
  for (;;) {
    const [found, number] = BLOCK.exec(stem) ?? [];
    // The numbers of a sequential MLP are not those of blocks.
    if (found !== undefined && !/^(?:weights?|bias|kernel|[wb])$/.test(stem.slice(found.length))) {
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
  // A pruned weight's mask computes: the weight is what it leaves.
  if (/(?:weight|bias|kernel)_mask$/i.test(name)) return false;
  return /(?:^|[._/])(?:mask|ignore|masked_bias|causal_mask|attn_mask|attention_mask|causal|tril|triu|position_ids|pos_ids|num_batches_tracked|n_averaged|_float_tensor|version)$/i.test(
    name,
  );
}

/** Whether a tensor lies in an optimizer's state, whose moments have the weights' names and shapes. */
export function isOptimizerState(name: string): boolean {
  return name
    .split(/[./]|\[["']?|["']?\]/)
    .some((part) => /^(?:opt|optim|optimi[sz]ers?)(?:_?(?:states?|slot))?(?:_?dict)?$/i.test(part));
}

/** Whether a name is that of what is noted down while training: losses, accuracies, epochs, the split. */
export function isRecord(name: string): boolean {
  const last = name.toLowerCase().split(/[./]/).at(-1) ?? "";
  // SciPy gives MATLAB's variables with a header, a version and globals beside them.
  if (/^__(?:header|version|globals)__$/.test(name)) return true;
  return /^(?:(?:train|training|test|val|valid|validation|eval|full|all)_?)?(?:loss|losses|acc|accs|accuracy|accuracies|epochs?|steps?|iters?|iterations?|checkpoint_epochs|indices|idx|idxs|inds|split|history|metrics?|times?|seed|lrs?|learning_rates?)$/.test(
    last,
  );
}

/** Whether a name is that of a layer norm's or a gate's weight: what has one computes something else without it. */
export function isNormOrGate(name: string): boolean {
  if (name.length > LONGEST_NAME) return false;
  const parts = name.toLowerCase().replaceAll("_", "").split(/[./]/);
  return parts.some((part) =>
    /^ln(?:\d|f|out|pre|post|attn|mlp|final)?$|norm\d?f?$|^layernorm\d*$|^rmsnorm\d*$|^(?:bn|rms)\d?$|^w?gate/.test(part),
  );
}

/** Whether a name is of attention at all, whatever part of it. */
export function isAttention(name: string): boolean {
  if (name.length > LONGEST_NAME) return false;
  const role = roleNamed(name)?.role;
  return role?.startsWith("blocks.0.attn.") === true || /att(?:n|ention)|mha|qkv/i.test(name);
}

const ENDING = /^(.+?)\.?(weights?|kernel|embeddings?|bias|w|b)$/;

function styleOf(ending: string): Style {
  if (ending === "") return "raw";
  return /^(?:kernel|embeddings?|w)$/.test(ending) ? "kernel" : "weight";
}

/** The ways to take a stem apart: an ending may belong to the stem itself, as in `pos_embedding`. */
function endings(stem: string): (readonly [string, string])[] {
  const [, body, ending] = ENDING.exec(stem) ?? [];
  return body === undefined || ending === undefined
    ? [[stem, ""]]
    : [
        [stem, ""],
        [body, ending],
      ];
}

/** What a tensor is, by its name; undefined for a name that says nothing. */
export function roleNamed(name: string): Named | undefined {
  const { stem, block } = plain(name);
  const raw = RAW_BIASES.find(([, pattern]) => pattern.test(stem));
  if (raw) return { role: raw[0], style: "raw" };
  for (const [candidate, suffix] of endings(stem)) {
    const role = WEIGHTS.find(
      ([known, pattern]) => pattern.test(candidate) && !(known === "unembed.W_U" && block !== undefined),
    )?.[0];
    if (role === undefined) continue;
    if (suffix === "bias" || suffix === "b") {
      const bias = BIAS_OF[role];
      return bias === undefined ? undefined : { role: bias, style: "weight" };
    }
    return { role, style: styleOf(suffix) };
  }
  return undefined;
}

/** The bias that belongs to a weight. */
export function biasOf(role: Role): Role | undefined {
  return BIAS_OF[role];
}

/** A tensor known by its number among others of its kind: `Dense_0`, `fc1`, `mlp.2`. */
export interface Numbered {
  readonly family: string;
  /** 0 where there is none, as Haiku names the first. */
  readonly number: number;
  readonly numbered: boolean;
  readonly bias: boolean;
  readonly style: Style;
}

const MLP_FAMILY = new RegExp(`^(${MLP})(dense|linear|lin|layers?|fc|w|l|c|conv|h)?\\.?(\\d*)$`);
const PLAIN_FAMILY = /^()(dense|linear|lin|fc|w|embed|embedding)(\d*)$/;

/** What a name says where only a number tells it from its neighbours. */
export function numberedOf(name: string): Numbered | undefined {
  const { stem, block } = plain(name);
  for (const [candidate, ending] of endings(stem).reverse()) {
    const bare = /^(.*?)b(\d+)$/.exec(candidate);
    // `b1` beside `w1`.
    const spelt = bare && ending === "" ? `${bare[1]}w${bare[2]}` : candidate;
    const found = MLP_FAMILY.exec(spelt) ?? PLAIN_FAMILY.exec(spelt);
    if (!found) continue;
    const [, home = "", kind = "", own = ""] = found;
    // `mlp1` and `mlp2` are numbered themselves, `MlpBlock_0/Dense_0` is not numbered by its block.
    const digits = own === "" && kind === "" ? (/(\d+)\.?$/.exec(home)?.[1] ?? "") : own;
    if (home !== "" && kind === "" && digits === "") continue;
    return {
      family: `${block ?? ""}|${home === "" ? "" : "mlp"}|${kind}`,
      number: digits === "" ? 0 : Number(digits),
      numbered: digits !== "",
      bias: spelt !== candidate || ending === "bias" || ending === "b",
      style: styleOf(spelt === candidate ? ending : ""),
    };
  }
  return undefined;
}
