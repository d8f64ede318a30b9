import type { Statement } from "../formats/lazy.ts";

type Value = Statement["value"];

const isOff = (value: Value) =>
  value === null ||
  value === false ||
  value === 0 ||
  (typeof value === "string" && /^(?:none|no|false|off|identity|)$/i.test(value));
/** Flags are numbers where a command line or a library has no truth values. */
const isYes = (value: Value) => value === true || value === 1;
const isNo = (value: Value) => value === false || value === 0;
const isOn = (value: Value) => value === true || (typeof value === "number" && value > 0);
const isText = (pattern: RegExp) => (value: Value) => typeof value === "string" && pattern.test(value);
const above = (least: number) => (value: Value) => typeof value === "number" && value > least;
/** A factor that changes what it multiplies, or the word that there is one. */
const isFactor = (value: Value) => value === true || (typeof value === "number" && value !== 1);
const either =
  (...tests: readonly ((value: Value) => boolean)[]) =>
  (value: Value) =>
    tests.some((test) => test(value));

const POSITIONS = "pos(?:ition(?:al|s)?)?(?:_?(?:emb(?:ed(?:ding)?)?s?|enc(?:oding)?s?))?";
const SKIPS = "(?:residual|resid|skip)(?:_(?:connections?|stream))?s?";

const READ_OUT = /^(?:output|out|answer|read_?out|pred(?:iction)?)_(?:pos(?:ition)?|index|idx)$/i;

/** What a config may state that the model here has not: by key, the values that do, in words. */
export const ALIENS: readonly (readonly [key: RegExp, is: (value: Value) => boolean, what: string])[] = [
  // Norms
  [
    /^(?:use_)?qk_?(?:(?:layer_?|rms_?)?norm|ln)$/i,
    either(isYes, (value) => !isOff(value) && typeof value !== "number"),
    "norms of query and key",
  ],
  [
    /^(?:normalization|normalization_type|(?:(?:use|apply|has|with|enable|add|include)_)?(?:pre_?|post_?|final_?|embed(?:ding)?_?|block_?)?(?:ln|norms?|layer_?norms?|rms_?norms?|rms)(?:_(?:type|kind|layer|class|position|style))?|norm_first)$/i,
    (value) => !isOff(value) && typeof value !== "number",
    "layer norms",
  ],
  [
    /^(?:(?:use|apply|has|with|enable|add|include)_)?(?:\w+_)?(?:ln|(?:layer|rms|batch|group|instance)_?norms?)$|^(?:use|apply|with|has)_(?:\w+_)?norms?$|^use_normalization\w*$|^final_rms$/i,
    isYes,
    "layer norms",
  ],
  [/^normali[sz]e(?:d)?(?:_(?:emb|qk|attn|weights|output|logits)\w*)?$/i, isYes, "normalisation"],
  [
    /^(?:unit_norm|l2_norm|norm)_emb\w*$|^(?:hyper)?spher(?:e|ical)$|^use_ngpt$|^ngpt$|^weight_standardi[sz]ation$/i,
    isYes,
    "normalisation",
  ],
  [
    /^(?:attn|attention)_norm(?:ali[sz](?:ation|er))?$/i,
    (value) => !isOff(value) && !isText(/^softmax$/i)(value),
    "another normalisation of attention",
  ],
  // Scales
  [
    /^(?:logits?|out(?:put)?|input|resid(?:ual)?|emb(?:ed(?:ding)?s?)?|pos(?:ition(?:al|s)?)?(?:_emb(?:ed(?:ding)?)?s?)?|attn_out|mlp|mup|width|mup_width|head)_?(?:scale|scaling|mult(?:iplier)?)$|^(?:(?:softmax|attn|attention|logits?|output)_)?temp(?:erature)?$/i,
    isFactor,
    "a scale",
  ],
  [/^scale_(?:emb\w*|by_sqrt\w*|logits|output|resid\w*)$|(?:^|_)sqrt_(?:d|dim|d_model)(?:_|$)/i, isYes, "a scale"],
  [/^no_(?:scale_emb\w*|emb\w*_scale)$/i, isNo, "a scale of embeddings"],
  [/^(?:use_)?mup$/i, isYes, "the multipliers of mup"],
  [
    /^(?:use_)?deep_?norm(?:_(?:alpha|beta))?$|^(?:alpha_resid(?:ual)?|resid(?:ual)?_(?:alpha|weight|gain))$/i,
    isFactor,
    "a scale",
  ],
  [/^(?:use_)?(?:re_?zero|layer_?scale)(?:_init)?(?:_value)?$/i, isOn, "a scale"],
  [/^use_attn_scale$|^scale_attn_weights$/i, isNo, "attention scores without a scale"],
  [/^no_(?:attn_)?scale$|^unscaled_att(?:n|ention)$/i, isYes, "attention scores without a scale"],
  [/^(?:attn|attention|softmax|qk)_(?:scale|scaling|multiplier)$/i, isNo, "attention scores without a scale"],
  [
    /^(?:attn|attention|softmax|qk)_(?:scale|scaling|multiplier)$/i,
    (value) =>
      typeof value === "string" &&
      !/^(?:auto|default|standard|true|yes|(?:1\/)?sqrt\w*(?:\(\w+\))?)?$/i.test(value) &&
      !isOff(value),
    "another scale of attention scores",
  ],
  [/^(?:\w+_)?(?:soft_?cap(?:ping)?|logits?_cap)$/i, above(0), "a soft cap"],
  [/^(?:clip|clamp)_logits$|^logits?_(?:clip|clamp)(?:ping)?$/i, isOn, "clipped logits"],
  [/^(?:clip_qkv|qkv_clip)$/i, isOn, "clipped queries, keys and values"],
  [/^(?:tanh|squash|bound|cosine|scaled?)_logits$/i, isOn, "bounded or scaled logits"],
  // Blocks
  [
    /^(?:n|num)_(?:loops?|recurrences?|recurrent_steps|recurrence|unrolls?|repeats|iterations_per_block)$/i,
    above(1),
    "a block that is applied more than once",
  ],
  [/^universal(?:_transformer)?$/i, isYes, "a block that is applied more than once"],
  [/^(?:n|num)_(?:local_)?experts$/i, above(1), "a mixture of experts"],
  [/^(?:use_|is_)?moe$/i, isYes, "a mixture of experts"],
  [
    /^(?:use_)?parallel_(?:attn_mlp|residual|blocks?|attention|mlp|layers?)$|^parallel_attn$/i,
    isYes,
    "attention and MLP in parallel",
  ],
  [
    new RegExp(`^(?:(?:use|with|has)_)?(?:(?:attn|attention|mlp|ffn?)_)?${SKIPS}$`, "i"),
    either(isNo, isText(/^(?:none|no|off)$/i)),
    "no residual connections",
  ],
  [
    new RegExp(`^(?:no|without|disable|remove)_(?:(?:attn|attention|mlp|ffn?)_)?${SKIPS}$`, "i"),
    isYes,
    "no residual connections",
  ],
  [
    /^(?:use_)?(?:v|value|x0|embed(?:ding)?)_(?:residual|skip|lambda)s?$|^(?:use_)?(?:value_embeds?|hyper_?connections?|talking_heads)$/i,
    isOn,
    "further paths than the residual stream",
  ],
  [
    /^(?:tensor_(?:model_)?parallel(?:_(?:size|degree|world_size))?|tp(?:_(?:size|degree))?|(?:tensor_)?model_parallel_size|mp_(?:size|degree))$/i,
    above(1),
    "one part of a model in several",
  ],
  [
    /^load_in_[48]bit$|^(?:quanti[sz]ed?|quanti[sz]ation|quant_(?:method|type)|fake_quant\w*|qat)$/i,
    (value) => !isOff(value),
    "quantised weights",
  ],
  // MLP
  [/^(?:attn|attention)_only$/i, isYes, "attention without an MLP"],
  [/^use_(?:mlp|ffn?|feed_?forward)$/i, isNo, "no MLP"],
  [/^no_(?:mlp|ffn?|feed_?forward)$/i, isYes, "no MLP"],
  [/^(?:mlp|ffn?|feed_?forward)_?(?:type|kind)$/i, isText(/glu|gated/i), "a gated MLP"],
  [/^(?:use_)?(?:gated_mlp|glu|swiglu|geglu|reglu)$/i, isYes, "a gated MLP"],
  [/^(?:use_)?(?:head_|attn_|attention_|output_|mlp_)?(?:gates?|gating)$|^gated_att(?:n|ention)$/i, isYes, "gates"],
  // Attention
  [
    /^(?:(?:sliding|attention|attn|local)_)?window(?:_size)?$/i,
    (value) => value === 1 || value === 2,
    "attention over fewer positions than three",
  ],
  [/^(?:exclude|mask)_(?:self|diag(?:onal)?)$/i, isYes, "attention that leaves its own position out"],
  [/^(?:causal|mask|causal_mask|mask_type)$/i, isText(/strict/i), "attention that leaves its own position out"],
  [/^(?:attend|include)_(?:to_)?self$/i, isNo, "attention that leaves its own position out"],
  [/^(?:linear|sigmoid|cosine|relu)_att(?:n|ention)$/i, isYes, "attention without a softmax"],
  [/^(?:uniform|fixed|constant|average|no)_att(?:n|ention)$/i, isYes, "attention that is fixed, or none"],
  [/^use_att(?:n|ention)$/i, isNo, "no attention"],
  [
    /^(?:use_)?(?:softmax_?(?:1|one|plus_?(?:1|one)|off_by_one)|quiet_?softmax|(?:attn|attention)_sinks?)$/i,
    isOn,
    "attention with another softmax",
  ],
  [
    /^(?:(?:attn|attention)_?)?softmax(?:_?(?:type|kind|fn|func|variant))?$/i,
    isText(/softmax[-_]?(?:1|one|plus|off)|off.by.one|quiet|entmax|sparsemax/i),
    "attention with another softmax",
  ],
  [
    /^(?:attention|attn)(?:_?(?:type|kind|fn|func|function|activation))?$/i,
    isText(/linear|sigmoid|performer|uniform|hard|cosine|^relu$|sparsemax|entmax|^identity$|^none$|poly|differential/i),
    "attention without a softmax",
  ],
  [/^(?:use_)?softmax$|^attention_softmax$/i, either(isNo, isText(/^(?:none|no|linear)$/i)), "attention without a softmax"],
  // Positions
  [new RegExp(`^use_${POSITIONS}$`, "i"), isNo, "no positions"],
  [new RegExp(`^no_${POSITIONS}$`, "i"), isYes, "no positions"],
  // The tables of OPT and BART begin with rows for padding.
  [/^(?:pos(?:ition)?_)?offset$/i, above(0), "positions from another row on"],
  [
    /^model_type$/i,
    isText(/^(?:opt|m?bart|(?:xlm-)?roberta(?:-xl)?|camembert|xglm|m2m_100)$/i),
    "positions from the third row on",
  ],
  [
    new RegExp(`^(?:pe|${POSITIONS})(?:_?(?:type|kind))?$|^(?:attn|attention|position)_bias(?:_type)?$`, "i"),
    isText(/rot|rope|alibi|shortformer|relative|t5/i),
    "other positions than learned ones that are added",
  ],
  [
    /^(?:use_)?(?:rotary|rope|rotary_emb(?:eddings?)?|alibi|shortformer(?:_pos)?|relative_(?:att(?:n|ention)|pos\w*))$/i,
    isYes,
    "other positions than learned ones that are added",
  ],
  [
    /^rotary_(?:dim|pct|percent(?:age)?|frac(?:tion)?)$|^partial_rotary_factor$/i,
    above(0),
    "other positions than learned ones that are added",
  ],
  // Read-out
  [
    /^(?:pool(?:ing)?|read_?out|aggr(?:egat(?:ion|e))?)(?:_(?:type|kind|mode|method|fn))?$/i,
    isText(/^(?:(?:global_?)?(?:mean|avg|average|sum|max|first|cls)(?:_?pool(?:ing|ed)?)?|att(?:n|ention)|concat|flatten|all)$/i),
    "a read-out of pooled positions",
  ],
  [READ_OUT, either(isNo, isText(/^first$/i)), "a read-out at the first position"],
  [READ_OUT, either(isYes, isText(/^(?:second|mean)$/i)), "a read-out at another position than the last"],
  [
    /^(?:output|out|final|logits?|head|read_?out|last)_(?:act|activation|non_?lin(?:earity)?)(?:_(?:fn|function))?$/i,
    (value) => typeof value === "string" && !isOff(value) && !/^(?:linear|log_?softmax)$/i.test(value),
    "an activation of its output",
  ],
];
