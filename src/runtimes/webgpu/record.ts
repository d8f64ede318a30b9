import type { Field } from "./field.ts";
import { entry, type Kernel } from "./kernel.ts";
import { type Memory, Shader } from "./shader.ts";
import { THREADS } from "./tuning.ts";

/** Writes a run's outputs to its row of the record, and counts the run. */
export function recordKernel(
  outputs: readonly { readonly memory: Memory; readonly field: Field }[],
  record: Memory,
  width: number,
  counter: Memory,
): Kernel {
  const shader = new Shader();
  const [into, count] = [shader.bind(record, "f32", true), shader.bind(counter, "u32", true)];
  const copies = outputs.map(({ memory, field: { size, offset } }) => {
    const from = shader.bind(memory, "f32");
    return `for (var c = local; c < ${size}u; c += ${THREADS}u) { ${into}[run * ${width}u + ${offset}u + c] = ${from}[c]; }`;
  });
  const code = shader.text(`${entry(THREADS)}  let run = ${count}[0];
  ${copies.join("\n  ")}
  storageBarrier();
  if (local == 0u) { ${count}[0] = run + 1u; }
}
`);
  return { label: "record", code, bound: shader.bound, workgroups: [1, 1, 1], work: 0 };
}
