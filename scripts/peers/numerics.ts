import { float64, type Json, type NdArray, randomStream, rows, toFloat64 } from "../../src/core/index.ts";
import { type Complex, dft, fft2, fftshift, rfft, rfft2, svd } from "../../src/math/index.ts";
import type { Check, Context } from "./check.ts";
import type { Answer } from "./environment.ts";
import { activation } from "./models.ts";
import { compare, type Row, worstOf } from "./rows.ts";

/** Primes (Bluestein), powers of two (direct), composites, and the shortest. */
const LENGTHS = [1, 2, 3, 5, 7, 11, 31, 64, 97, 100, 113, 127, 251, 1009, 4096] as const;
const REAL = [2, 7, 64, 100, 113, 251] as const;
/** Leading singular vectors that are compared, up to sign. */
const VECTORS = 5;

function normals(name: string, length: number): Float64Array {
  const { normal } = randomStream(0, `peers/${name}`);
  return Float64Array.from({ length }, normal);
}

/** Real and imaginary parts as one array, so that one scale serves both. */
function joined({ re, im }: { readonly re: ArrayLike<number>; readonly im: ArrayLike<number> }): Float64Array {
  return Float64Array.from([...Array.from(re), ...Array.from(im)]);
}

function answered({ tensors }: Answer, name: string): Float64Array {
  return joined({ re: tensors.get(`${name}/re`)?.data ?? [], im: tensors.get(`${name}/im`)?.data ?? [] });
}

/** The transforms of one grid against both peers. */
function gridRows(name: string, grid: NdArray<"float64">, answer: Answer): Row[] {
  const [n0, n1] = grid.shape as [number, number];
  const half: Complex = rfft2(grid.data, n0, n1);
  return [
    compare(`rfft2, ${name}, vs NumPy`, joined(half), answered(answer, `numpy/rfft2/${name}`), 1e-13),
    compare(`rfft2, ${name}, vs SciPy`, joined(half), answered(answer, `scipy/rfft2/${name}`), 1e-13),
    compare(`fft2, ${name}, vs NumPy`, joined(fft2(grid.data, n0, n1)), answered(answer, `numpy/fft2/${name}`), 1e-13),
    compare(
      `fftshift, ${name}, vs NumPy`,
      fftshift(grid.data, n0, n1),
      answer.tensors.get(`numpy/fftshift/${name}`)?.data ?? [],
      0,
    ),
  ];
}

function matrixRows(name: string, matrix: NdArray, { tensors }: Answer): Row[] {
  const { U, singular_values: values, V } = svd(matrix);
  const leading = (vectors: NdArray) => {
    const width = vectors.shape[1] as number;
    return vectors.data.filter((_, i) => i % width < VECTORS);
  };
  return [
    compare(`singular values, ${name}, vs NumPy`, values, tensors.get(`numpy/singular_values/${name}`), 1e-13),
    compare(`singular values, ${name}, vs SciPy`, values, tensors.get(`scipy/singular_values/${name}`), 1e-13),
    compare(`first ${VECTORS} left vectors, ${name}`, leading(U), tensors.get(`numpy/U/${name}`)?.data, 1e-11),
    compare(`first ${VECTORS} right vectors, ${name}`, leading(V), tensors.get(`numpy/V/${name}`)?.data, 1e-11),
  ];
}

/** The worst of many lengths, named. */
function worst(what: string, results: readonly { n: number; ours: Float64Array; peer: Float64Array }[]): Row {
  return worstOf(
    results.map(({ n, ours, peer }) => compare(`${what}, worst of ${results.length} lengths (${n})`, ours, peer, 1e-13)),
  );
}

async function run({ models: { runtime, trained }, ask }: Context): Promise<readonly Row[]> {
  const { p, d_mlp } = trained.config;
  const W_E = toFloat64(rows(trained.parameters["embed.W_E"], 0, p));
  const neurons = await activation(runtime, trained, "blocks.0.mlp.hook_post");
  const grids = new Map([
    [
      `a neuron, ${p} × ${p}`,
      float64(
        neurons.data.filter((_, i) => i % d_mlp === 0),
        [p, p],
      ),
    ],
    [`W_E, ${p} × ${W_E.shape[1]}`, W_E],
    ["noise, 31 × 57", float64(normals("grid", 31 * 57), [31, 57])],
  ]);
  const matrices = new Map<string, NdArray>([
    [`W_E, ${p} × ${W_E.shape[1]}`, W_E],
    ["noise, 97 × 40", float64(normals("matrix", 97 * 40), [97, 40])],
  ]);
  const signals = new Map(LENGTHS.map((n) => [n, { re: normals(`re/${n}`, n), im: normals(`im/${n}`, n) }]));
  const tensors = new Map<string, NdArray>();
  for (const [n, { re, im }] of signals) tensors.set(`dft/${n}/re`, float64(re, [n])).set(`dft/${n}/im`, float64(im, [n]));
  for (const [name, grid] of grids) tensors.set(`grid/${name}`, grid);
  for (const [name, matrix] of matrices) tensors.set(`matrix/${name}`, matrix);
  const names: Json = { grids: [...grids.keys()], matrices: [...matrices.keys()] };
  const answer = ask("numerics", { tensors, arguments: { ...names, lengths: LENGTHS, real: REAL, vectors: VECTORS } });

  const transforms = (peer: string) =>
    [...signals].map(([n, { re, im }]) => ({ n, ours: joined(dft(re, im)), peer: answered(answer, `${peer}/dft/${n}`) }));
  const real = REAL.map((n) => ({
    n,
    ours: joined(rfft(signals.get(n)?.re ?? [])),
    peer: answered(answer, `numpy/rfft/${n}`),
  }));
  const prime = transforms("numpy").filter(({ n }) => n === 113);
  return [
    ...[...matrices].flatMap(([name, matrix]) => matrixRows(name, matrix, answer)),
    ...[...grids].flatMap(([name, grid]) => gridRows(name, grid, answer)),
    ...prime.map(({ n, ours, peer }) => compare(`dft, length ${n}, vs NumPy`, ours, peer, 1e-13)),
    worst("dft vs NumPy", transforms("numpy")),
    worst("dft vs SciPy", transforms("scipy")),
    worst("rfft vs NumPy", real),
  ];
}

/** Transforms and singular values against NumPy and SciPy, float64. */
export const numerics: Check = { id: "numerics", needs: ["scipy"], run };
