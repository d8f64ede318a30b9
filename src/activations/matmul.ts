import { dim, ensure, float64, type NdArray, rows } from "../core/index.ts";
import { FREE, type Program, type Runtime, runInto, runOnce } from "../runtimes/index.ts";

/**
 * Rows that one product takes: what a runtime makes of so many is still near the processor when it is copied, and a thread that
 * is to end waits for one product at most.
 */
const BLOCK = 512;

/** Rows where each sum has few terms: the product itself then costs less than a further copy of it. */
const THIN_BLOCK = 2048;
const THIN = 128;

/** Products of float64 matrices on a runtime, which is tens of times as fast as loops here. Call `dispose` when done. */
export interface RuntimeMatmul {
  /** [n, k] by [k, m] → [n, m], in the memory of `into` where that is given: fresh memory costs as much as a small product. */
  readonly matmul: (a: NdArray<"float64">, b: NdArray<"float64">, into?: Float64Array) => Promise<NdArray<"float64">>;
  readonly dispose: () => Promise<void>;
}

/** Products on `runtime`, of any sizes by one program. */
export function runtimeMatmul(runtime: Runtime): RuntimeMatmul {
  const free = { dtype: "float64", shape: [FREE, FREE] } as const;
  let made: Promise<Program> | undefined;
  const program = () => {
    made ??= runtime.compile({
      dtype: "float64",
      inputs: { a: free, b: free },
      build: (ops, { a, b }) => {
        ensure(a !== undefined && b !== undefined, "input", () => "matmul: both matrices must be given");
        return { product: ops.matmul(a, b) };
      },
    });
    return made;
  };
  return {
    async matmul(a, b, into) {
      const [n, inner, columns] = [dim(a, 0), dim(a, 1), dim(b, 1)];
      ensure(dim(b, 0) === inner, "input", () => `matmul: b must have ${inner} rows, got ${dim(b, 0)}`);
      const size = n * columns;
      ensure(
        into === undefined || into.length >= size,
        "input",
        () => `matmul: into must hold ${size} numbers, got ${into?.length}`,
      );
      const block = inner < THIN ? THIN_BLOCK : BLOCK;
      if (n <= block && into === undefined) return (await runOnce(await program(), { a, b })).product as NdArray<"float64">;
      const out = float64(into?.subarray(0, size) ?? new Float64Array(size), [n, columns]);
      for (let start = 0; start < n; start += block) {
        const end = Math.min(n, start + block);
        await runInto(await program(), { a: rows(a, start, end), b }, { product: rows(out, start, end) });
      }
      return out;
    },
    async dispose() {
      await (await made)?.dispose();
      made = undefined;
    },
  };
}
