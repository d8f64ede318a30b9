/**
 * How a file writes its weight matrices down.
 *
 * - `transformerlens`: as this project does; [in, out], attention heads apart or fused in one axis.
 * - `transposed`: [out, in] but for the read-out: W_E [d_model, d_vocab], W_Q|K|V [head, d_head, d_model],
 *   W_O [d_model, head·d_head], W_in [d_mlp, d_model], W_out [d_model, d_mlp], W_U [d_model, d_vocab].
 * - `linear`: `nn.Linear` and `nn.Embedding`; [out, in] but for the look-up tables, attention heads fused.
 */
export type Layout = "transformerlens" | "transposed" | "linear";

/** The layouts by name. */
export const LAYOUTS = ["transformerlens", "transposed", "linear"] as const satisfies readonly Layout[];

/** `in-out`: multiplied from the left by activations, and tables by row. `out-in`: the transpose. */
export type Orientation = "in-out" | "out-in";

/** Tensors that are always written down alike. */
export type Group = "embed.W_E" | "pos_embed.W_pos" | "W_Q|K|V" | "W_O" | "W_in" | "W_out" | "unembed.W_U";

const ANY = LAYOUTS;
const TL: readonly Layout[] = ["transformerlens"];
const OTHERS: readonly Layout[] = ["transposed", "linear"];

/** Which layouts write a group's matrices in an orientation. */
export const LAYOUTS_OF: { readonly [group in Group]: { readonly [orientation in Orientation]: readonly Layout[] } } = {
  "embed.W_E": { "in-out": ["transformerlens", "linear"], "out-in": ["transposed"] },
  "pos_embed.W_pos": { "in-out": ANY, "out-in": [] },
  "W_Q|K|V": { "in-out": TL, "out-in": OTHERS },
  W_O: { "in-out": TL, "out-in": OTHERS },
  W_in: { "in-out": TL, "out-in": OTHERS },
  W_out: { "in-out": TL, "out-in": OTHERS },
  "unembed.W_U": { "in-out": ["transformerlens", "transposed"], "out-in": ["linear"] },
};
