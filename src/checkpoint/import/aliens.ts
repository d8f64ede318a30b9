import type { Statement } from "../formats/lazy.ts";

type Value = Statement["value"];

const isOff = (value: Value) =>
  value === null ||
  value === false ||
  value === 0 ||
  (typeof value === "string" && /^(?:none|no|false|off|identity|)$/i.test(value));
const isOn = (value: Value) => value === true || (typeof value === "number" && value > 0);
const matches = (pattern: RegExp) => (value: Value) => typeof value === "string" && pattern.test(value);

/** What a config may state that the model here has not: by key, the values that do, in words. */
export const ALIENS: readonly (readonly [key: RegExp, is: (value: Value) => boolean, what: string])[] = [
  [
    /^(?:normalization|normalization_type|(?:(?:use|apply|has|with|enable|add|include)_)?(?:pre_?|post_?|final_?|embed(?:ding)?_?|block_?)?(?:ln|norms?|layer_?norms?|rms_?norms?|rms)(?:_(?:type|kind|layer|class|position|style))?|norm_first)$/i,
    (value) => !isOff(value) && typeof value !== "number",
    "layer norms",
  ],
  [/^normali[sz]e_(?:emb|qk|attn|weights|output|logits)\w*$/i, (value) => value === true, "normalisation"],
  [
    /^(?:logits?|out(?:put)?|input|resid(?:ual)?|emb(?:ed(?:ding)?s?)?|attn_out|mlp|mup)_?(?:scale|scaling|mult(?:iplier)?)$|^(?:softmax|attn|attention)_temp(?:erature)?$/i,
    (value) => value === true || (typeof value === "number" && value !== 1),
    "a scale",
  ],
  [/^scale_(?:emb\w*|by_sqrt\w*|logits|output|resid\w*)$/i, (value) => value === true, "a scale"],
  [
    /^(?:n|num)_?(?:loops?|recurrences?|recurrent_steps|unrolls?)$/i,
    (value) => typeof value === "number" && value > 1,
    "a block that is applied more than once",
  ],
  [
    /^(?:sliding|attention|attn|local)_window(?:_size)?$|^window_size$/i,
    (value) => value === 1 || value === 2,
    "attention over fewer positions than three",
  ],
  [/^(?:attn|attention)_only$/i, (value) => value === true, "attention without an MLP"],
  [/^(?:mlp|ffn?|feed_?forward)_?(?:type|kind)$/i, matches(/glu|gated/i), "a gated MLP"],
  [/^(?:linear|sigmoid|cosine|relu)_att(?:n|ention)$/i, (value) => value === true, "attention without a softmax"],
  [/^(?:use_)?qk_?(?:layer_?|rms_?)?norm$/i, (value) => !isOff(value) && typeof value !== "number", "norms of query and key"],
  [/^use_attn_scale$|^scale_attn_weights$/i, (value) => value === false, "attention scores without a scale"],
  [/^no_(?:attn_)?scale$|^unscaled_att(?:n|ention)$/i, (value) => value === true, "attention scores without a scale"],
  [/^(?:\w+_)?soft_?cap(?:ping)?$/i, (value) => typeof value === "number" && value > 0, "a soft cap"],
  [/^(?:clip|clamp)_logits$|^logits?_(?:clip|clamp)(?:ping)?$/i, isOn, "clipped logits"],
  [/^(?:use_)?(?:re_?zero|layer_?scale)(?:_init)?(?:_value)?$/i, isOn, "a scale"],
  [/^(?:uniform|fixed|constant|average|no)_att(?:n|ention)$/i, (value) => value === true, "attention that is fixed, or none"],
  [/^use_att(?:n|ention)$/i, (value) => value === false, "no attention"],
  [/^use_(?:mlp|ffn?|feed_?forward)$/i, (value) => value === false, "no MLP"],
  [/^no_(?:mlp|ffn?|feed_?forward)$/i, (value) => value === true, "no MLP"],
  [/^use_pos(?:ition(?:al|s)?)?(?:_?(?:emb(?:ed(?:ding)?)?s?|enc(?:oding)?s?))?$/i, (value) => value === false, "no positions"],
  [/^no_pos(?:ition(?:al|s)?)?(?:_?(?:emb(?:ed(?:ding)?)?s?|enc(?:oding)?s?))?$/i, (value) => value === true, "no positions"],
  [
    /^(?:use_)?(?:softmax_?(?:1|one|off_by_one)|quiet_?softmax|(?:attn|attention)_sinks?)$/i,
    isOn,
    "attention with another softmax",
  ],
  [
    /^(?:(?:attn|attention)_?)?softmax(?:_?(?:type|kind|fn|func|variant))?$/i,
    matches(/softmax[-_]?(?:1|one|plus|off)|off.by.one|quiet|entmax|sparsemax/i),
    "attention with another softmax",
  ],
  // The tables of OPT and BART begin with rows for padding.
  [
    /^model_type$/i,
    matches(/^(?:opt|m?bart|(?:xlm-)?roberta(?:-xl)?|camembert|xglm|m2m_100)$/i),
    "positions from the third row on",
  ],
  [/^(?:n|num)_(?:local_)?experts$/i, (value) => typeof value === "number" && value > 1, "a mixture of experts"],
  [/^(?:use_|is_)?moe$/i, (value) => value === true, "a mixture of experts"],
  [
    /^(?:pe|pos(?:ition(?:al|s)?)?)(?:_?(?:emb(?:ed(?:ding)?)?s?|enc(?:oding)?s?))?(?:_?(?:type|kind))?$/i,
    matches(/rot|rope|alibi|shortformer|relative|t5/i),
    "other positions than learned ones that are added",
  ],
  [
    /^(?:use_)?(?:rotary|rope|rotary_emb(?:eddings?)?|alibi|shortformer(?:_pos)?)$/i,
    (value) => value === true,
    "other positions than learned ones that are added",
  ],
  [
    /^(?:use_)?parallel_(?:attn_mlp|residual|blocks?|attention)$|^parallel_attn$/i,
    (value) => value === true,
    "attention and MLP in parallel",
  ],
  [/^(?:use_)?(?:gated_mlp|glu|swiglu|geglu)$/i, (value) => value === true, "a gated MLP"],
  [
    /^(?:use_)?(?:residual|skip)(?:_connections?|s)?$/i,
    (value) => value === false || matches(/^(?:none|no|off)$/i)(value),
    "no residual connections",
  ],
  [
    /^(?:attention|attn)(?:_?(?:type|kind|fn|func|function|activation))?$/i,
    matches(/linear|sigmoid|performer|uniform|hard|cosine|^relu$/i),
    "attention without a softmax",
  ],
  [
    /^(?:use_)?softmax$|^attention_softmax$/i,
    (value) => value === false || matches(/^(?:none|no|linear)$/i)(value),
    "attention without a softmax",
  ],
  [
    /^(?:pool(?:ing)?|read_?out|aggr(?:egat(?:ion|e))?)(?:_(?:type|kind|mode|method|fn))?$/i,
    matches(/^(?:global_?)?(?:mean|avg|average|sum|max|first|cls)(?:_?pool(?:ing|ed)?)?$/i),
    "a read-out of pooled positions",
  ],
  [
    /^(?:output|out|answer|read_?out)_pos(?:ition)?$/i,
    (value) => value === 0 || matches(/^(?:first|0)$/i)(value),
    "a read-out at the first position",
  ],
];
