import { quoted } from "../../core/index.ts";
import type { Statement } from "../formats/lazy.ts";
import { isNormOrGate } from "./roles.ts";

/** Classes whose modules pass on what they get when a model is evaluated, or what an attention's softmax is. */
const HARMLESS =
  /^torch\.nn\.modules\.(?:dropout\.\w+|linear\.Identity|container\.\w+|flatten\.Flatten|loss\.\w+|activation\.LogSoftmax)$|\.HookPoint$|^torchmetrics\.|^einops\.layers\.torch\.Rearrange$/;
const SOFTMAX = /^torch\.nn\.modules\.activation\.Softmax$/;
const ACTIVATIONS = /^(?:torch\.nn\.modules\.activation|transformers\.activations)\.(?!MultiheadAttention)/;
const ACTIVATION_NAME = /relu|gelu|silu|swish|tanh|sigmoid|activation|nonlin/i;

/** What a module of a model that was saved whole, without weights of its own or with unusual options, means for the model. */
export type ModuleMeaning =
  | { readonly kind: "nothing" }
  | { readonly kind: "activation"; readonly name: string }
  /** It computes something that the model here has not, or that nothing in the file tells. */
  | { readonly kind: "alien"; readonly what: string };

/** PyTorch's name of an activation with the options that make it another one. */
function activationNamed(path: string): string {
  const name = path.replace(/^.*?\.(\w+)(\(|$)/, "$1$2");
  return /^GELU\(approximate=tanh\)$/.test(name) ? "gelu_tanh" : name;
}

/** The meaning of a module; see {@link ModuleMeaning}. */
export function meaningOf({ key, value }: Statement): ModuleMeaning {
  const path = String(value);
  if (HARMLESS.test(path) || (SOFTMAX.test(path) && /att(?:n|ention)|mha/i.test(key))) return { kind: "nothing" };
  if (ACTIVATIONS.test(path) && !SOFTMAX.test(path)) return { kind: "activation", name: activationNamed(path) };
  const name = path.replace(/\(.*$/, "").split(".").at(-1) ?? "";
  // A class of the user's own under the name of an activation may compute any variant of it.
  if (!path.startsWith("torch.nn.") && ACTIVATION_NAME.test(name) && !isNormOrGate(name))
    return { kind: "activation", name: path };
  return {
    kind: "alien",
    what: `it has ${quoted(key)} of class ${quoted(path)}`,
  };
}
