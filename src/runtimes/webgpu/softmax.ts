import { MiiiiError, sizeOf } from "../../core/index.ts";
import type { Group } from "./fuse.ts";
import { entry, type Kernel, type Surroundings, shaderFor, spread } from "./kernel.ts";
import { Writer } from "./shader.ts";
import { LEAST_THREADS, THREADS } from "./tuning.ts";

/**
 * Softmax within segments of a row: a workgroup holds one row in its own memory, so that the row is read and written once. Several threads
 * look after each segment.
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
  const bytes = 4 * (width + threads + count);
  if (bytes > surroundings.workgroupBytes) {
    throw new MiiiiError(
      "runtime",
      `webgpu: a row of ${width} logits needs ${bytes} bytes of workgroup memory, the device has ${surroundings.workgroupBytes}`,
    );
  }
  const lanes = 2 ** Math.max(0, Math.floor(Math.log2(threads / count)));
  const starts = widths.map((_, s) => widths.slice(0, s).reduce((sum, each) => sum + each, 0));
  const { shader, scope } = shaderFor(surroundings);
  const writer = new Writer(scope);
  const value = writer.value(source, "e");
  const target = shader.bind(surroundings.memoryOf(root), "f32", true);
  const { workgroups, number } = spread(rows);
  const rounds = Math.ceil(count / (threads / lanes));
  /** Each segment's maximum or sum: every lane its entries, then the first lane the lanes'. */
  const perSegment = (start: string, step: string, combine: (a: string, b: string) => string, into: string) =>
    Array.from(
      { length: rounds },
      (_, round) => `{
    let s = ${(round * threads) / lanes}u + local / ${lanes}u;
    var own = ${start};
    if (s < ${count}u) {
      for (var c = starts[s] + lane; c < starts[s + 1u]; c += ${lanes}u) { ${step} }
    }
    shared_[local] = own;
    workgroupBarrier();
    if (s < ${count}u && lane == 0u) {
      for (var other = 1u; other < ${lanes}u; other++) { own = ${combine("own", "shared_[local + other]")}; }
      ${into}[s] = own;
    }
    workgroupBarrier();
  }`,
    ).join("\n  ");
  const code = shader.text(`const starts = array<u32, ${count + 1}>(${[...starts, width].map((each) => `${each}u`).join(", ")});
var<workgroup> row: array<f32, ${width}>;
var<workgroup> shared_: array<f32, ${threads}>;
var<workgroup> found: array<f32, ${count}>;
fn segment(c: u32) -> u32 {
  var low = 0u;
  var high = ${count}u;
  while (high - low > 1u) {
    let middle = (low + high) / 2u;
    if (starts[middle] <= c) { low = middle; } else { high = middle; }
  }
  return low;
}
${entry(threads)}  let r = ${number};
  let lane = local % ${lanes}u;
  if (r >= ${rows}u) { return; }
  for (var c = local; c < ${width}u; c += ${threads}u) {
    let e = r * ${width}u + c;
    ${writer.lines.join("\n    ")}
    row[c] = ${value};
  }
  workgroupBarrier();
  ${perSegment("-3.4e38f", "own = max(own, row[c]);", (a, b) => `max(${a}, ${b})`, "found")}
  for (var c = local; c < ${width}u; c += ${threads}u) { row[c] = exp_(row[c] - found[segment(c)]); }
  workgroupBarrier();
  ${perSegment("0f", "own += row[c];", (a, b) => `${a} + ${b}`, "found")}
  for (var c = local; c < ${width}u; c += ${threads}u) { ${target}[r * ${width}u + c] = row[c] / found[segment(c)]; }
}
`);
  return { label: "softmax", code, bound: shader.bound, workgroups, work: 0 };
}
