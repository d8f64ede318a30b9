import { join } from "node:path";
import { exportOnnx } from "../../src/activations/index.ts";
import { exportNpz, type StoredModel, tensorsOf, writeFileAtomic, writeModel } from "../../src/checkpoint/index.ts";
import type { NdArray } from "../../src/core/index.ts";
import type { Check, Context } from "./check.ts";
import { activation, type NamedModel } from "./models.ts";
import { compare, count, type Row, relativeDifference } from "./rows.ts";

type Format = "safetensors" | "npz" | "onnx";

function write(format: Format, path: string, model: StoredModel): void {
  switch (format) {
    case "safetensors":
      writeModel(path, model, {});
      break;
    case "npz":
      exportNpz(path, model);
      break;
    case "onnx":
      writeFileAtomic(path, exportOnnx(model.config, model.parameters));
      break;
    default:
      format satisfies never;
  }
}

/** Writes both models in the given formats and compares what Python makes of the files. */
async function compareExports({ models, ask, folder }: Context, formats: readonly Format[]): Promise<Row[]> {
  const exported = [models.trained, models.drawn].flatMap((model, i) =>
    formats.map((format) => ({ model, format, path: join(folder, `${i}.${format}`) })),
  );
  for (const { model, format, path } of exported) write(format, path, model);
  const files = exported.map(({ model, path }) => ({ path, p: model.config.p }));
  const { tensors } = ask("exported", { arguments: Object.fromEntries(files.entries()) });
  const found: Row[] = [];
  for (const [i, { model, format }] of exported.entries()) {
    // ONNX computes in float32, the other two in float64.
    const tolerance = format === "onnx" ? 1e-5 : 1e-12;
    const logits = await activation(models.runtime, model, "logits");
    found.push(compare(`.${format}: logits, ${model.name}`, logits, tensors.get(`${i}/logits`), tolerance));
    if (format !== "onnx")
      found.push(compareStored(`.${format}: tensors bit for bit, ${model.name}`, model, `${i}/tensor/`, tensors));
  }
  return found;
}

function compareStored(what: string, model: NamedModel, prefix: string, tensors: ReadonlyMap<string, NdArray>): Row {
  const stored = [...tensorsOf(model.parameters)];
  const wrong = stored.filter(([name, { data, shape }]) => {
    const peer = tensors.get(prefix + name);
    return peer === undefined || String(peer.shape) !== String(shape) || relativeDifference(data, peer.data) !== 0;
  });
  const held = [...tensors.keys()].filter((name) => name.startsWith(prefix)).length;
  const surplus = Math.max(0, held - stored.length);
  return count(what, `${stored.length} tensors`, `${held} tensors`, wrong.length + surplus);
}

/** What we write, read by Python's own libraries. */
export const exports: Check = {
  id: "export",
  needs: ["torch"],
  run: (context) => compareExports(context, ["safetensors", "npz"]),
};

/** The exported graph, run by Python's ONNX Runtime. */
export const onnx: Check = {
  id: "export to ONNX",
  needs: ["torch", "onnxruntime"],
  run: (context) => compareExports(context, ["onnx"]),
};
