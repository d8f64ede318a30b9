import type { Group } from "./fuse.ts";
import type { Tensor } from "./graph.ts";
import { entry, finish, type Kernel, type Light, type Surroundings, shaderFor } from "./kernel.ts";
import { partsKernel, sumKernels } from "./reduce.ts";
import type { Memory, Shader } from "./shader.ts";
import {
  ENOUGH,
  FULL,
  LARGE_RESULT,
  LEAST_TERMS,
  LEAST_TERMS_LARGE,
  MOST_PARTS,
  SMALL_PRODUCT,
  TILES,
  type Tile,
} from "./tuning.ts";

/** A matrix as it lies in memory, and how a product reads it. */
interface Operand {
  readonly name: "a" | "b";
  readonly memory: Memory;
  /** Rows and columns in memory. */
  readonly stored: readonly [number, number];
  /** Whether the sum runs along its columns in memory, so that what is read must be turned to be staged. */
  readonly turned: boolean;
  /** Rows or columns of the result that one workgroup takes from it. */
  readonly tile: number;
}

const threadsOf = (tile: Tile) => (tile.rows / tile.threadRows) * (tile.columns / tile.threadColumns);

/** Bytes of workgroup memory that a tile may take, operands turned. */
const tileBytes = (tile: Tile) => 4 * tile.depth * (tile.rows + 4 + tile.columns + 4);

/** The tile of a product's kernel, and into how many parts its sums are cut so that there is work for the whole device. */
export function layoutOf(
  m: number,
  n: number,
  k: number,
  workgroupBytes: number,
  given?: Tile,
): { tile: Tile; parts: number; partTerms: number } {
  /** Threads that compute the product uncut. */
  const threadsFor = (tile: Tile) => Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns) * threadsOf(tile);
  const leastTerms = m * n > LARGE_RESULT ? LEAST_TERMS_LARGE : LEAST_TERMS;
  const partsFor = (tile: Tile) =>
    Math.max(1, Math.min(MOST_PARTS, Math.floor(k / leastTerms), Math.floor(FULL / threadsFor(tile))));
  const fits = TILES.filter((tile) => tileBytes(tile) <= workgroupBytes);
  const fills = fits.filter((tile) => m > tile.rows / 2 && n > tile.columns / 2);
  const last = TILES.at(-1) as Tile;
  const tile = given ?? fills.find((each) => threadsFor(each) * partsFor(each) >= FULL * ENOUGH) ?? fills.at(-1) ?? last;
  const parts = partsFor(tile);
  const partTerms = Math.ceil(k / parts / tile.depth) * tile.depth;
  return { tile, parts: Math.ceil(k / partTerms), partTerms };
}

/** The function that reads four neighbours of an operand's row, zeros outside. */
function reader({ name, memory, stored: [rows, columns] }: Operand, shader: Shader, whole: boolean): string {
  const four = columns % 4 === 0;
  const bound = shader.bind(memory, four ? "vec4f" : "f32");
  const guard = (condition: string, body: string) => (whole ? body : `if (${condition}) { ${body} }`);
  const body = four
    ? guard(`r < ${rows}u && c < ${columns}u`, `v = ${bound}[(r * ${columns}u + c) >> 2u];`)
    : `for (var i = 0u; i < 4u; i++) { if (r < ${rows}u && c + i < ${columns}u) { v[i] = ${bound}[r * ${columns}u + c + i]; } }`;
  return `fn read_${name}(r: u32, c: u32) -> vec4f {
  var v = vec4f();
  ${body}
  return v;
}
`;
}

/**
 * The functions that fetch a block of 4×4 of an operand and put it down in workgroup memory, where the sum's index comes first:
 * as it is, or turned. Blocks are numbered so that neighbouring threads read neighbouring memory.
 */
function stager(operand: Operand, depth: number, stride: number): string {
  const { name, turned, tile } = operand;
  const [place, term] = turned
    ? [`block / ${depth / 4}u`, `block % ${depth / 4}u`]
    : [`block % ${tile / 4}u`, `block / ${tile / 4}u`];
  const rowsOfBlock = [0, 1, 2, 3].map((i) =>
    turned
      ? `read_${name}(start + 4u * place + ${i}u, k + 4u * term)`
      : `read_${name}(k + 4u * term + ${i}u, start + 4u * place)`,
  );
  const block = `mat4x4f(${rowsOfBlock.join(", ")})`;
  return `var<workgroup> ${name}_staged: array<vec4f, ${depth * stride}>;
fn fetch_${name}(block: u32, start: u32, k: u32) -> mat4x4f {
  let place = ${place};
  let term = ${term};
  return ${turned ? `transpose(${block})` : block};
}
fn stage_${name}(block: u32, held: mat4x4f) {
  let at = 4u * (${term}) * ${stride}u + ${place};
${[0, 1, 2, 3].map((i) => `  ${name}_staged[at + ${i * stride}u] = held[${i}];`).join("\n")}
}
`;
}

const COMPONENTS = ["x", "y", "z", "w"] as const;

/** How a tile's operands come into workgroup memory: block by block, every thread some of them in turn. */
function stagingOf({ rows, columns, depth }: Tile, threads: number, a: Operand, b: Operand) {
  // A row of workgroup memory is one block longer where operands are turned, so that threads write to different banks.
  const [strideA, strideB] = [rows / 4 + (a.turned ? 1 : 0), columns / 4 + (b.turned ? 1 : 0)];
  const [blocksA, blocksB] = [(rows * depth) / 16, (columns * depth) / 16];
  const rounds = Array.from({ length: Math.ceil((blocksA + blocksB) / threads) }, (_, round) => round);
  const eachRound = (statement: (round: number) => { a: string; b: string }) =>
    rounds
      .map((round) => {
        const { a: forA, b: forB } = statement(round);
        const block = `let block = local + ${round * threads}u;`;
        return `{ ${block} if (block < ${blocksA}u) { ${forA} } else if (block < ${blocksA + blocksB}u) { ${forB} } }`;
      })
      .join("\n    ");
  return {
    strideA,
    strideB,
    held: rounds.map((round) => `var held${round} = mat4x4f();`).join(" "),
    fetch: eachRound((round) => ({
      a: `held${round} = fetch_a(block, top, at);`,
      b: `held${round} = fetch_b(block - ${blocksA}u, left, at);`,
    })),
    stage: eachRound((round) => ({
      a: `stage_a(block, held${round});`,
      b: `stage_b(block - ${blocksA}u, held${round});`,
    })),
  };
}

/** A thread's block of the result in registers: how it begins, what each staged term adds to it, and where it is put. */
function registersOf({ rows, columns, threadRows, threadColumns }: Tile, strideA: number, strideB: number) {
  const rowGroups = Array.from({ length: threadRows / 4 }, (_, g) => g);
  const columnGroups = Array.from({ length: threadColumns / 4 }, (_, h) => h);
  const [rowStep, columnStep] = [rows / rowGroups.length, columns / columnGroups.length];
  const each = <T>(make: (r: number, h: number) => T) =>
    rowGroups.flatMap((g) => COMPONENTS.flatMap((_, r) => columnGroups.map((h) => make(4 * g + r, h))));
  return {
    zero: each((r, h) => `var c${r}_${h} = vec4f();`).join(" "),
    add: [
      ...rowGroups.map((g) => `let a${g} = a_staged[q * ${strideA}u + ty + ${(g * rowStep) / 4}u];`),
      ...columnGroups.map((h) => `let b${h} = b_staged[q * ${strideB}u + tx + ${(h * columnStep) / 4}u];`),
      ...each((r, h) => `c${r}_${h} = fma(vec4f(a${Math.floor(r / 4)}.${COMPONENTS[r % 4]}), b${h}, c${r}_${h});`),
    ].join("\n      "),
    put: each(
      (r, h) =>
        `put(top + ${Math.floor(r / 4) * rowStep + (r % 4)}u + 4u * ty, left + ${h * columnStep}u + 4u * tx, group, c${r}_${h});`,
    ).join("\n  "),
  };
}

/**
 * The function `put`, which writes four entries of a row: to a part of the sum where it is cut, else with what follows the
 * product.
 */
function putter(n: number, m: number, out: string, part: string, finished: string): string {
  const value = finished === "" ? "v[c]" : "finished(i + c, v[c])";
  const put =
    n % 4 === 0
      ? `var w: vec4f;
    for (var c = 0u; c < 4u; c++) { w[c] = ${value}; }
    ${out}[(${part}i) >> 2u] = w;`
      : `for (var c = 0u; c < 4u; c++) {
      if (column + c < ${n}u) { ${out}[${part}i + c] = ${value}; }
    }`;
  return `${finished}fn put(row: u32, column: u32, group: vec3u, v: vec4f) {
  if (row < ${m}u && column < ${n}u) {
    let i = row * ${n}u + column;
    ${put}
  }
}
`;
}

/**
 * A matrix product, and what follows it element by element. Each workgroup computes a tile of the result from tiles of the
 * operands staged in its memory; each thread a block of it in registers, while the next tiles are on their way.
 */
export function matmulKernels(group: Group, surroundings: Surroundings): (Kernel | Light)[] {
  const { core } = group;
  const [root] = group.roots;
  const [first, second] = core?.args ?? [];
  if (core?.operation.kind !== "matmul" || root === undefined || first === undefined || second === undefined) {
    throw new Error("program: a product needs two matrices");
  }
  const { transposeA, transposeB } = core.operation;
  const [m, n] = core.shape as [number, number];
  const k = first.shape[transposeA ? 0 : 1] as number;
  if (surroundings.tile === undefined && m * n * k <= SMALL_PRODUCT) return sumKernels(group, surroundings);
  const { tile, parts, partTerms } = layoutOf(m, n, k, surroundings.workgroupBytes, surroundings.tile);
  const { rows, columns, depth, threadColumns } = tile;
  const operand = (name: "a" | "b", tensor: Tensor, stored: [number, number], turned: boolean): Operand => ({
    name,
    memory: surroundings.memoryOf(tensor),
    stored,
    turned,
    tile: name === "a" ? rows : columns,
  });
  const a = operand("a", first, transposeA ? [k, m] : [m, k], !transposeA);
  const b = operand("b", second, transposeB ? [n, k] : [k, n], transposeB);
  const threads = threadsOf(tile);
  const { strideA, strideB, held, fetch, stage } = stagingOf(tile, threads, a, b);
  const registers = registersOf(tile, strideA, strideB);
  const { shader, scope } = shaderFor(surroundings);
  const wholeTerms = k % depth === 0;
  const readers = [
    reader(a, shader, wholeTerms && m % rows === 0),
    reader(b, shader, wholeTerms && n % columns === 0),
    stager(a, depth, strideA),
    stager(b, depth, strideB),
  ].join("");
  const partials = parts > 1 ? surroundings.scratch(`parts of product ${core.id}`, 4 * parts * m * n) : undefined;
  const out = shader.bind(partials ?? surroundings.memoryOf(root), n % 4 === 0 ? "vec4f" : "f32", true);
  const follows = partials === undefined && root !== core ? finish(group, scope, "total") : undefined;
  const finished =
    follows === undefined ? "" : `fn finished(i: u32, total: f32) -> f32 {\n  ${follows.lines}\n  return ${follows.result};\n}\n`;
  const put = putter(n, m, out, parts > 1 ? `group.z * ${m * n}u + ` : "", finished);
  const across = columns / threadColumns;
  const code = shader.text(`${readers}${put}${entry(threads)}  let top = group.y * ${rows}u;
  let left = group.x * ${columns}u;
  let tx = local % ${across}u;
  let ty = local / ${across}u;
  var at = group.z * ${partTerms}u;
  let end = min(at + ${partTerms}u, ${k}u);
  ${registers.zero}
  ${held}
  ${fetch}
  loop {
    ${stage}
    workgroupBarrier();
    at += ${depth}u;
    if (at < end) {
    ${fetch}
    }
    for (var q = 0u; q < ${depth}u; q++) {
      ${registers.add}
    }
    workgroupBarrier();
    if (at >= end) { break; }
  }
  ${registers.put}
}
`);
  const kernel: Kernel = {
    label: `product ${m}×${k}×${n}${parts > 1 ? ` in ${parts} parts` : ""}`,
    code,
    bound: shader.bound,
    workgroups: [Math.ceil(n / columns), Math.ceil(m / rows), parts],
    work: 2 * m * n * k,
  };
  return partials === undefined ? [kernel] : [kernel, partsKernel(group, partials, parts, m * n, surroundings)];
}
