import assert from "node:assert/strict";
import { after, test } from "node:test";
import { at, float32, float64, int32, type NdArray, randomStream, sizeOf } from "../src/core/index.ts";
import { type RunConfig, stepProgram, tableRows, targetColumns } from "../src/model/index.ts";
import { dropoutMask, type ProgramSource } from "../src/ops/index.ts";
import { onnxRuntime, type Program, type Runtime, runOnce } from "../src/runtimes/index.ts";
import { layoutOf } from "../src/runtimes/webgpu/matmul.ts";
import { planProgram } from "../src/runtimes/webgpu/plan.ts";
import { WebgpuProgram } from "../src/runtimes/webgpu/program.ts";
import { TILES } from "../src/runtimes/webgpu/tuning.ts";
import { makeDataset, makeSplit } from "../src/tasks/index.ts";
import { initialState, presetConfig } from "../src/train/index.ts";
import { assertTrainAlike, distance, finalState, type Trainer, trainsOn } from "./helpers/agreement.ts";
import { assertAllClose } from "./helpers/assert.ts";
import { findTestAdapter, normalsFrom, openTestRuntime, sourceOf } from "./helpers/webgpu.ts";

const adapter = await findTestAdapter();
const opened = adapter === undefined ? undefined : await openTestRuntime(adapter);
const skip = opened === undefined ? "no Vulkan device" : false;
const onnx = onnxRuntime({ threads: 1 });
after(() => opened?.gpu.device.destroy());

function here(): NonNullable<typeof opened> {
  assert.ok(opened);
  return opened;
}

const random = randomStream(1, "webgpu test");
const normals = normalsFrom(random);
const integers = (below: number, ...shape: number[]) =>
  int32(
    Int32Array.from({ length: sizeOf(shape) }, () => random.integer(below)),
    shape,
  );

async function compare(inputs: Record<string, NdArray>, source: ProgramSource, own?: Program): Promise<void> {
  const programs = [await onnx.compile(source), own ?? (await here().runtime.compile(source))] as const;
  const [expected, actual] = [await runOnce(programs[0], inputs), await runOnce(programs[1], inputs)];
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort());
  for (const [name, array] of Object.entries(expected)) {
    assert.deepEqual(actual[name]?.shape, array.shape, name);
    const scale = Math.hypot(...array.data) / Math.sqrt(array.data.length);
    assertAllClose(actual[name]?.data ?? [], array.data, { rtol: 3e-6, atol: 3e-6 * scale });
  }
  for (const program of programs) await program.dispose();
}

test("every operation agrees with ONNX Runtime at sizes that fit no workgroup", { skip }, async () => {
  const inputs = {
    a: normals(23, 13),
    b: normals(13, 17),
    c: normals(23, 17),
    row: normals(1, 13),
    cube: normals(7, 11, 5),
    table: normals(19, 3, 2),
  };
  const [indices, columns, groups] = [integers(19, 29), integers(17, 23, 1), integers(6, 23)];
  const source = sourceOf(inputs, (ops, x) => {
    const y = <K extends keyof typeof inputs>(name: K) => x[name] as (typeof x)[string];
    const positive = ops.mul(y("a"), y("a"));
    const soft = ops.softmax(y("c"), [4, 1, 12]);
    const shifted = ops.add(y("c"), ops.constant(float64([0.25], [1])));
    return {
      plain: ops.matmul(y("a"), y("b"), { add: ops.slice(y("c"), 4, 5) }),
      left: ops.matmul(y("a"), y("c"), { transposeA: true }),
      right: ops.matmul(y("c"), y("b"), { transposeB: true }),
      chain: ops.div(ops.sub(ops.exp(y("a")), ops.relu(ops.add(y("a"), y("row")))), ops.maximum(ops.sqrt(positive), y("row"))),
      gradient: ops.reluGrad(y("a"), ops.relu(y("row"))),
      log: ops.log1p(positive),
      first: ops.sum(y("cube"), 0),
      middle: ops.sum(ops.mul(y("cube"), y("cube")), 1, true),
      last: ops.mul(ops.sum(y("cube"), 2), ops.constant(float64([3], [1]))),
      gathered: ops.gather(y("table"), ops.constant(indices)),
      grouped: ops.sumByRow(ops.add(y("a"), y("row")), groups, 7),
      soft,
      taken: ops.takeColumns(y("c"), ops.constant(columns)),
      put: ops.putColumns(shifted, ops.constant(columns), ops.sum(y("c"), 1, true)),
      turned: ops.transpose(y("cube"), [2, 0, 1]),
      joined: ops.concat([y("cube"), ops.exp(y("cube"))], 1),
      rows: ops.concat([y("a"), y("row"), ops.slice(y("a"), 3, 6)], 0),
      reshaped: ops.reshape(ops.add(y("row"), y("a")), [13, 23]),
    };
  });
  await compare(inputs, source);
});

test("long sums are cut into parts and put together", { skip }, async () => {
  const inputs = { tall: normals(4999, 3), long: normals(2, 20011) };
  await compare(
    inputs,
    sourceOf(inputs, (ops, x) => {
      const [tall, long] = [x.tall, x.long] as [(typeof x)[string], (typeof x)[string]];
      return { columns: ops.sum(ops.mul(tall, tall), 0), rows: ops.sum(ops.exp(long), 1) };
    }),
  );
});

test("matrix products in tiles of every size, transposed or not, with what follows them", { skip }, async () => {
  const limits = { storageBuffers: 8, workgroupBytes: 16384 };
  // Sizes that are multiples of nothing are read one by one, multiples of 4 four at a time.
  const [odd, even] = [[67, 131, 37] as const, [132, 68, 52] as const];
  const cases = [
    [...odd, true, false, at(TILES, 0)],
    [...even, false, true, at(TILES, 1)],
    [...odd, false, false, at(TILES, 2)],
    [...even, true, true, at(TILES, 3)],
    [...odd, false, true, at(TILES, 3)],
  ] as const;
  assert.equal(TILES.length, 4);
  for (const [m, n, k, transposeA, transposeB, tile] of cases) {
    const inputs = {
      a: transposeA ? normals(k, m) : normals(m, k),
      b: transposeB ? normals(n, k) : normals(k, n),
      add: normals(m, n),
    };
    const source = sourceOf(inputs, (ops, x) => {
      const [a, b, add] = [x.a, x.b, x.add] as [(typeof x)[string], (typeof x)[string], (typeof x)[string]];
      return { out: ops.relu(ops.matmul(a, b, { transposeA, transposeB, add })) };
    });
    await compare(inputs, source, await WebgpuProgram.compile(here().gpu, planProgram(source, limits, tile)));
  }
});

test("products with long sums and small results are cut into parts", { skip }, async () => {
  assert.ok(layoutOf(37, 44, 1031, 32768).parts > 1);
  assert.equal(layoutOf(6384, 1480, 256, 32768).parts, 1);
  const inputs = { a: normals(1031, 37), b: normals(1031, 44) };
  await compare(
    inputs,
    sourceOf(inputs, (ops, x) => ({
      out: ops.exp(ops.mul(ops.matmul(x.a as never, x.b as never, { transposeA: true }), ops.constant(float64([0.01], [1])))),
    })),
  );
});

test("a product has work for a large GPU: small tiles and cut sums where the result is small, none where it is large", () => {
  // Rows, columns and terms of products of p = 113, p = 251 and one between that dominate a step.
  const cases = [
    ...[[6384, 1480, 256] as const, [6384, 256, 1480] as const, [6384, 29, 1480] as const, [256, 1480, 6384] as const],
    ...[[31500, 5830, 256] as const, [31500, 256, 5830] as const, [31500, 53, 5830] as const, [256, 5830, 31500] as const],
    [256, 2100, 11400] as const,
  ];
  for (const [m, n, k] of cases) {
    const { tile, parts, partTerms } = layoutOf(m, n, k, 32768);
    const threads = (tile.rows / tile.threadRows) * (tile.columns / tile.threadColumns);
    const all = Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns) * parts * threads;
    assert.ok(all >= 40_000, `${m}×${k}×${n}: ${all} threads`);
    assert.ok(parts === 1 || all <= 132 * 512, `${m}×${k}×${n}: in ${parts} parts, more than are computed at a time`);
    assert.ok(parts * partTerms >= k && (parts - 1) * partTerms < k);
    assert.ok(n < 100 || tile.threadRows === 8, `${m}×${k}×${n}: a tile of ${tile.rows}×${tile.columns} reads too much`);
  }
  // Devices with the least of workgroup memory that WebGPU allows.
  for (const [m, n, k] of cases) {
    const { rows, columns, depth } = layoutOf(m, n, k, 16384).tile;
    assert.ok(4 * depth * (rows + columns + 8) <= 16384);
  }
});

test("a softmax over more segments than threads, and over one", { skip }, async () => {
  const many = Array.from({ length: 300 }, (_, i) => 1 + (i % 4));
  const inputs = { many: normals(3, 749), one: normals(3, 749) };
  await compare(
    inputs,
    sourceOf(inputs, (ops, x) => ({
      ofMany: ops.softmax(x.many as never, [...many.slice(0, 299), 3]),
      ofOne: ops.softmax(x.one as never, [749]),
    })),
  );
});

test("what is not a number is not lost in a ReLU", { skip }, async () => {
  const inputs = { a: float32([Number.NaN, -1, 2], [3]) };
  const program = await here().runtime.compile(sourceOf(inputs, (ops, x) => ({ out: ops.relu(x.a as never) })));
  const { out } = await runOnce(program, inputs);
  assert.deepEqual([...(out?.data ?? [])], [Number.NaN, 0, 2]);
  await program.dispose();
});

test("exp and log1p are good to a few units in the last place", { skip }, async () => {
  const exps = float32(
    Float32Array.from({ length: 4001 }, (_, i) => -87 + (i * 175) / 4000),
    [4001],
  );
  const small = float32(
    Float32Array.from({ length: 4001 }, (_, i) => 10 ** (-37 + (i * 74) / 4000)),
    [4001],
  );
  const inputs = { exps, small };
  const program = await here().runtime.compile(
    sourceOf(inputs, (ops, x) => ({ exp: ops.exp(x.exps as never), log: ops.log1p(x.small as never) })),
  );
  const { exp, log } = await runOnce(program, inputs);
  assertAllClose(exp?.data ?? [], Array.from(exps.data, Math.exp), { rtol: 4e-7, atol: 2e-38 });
  assertAllClose(log?.data ?? [], Array.from(small.data, Math.log1p), { rtol: 4e-7 });
  await program.dispose();
});

const small = { p: 11, d_model: 16, n_heads: 2, d_mlp: 24, init: "he", lr: 3e-3, train_fraction: 0.6, seed: 3 } as const;
const config = presetConfig("miiii", { ...small, dropout: 0.2, epochs: 100 });

test("training agrees with ONNX Runtime's, with a mask for each sample; a run can change runtimes half-way", {
  skip,
}, async () => {
  const over = { ...config, dropout_mask: "sample", epochs: 40 } as const;
  const { runtime, gpu } = here();
  const live = gpu.buffers;
  const halves =
    (first: Runtime, second: Runtime): Trainer =>
    async (whole) => {
      const state = await finalState({ config: { ...whole, epochs: whole.epochs / 2 }, runtime: first, omega: false });
      return finalState({ config: whole, runtime: second, omega: false, state });
    };
  await assertTrainAlike(trainsOn(onnx), halves(runtime, onnx), over);
  await assertTrainAlike(trainsOn(onnx), halves(onnx, runtime), { ...over, epochs: 20 }, [0]);
  assert.equal(gpu.buffers, live, "buffers are freed");
});

/** The training step as a program, its initial state, and the feeds of steps. */
function stepOf(over: RunConfig) {
  const data = makeDataset(over, over.seed);
  const samples = makeSplit(over.p, over.train_fraction, over.seed).train;
  const batch = { ...tableRows(samples, data), columns: targetColumns(data.targets, data.heads, samples) };
  const { parameters, m, v, ema } = initialState(over);
  const prefixed = (prefix: string, tensors: object) => Object.entries(tensors).map(([name, array]) => [prefix + name, array]);
  const state = Object.fromEntries([
    ...prefixed("", parameters),
    ...prefixed("m/", m),
    ...prefixed("v/", v),
    ...(ema ? prefixed("ema/", ema) : []),
  ]) as Record<string, NdArray>;
  const one = (value: number) => float32([value], [1]);
  const feeds = (step: number) => ({
    lr: one(1e-3),
    correct1: one(1 / (1 - over.beta1 ** step)),
    correct2: one(1 / (1 - over.beta2 ** step)),
    ...(over.dropout > 0 ? { step: int32([step], [1]) } : {}),
  });
  return { source: stepProgram(over, batch), state, feeds };
}

const copied = (results: readonly Record<string, NdArray>[]) =>
  results.map((each) => Object.fromEntries(Object.entries(each).map(([name, { data }]) => [name, Array.from(data)])));

test("many runs in one call equal single runs, with one mask a step, bit for bit", { skip }, async () => {
  const { source, state, feeds } = stepOf({ ...config, dropout_mask: "step" });
  const steps = Array.from({ length: 7 }, (_, i) => feeds(i + 1));
  const [program, reference] = [await here().runtime.compile(source), await onnx.compile(source)];
  reference.setState(state);
  program.setState(state);
  const together = copied(await program.run(steps));
  const stateTogether = await program.getState();
  program.setState(state);
  const alone = [];
  for (const each of steps) alone.push(...copied(await program.run([each])));
  assert.deepEqual(together, alone);
  assert.deepEqual(await program.getState(), stateTogether);
  const expected = copied(await reference.run(steps));
  together.forEach((out, i) => {
    for (const name of ["loss", "gradient_squares", "filtered_squares"]) {
      assertAllClose(out[name] ?? [], expected[i]?.[name] ?? [], { rtol: 2e-5 });
    }
  });
  const nan = {
    ...state,
    "unembed.W_U": float32(
      at([state["unembed.W_U"] as NdArray], 0)
        .data.slice()
        .fill(Number.NaN),
      at([state["unembed.W_U"] as NdArray], 0).shape,
    ),
  };
  program.setState(nan);
  const { loss, gradient_squares } = await runOnce(program, feeds(1));
  assert.ok(![...(loss?.data ?? []), ...(gradient_squares?.data ?? [])].every(Number.isFinite), "what is not a number shows");
  await program.dispose();
  await reference.dispose();
});

test("nothing in a dispatch reads or writes what another part of it writes, nor is memory written bound twice", () => {
  for (const preset of ["miiii", "nanda"] as const) {
    for (const storageBuffers of [8, 12, 100]) {
      const { source } = stepOf(presetConfig(preset, { ...small, p: 13, epochs: 1 }));
      const { kernels } = planProgram(source, { storageBuffers, workgroupBytes: 32768 });
      let shared = 0;
      for (const { code, bound, label } of kernels) {
        const parts = code.split(/^(?=fn light\d)/m).slice(1);
        if (parts.length > 1) shared += 1;
        bound.forEach(({ memory, written }, i) => {
          if (!written) return;
          assert.equal(bound.filter((each) => each.memory === memory).length, 1, `${label}: ${memory.label}`);
          const users = parts.filter((part) => new RegExp(`\\bb${i}\\[`).test(part)).length;
          assert.ok(parts.length === 0 || users === 1, `${label}: ${memory.label} in ${users} parts`);
        });
      }
      assert.ok(shared > 5);
    }
  }
});

test("a step needs no more than WebGPU promises of every device, and shares dispatches as far as that allows", {
  skip,
}, async () => {
  const { source, state, feeds } = stepOf({ ...config, dropout_mask: "step" });
  const least = { storageBuffers: 8, workgroupBytes: 16384 };
  const plan = planProgram(source, least);
  assert.ok(plan.kernels.every(({ bound }) => bound.length <= 8));
  const counts = [8, 12, 32].map((storageBuffers) => planProgram(source, { ...least, storageBuffers }).kernels.length);
  assert.ok(at(counts, 0) > at(counts, 1) && at(counts, 1) > at(counts, 2) && at(counts, 2) < 60, `dispatches: ${counts}`);
  const [program, reference] = [await WebgpuProgram.compile(here().gpu, plan), await here().runtime.compile(source)];
  const results = [];
  for (const each of [program, reference]) {
    each.setState(state);
    results.push([copied(await each.run([feeds(1), feeds(2)])), await each.getState()]);
    await each.dispose();
  }
  assert.deepEqual(results[0], results[1]);
});

for (const [name, over] of [
  ["one head, no filter, no dropout", presetConfig("nanda", { ...small, p: 13, epochs: 1 })],
  ["masked labels", presetConfig("masked", { ...small, p: 13, epochs: 1 })],
  ["divisibility", presetConfig("miiii", { ...small, labels: "divisibility", epochs: 1 })],
] as const) {
  test(`a step's gradients agree with ONNX Runtime's: ${name}`, { skip }, async () => {
    const { source, state, feeds } = stepOf(over);
    const moments = async (runtime: Runtime) => {
      const program = await runtime.compile(source);
      program.setState(state);
      await program.run([feeds(1)]);
      const held = await program.getState();
      await program.dispose();
      return Object.entries(held).filter(([each]) => each.startsWith("m/"));
    };
    const [expected, actual] = [await moments(onnx), Object.fromEntries(await moments(here().runtime))];
    for (const [each, array] of expected) {
      const relative = distance(array, actual[each] as NdArray) / Math.hypot(...array.data);
      assert.ok(relative < 1e-5, `${each}: relative difference ${relative}`);
    }
  });
}

test("masks are the counter hash's, bit for bit", { skip }, async () => {
  const dropout = { seed: 12345, site: 1, rate: 0.37 };
  const source: ProgramSource = {
    dtype: "float32",
    inputs: { step: { dtype: "int32", shape: [1] }, mask: { dtype: "float32", shape: [31, 7], dropout } },
    build: (ops, given) => ({ out: ops.add(given.mask as never, ops.constant(float64([0], [1]))) }),
  };
  const program = await here().runtime.compile(source);
  const results = copied(await program.run([1, 77, 65536].map((step) => ({ step: int32([step], [1]) }))));
  results.forEach(({ out }, i) => {
    assert.deepEqual(out, Array.from(dropoutMask(dropout, at([1, 77, 65536], i), [31, 7]).data));
  });
  await program.dispose();
});

test("a program may have no other outputs than its state", { skip }, async () => {
  const inputs = { a: normals(5) };
  const program = await here().runtime.compile(sourceOf(inputs, (ops, x) => ({ a: ops.add(x.a as never, x.a as never) })));
  program.setState(inputs);
  assert.deepEqual(await program.run([{}, {}]), [{}, {}]);
  assert.deepEqual(
    Array.from((await program.getState()).a?.data ?? []),
    Array.from(inputs.a.data, (value) => 4 * value),
  );
  await program.dispose();
});

test("state may change places, and stay as it is", { skip }, async () => {
  const inputs = { a: normals(5), b: normals(5), c: normals(3) };
  const program = await here().runtime.compile(
    sourceOf(inputs, (ops, x) => ({ a: x.b as never, b: x.a as never, c: x.c as never, sum: ops.sum(x.a as never, 0, true) })),
  );
  program.setState(inputs);
  await program.run([{}, {}, {}]);
  const { a, b, c } = await program.getState();
  assert.deepEqual([a?.data, b?.data, c?.data], [inputs.b.data, inputs.a.data, inputs.c.data]);
  await program.dispose();
});
