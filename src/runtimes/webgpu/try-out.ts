import { float32, MiiiiError } from "../../core/index.ts";
import { type Ops, type ProgramSource, type Tensors, tensor } from "../../ops/index.ts";
import { type Runtime, runOnce } from "../runtime.ts";

/** Sizes that fill no tile, with a sum long enough to be staged in several parts. */
const [ROWS, TERMS, COLUMNS] = [70, 150, 90] as const;
/** Relative error from which a device is not to be trusted: some hundred units in float32's last place. */
const TOLERANCE = 1e-5;

const entryAt = (i: number) => (((i * 37) % 101) - 50) / 101;

const SOURCE: ProgramSource = {
  dtype: "float32",
  inputs: { a: { dtype: "float32", shape: [ROWS, TERMS] }, b: { dtype: "float32", shape: [TERMS, COLUMNS] } },
  build: <T>(ops: Ops<T>, given: Tensors<T>) => {
    const product = ops.matmul(tensor(given, "a"), tensor(given, "b")); // [rows, columns]
    return { product, logs: ops.log1p(ops.exp(product)) };
  },
};

/**
 * Computes a product, exponentials and logarithms on a device and holds them against float64: a driver that gets these wrong
 * would train a model that means nothing.
 *
 * @throws MiiiiError (`runtime`) saying what was wrong.
 */
export async function tryOut(runtime: Runtime): Promise<void> {
  const a = Float32Array.from({ length: ROWS * TERMS }, (_, i) => entryAt(i));
  const b = Float32Array.from({ length: TERMS * COLUMNS }, (_, i) => entryAt(7 * i + 3));
  const program = await runtime.compile(SOURCE);
  try {
    const { product, logs } = await runOnce(program, { a: float32(a, [ROWS, TERMS]), b: float32(b, [TERMS, COLUMNS]) });
    for (let i = 0; i < ROWS; i++) {
      for (let j = 0; j < COLUMNS; j++) {
        let [sum, size] = [0, 0];
        for (let k = 0; k < TERMS; k++) {
          const term = (a[i * TERMS + k] as number) * (b[k * COLUMNS + j] as number);
          sum += term;
          size += Math.abs(term);
        }
        const at = i * COLUMNS + j;
        const [gotSum, gotLog] = [product?.data[at] ?? Number.NaN, logs?.data[at] ?? Number.NaN];
        const log = Math.log1p(Math.exp(gotSum));
        if (!(Math.abs(gotSum - sum) <= TOLERANCE * size) || !(Math.abs(gotLog - log) <= TOLERANCE * log)) {
          const what = `a product is ${gotSum}, must be ${sum}; its log(1 + exp) is ${gotLog}, must be ${log}`;
          throw new MiiiiError("runtime", `webgpu: ${runtime.device} computes wrongly: ${what}`);
        }
      }
    }
  } finally {
    await program.dispose();
  }
}
