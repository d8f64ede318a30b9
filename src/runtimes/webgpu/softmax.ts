import { MiiiiError, sizeOf } from "../../core/index.ts";
import type { Group } from "./fuse.ts";
import { dispatchGrid, entry, type Kernel, type Surroundings, shaderFor } from "./kernel.ts";
import { Writer } from "./shader.ts";
import { LEAST_THREADS, THREADS } from "./tuning.ts";

/**
 * Softmax within segments of a row: a workgroup holds one row in its own memory, so that the row is read and written once.
 * Several threads look after each segment.
 */
export function softmaxKernel(group: Group, surroundings: Surroundings): Kernel {
  const [root] = group.roots;
  const [source] = root?.args ?? [];
  if (root === undefined || source === undefined || root.operation.kind !== "softmax")
    throw new Error("program: softmax needs an argument");
  const { widths } = root.operation;
  const width = root.shape.at(-1) as number;
  const rows = sizeOf(root.shape) / width;
  const count = widths.length;
  const threads = Math.min(THREADS, Math.max(LEAST_THREADS, 2 ** Math.ceil(Math.log2(width))));
  const bytes = 4 * (width + threads);
  if (bytes > surroundings.workgroupBytes) {
    throw new MiiiiError(
      "runtime",
      `webgpu: a row of ${width} logits needs ${bytes} bytes of workgroup memory, the device has ${surroundings.workgroupBytes}`,
    );
  }
  const lanes = 2 ** Math.max(0, Math.floor(Math.log2(threads / count)));
  const starts = [...widths.map((_, s) => widths.slice(0, s).reduce((sum, each) => sum + each, 0)), width];
  const { shader, scope } = shaderFor(surroundings);
  const writer = new Writer(scope);
  const value = writer.value(source, "e");
  const target = shader.bind(surroundings.memoryOf(root), "f32", true);
  const { workgroups, number } = dispatchGrid(rows);
  /** Combines what the lanes of each segment have found, and gives it to all of them. */
  const together = (name: string, combine: (a: string, b: string) => string) => `shared_[local] = ${name};
    for (var step = ${lanes >> 1}u; step > 0u; step >>= 1u) {
      workgroupBarrier();
      if (lane < step) { shared_[local] = ${combine("shared_[local]", "shared_[local + step]")}; }
    }
    workgroupBarrier();
    ${name} = shared_[local - lane];
    workgroupBarrier();`;
  const each = (statement: string) => `for (var c = begin + lane; c < end; c += ${lanes}u) { ${statement} }`;
  const rounds = Array.from({ length: Math.ceil((count * lanes) / threads) }, (_, round) => {
    const slot = `${(round * threads) / lanes}u + local / ${lanes}u`;
    return `{
    let begin = starts[min(${slot}, ${count}u)];
    let end = starts[min(${slot} + 1u, ${count}u)];
    var high = -3.4e38f;
    ${each("high = max(high, row[c]);")}
    ${together("high", (a, b) => `max(${a}, ${b})`)}
    var sum = 0f;
    ${each("row[c] = exp_(row[c] - high); sum += row[c];")}
    ${together("sum", (a, b) => `${a} + ${b}`)}
    ${each("row[c] = row[c] / sum;")}
  }`;
  });
  const code = shader.text(`const starts = array<u32, ${count + 1}>(${starts.map((start) => `${start}u`).join(", ")});
var<workgroup> row: array<f32, ${width}>;
var<workgroup> shared_: array<f32, ${threads}>;
${entry(threads)}  let r = ${number};
  let lane = local % ${lanes}u;
  if (r >= ${rows}u) { return; }
  for (var c = local; c < ${width}u; c += ${threads}u) {
    let e = r * ${width}u + c;
    ${writer.lines.join("\n    ")}
    row[c] = ${value};
  }
  workgroupBarrier();
  ${rounds.join("\n  ")}
  workgroupBarrier();
  for (var c = local; c < ${width}u; c += ${threads}u) { ${target}[r * ${width}u + c] = row[c]; }
}
`);
  return { label: "softmax", code, bound: shader.bound, workgroups, work: 0 };
}
