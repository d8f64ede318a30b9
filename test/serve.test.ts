import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { activationsOf } from "../src/activations/index.ts";
import type { CircuitsResult } from "../src/analyses/circuits/compute.ts";
import type { NeuronsResult } from "../src/analyses/neurons/compute.ts";
import type { AblationResult } from "../src/api/explore/ablation.ts";
import type { ModelPicture } from "../src/api/explore/explored-model.ts";
import type { NeuronLook } from "../src/api/explore/neuron.ts";
import { analyze, load } from "../src/api/front.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import type { RunNews } from "../src/serve/follower.ts";
import type { LocalServer } from "../src/serve/server.ts";
import { assertAllClose } from "./helpers/assert.ts";
import { startCli } from "./helpers/cli.ts";
import { computed, keptEpochs, served, trainSmall } from "./helpers/served.ts";

let folder = "";
let path = "";
let server: LocalServer;
const runtime = onnxRuntime({ threads: 1 });

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "miiii-serve-"));
  path = await trainSmall(folder, "small");
  server = await served([path]);
});

after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const get = (address: string, headers: Record<string, string> = {}, method = "GET") =>
  new Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }>((resolve, reject) => {
    const asked = request(address, { headers, method }, (response) => {
      let body = "";
      response.on("data", (part) => {
        body += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
    });
    asked.on("error", reject);
    asked.end();
  });

test("the page has its address alone: others are refused, and nothing of the disk is served", async () => {
  const { address } = server;
  const page = await get(address);
  assert.equal(page.status, 200);
  assert.match(page.body, /<title>page/);
  assert.equal(page.headers["referrer-policy"], "no-referrer");
  assert.equal(page.headers["cache-control"], "no-store");
  assert.equal(page.headers["x-frame-options"], "DENY");
  const { origin } = new URL(address);
  for (const [url, status, message] of [
    [origin, 403, /must be opened by the whole address/],
    [`${origin}/runs`, 403, /token/],
    [`${address.slice(0, -2)}/runs`, 403, /token/],
    [`${address}../runs`, 403, /token/],
    [`${address}..%2f..%2fetc/passwd`, 404, /nothing at this address/],
    [`${address}%2e%2e/%2e%2e/etc/passwd`, 403, /token/],
    [`${address}runs/config.json`, 404, /nothing/],
    [`${address}compute/picture?run=7`, 400, /run: must be a whole number from 0 to 0, got "7"/],
    [`${address}compute/picture?run=0&path=/etc/passwd`, 400, /path: is no parameter of picture/],
    [`${address}compute/neuron?run=0&neuron=${"9".repeat(500)}`, 400, /neuron: must be/],
    [`${address}compute/ablation?run=0&neurons=${"1,".repeat(7000)}`, 414, /at most 12000 characters/],
    [`${address}events?run=x`, 400, /run: must be/],
  ] as const) {
    const { status: found, body } = await get(url);
    assert.equal(found, status, `${url.slice(0, 90)}: ${body.slice(0, 200)}`);
    assert.match(body, message);
  }
  assert.equal((await get(`${address}${"x".repeat(20_000)}`)).status, 431);
  for (const headers of [{ host: "evil.example" }, { origin: "http://evil.example" }])
    assert.equal((await get(address, headers)).status, 403, JSON.stringify(headers));
  assert.equal((await get(address, { host: "localhost:9" })).status, 200, "a tunnel has another port");
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) assert.equal((await get(address, {}, method)).status, 405, method);
});

test("what is computed is what the analyses find at that checkpoint", async () => {
  const epochs = keptEpochs(path);
  assert.ok(epochs.length >= 2, `${epochs}`);
  const listed = (await (await fetch(`${server.address}runs`)).json()) as { runs: { checkpoints: number[] }[] };
  assert.deepEqual(listed.runs[0]?.checkpoints, epochs);
  const epoch = epochs[Math.floor(epochs.length / 2)] as number;
  const model = await load(join(path, `step-${String(epoch).padStart(9, "0")}.safetensors`));
  const { config, parameters } = model.checkpoint;
  const found = await analyze(model, ["neurons", "circuits"], { runtime });
  const picture = await computed<ModelPicture>(server, `picture?run=0&epoch=${epoch}`);
  assert.equal(picture.sha256, model.checkpoint.sha256);
  assert.deepEqual(picture.neurons, found.neurons as NeuronsResult);
  assert.deepEqual(picture.emergence?.epochs, [epoch]);
  assert.equal(picture.emergence?.neurons, config.d_mlp);
  const last = await computed<ModelPicture>(server, `picture?run=0&epoch=${epochs.at(-1)}`);
  assert.notEqual(last.sha256, picture.sha256);

  const look = await computed<NeuronLook>(server, `neuron?run=0&epoch=${epoch}&neuron=5`);
  const pre = (await activationsOf(runtime, config, parameters, ["blocks.0.mlp.hook_pre"]))["blocks.0.mlp.hook_pre"];
  const u = new Float32Array(Uint8Array.from(Buffer.from(look.u, "base64")).buffer);
  assertAllClose(
    u,
    Array.from({ length: 169 }, (_, i) => pre?.data[i * config.d_mlp + 5] as number),
    { rtol: 1e-6, atol: 1e-6 },
  );
  const best = Math.max(...look.reads.flatMap(({ R2 }) => R2));
  assertAllClose([best], [found.neurons.R2[5] as number], { rtol: 1e-4 });
  const own = look.writes.find(({ q }) => q === found.neurons.m[5]);
  assertAllClose([own?.share ?? 0], [found.neurons.own_share[5] as number], { rtol: 1e-6 });
  for (const { share, by_k, q } of look.writes)
    if (q > 2) assertAllClose([by_k.reduce((a, b) => a + b, 0)], [share], { rtol: 1e-4 });

  const circuits = found.circuits as CircuitsResult;
  const ablated = async (query: string) => {
    const result = await computed<AblationResult>(server, `ablation?run=0&epoch=${epoch}&${query}`);
    const all = result.sets.find(({ name }) => name === "all");
    assert.ok(all !== undefined && all.samples === 169);
    return { result, lost: all.whole.accuracy.map((value, i) => value - (all.ablated.accuracy[i] as number)) };
  };
  for (const head of [0, 1]) {
    const { lost } = await ablated(`heads=${head}`);
    assertAllClose(lost, circuits.attention.accuracy_lost[head] as number[], { atol: 1e-5, rtol: 1e-4 });
  }
  const circuit = found.neurons.m[5] as number;
  const members = found.neurons.m.flatMap((m, j) => (m === circuit ? [j] : []));
  const [byCircuit, byNeurons] = [await ablated(`circuits=${circuit}&control=1`), await ablated(`neurons=${members.join(",")}`)];
  assert.deepEqual(byCircuit.result.neurons, members);
  assert.deepEqual(byCircuit.lost, byNeurons.lost);
  assert.equal(byCircuit.result.control?.draws, 20);
  assert.equal(byNeurons.result.control, null);
  const every = await ablated(`neurons=0-${config.d_mlp - 1}&skip=1`);
  const nothing = every.result.sets.find(({ name }) => name === "all");
  // Nothing of the input reaches the logits: each task has one answer for all.
  for (const [i, q] of (nothing === undefined ? [] : every.result.q).entries())
    assert.ok((nothing?.ablated.accuracy[i] as number) <= Math.ceil(169 / q) / 169 + 1e-7, `q = ${q}`);
  await assert.rejects(ablated("heads=2"), /heads must be in 0\.\.1, got 2/);
  await assert.rejects(ablated("circuits=4"), /circuit 4: must be one that has neurons/);
  await assert.rejects(computed(server, "picture?run=0&epoch=17"), /must have a checkpoint of epoch 17, has /);
  await assert.rejects(computed(server, "analysis?run=0&id=forier"), /unknown analysis "forier"; did you mean fourier/);
});

/** The news of a run, as they come. */
async function listen(address: string) {
  const controller = new AbortController();
  const response = await fetch(`${address}events?run=0`, { signal: controller.signal });
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    leave: () => controller.abort(),
    async next(): Promise<RunNews | undefined> {
      for (;;) {
        const end = text.indexOf("\n\n");
        if (end >= 0) {
          const event = text.slice(0, end);
          text = text.slice(end + 2);
          if (event.startsWith("data: ")) return JSON.parse(event.slice(6)) as RunNews;
          continue;
        }
        const { done, value } = await reader.read();
        if (done) return undefined;
        text += value;
      }
    },
  };
}

test("a run is followed through its growth, a fall back to an earlier state, its end and a new beginning", async (t) => {
  const growing = join(folder, "growing");
  cpSync(path, growing, { recursive: true });
  const metrics = join(growing, "metrics.jsonl");
  const lines = readFileSync(metrics, "utf8").trimEnd().split("\n");
  const write = (count: number, text = lines) =>
    writeFileSync(
      metrics,
      text
        .slice(0, count)
        .map((line) => `${line}\n`)
        .join(""),
    );
  const epochOf = (line: string | undefined) => (JSON.parse(line ?? "{}") as { epoch: number }).epoch;
  write(3);
  const other = await served([growing]);
  // Without this a failure would leave the streams open, and the file would never end.
  t.after(() => other.close());
  const [one, two] = [await listen(other.address), await listen(other.address)];
  const first = await one.next();
  assert.equal(first?.rows.length, 3);
  assert.equal(first?.anew, false);
  assert.equal(first?.status, "finished", "its last checkpoint is that of the last epoch");
  assert.deepEqual((await two.next())?.rows, first?.rows, "each viewer is told everything");
  write(6);
  const grown = await one.next();
  assert.deepEqual(
    grown?.rows.map(({ epoch }) => epoch),
    lines.slice(3, 6).map(epochOf),
  );
  const lock = join(growing, "run.lock");
  writeFileSync(
    lock,
    JSON.stringify({ pid: process.pid, host: (await import("node:os")).hostname(), process_start: null, since: "" }),
  );
  const training = await one.next();
  assert.equal(training?.status, "training");
  assert.deepEqual(training?.rows, []);
  // Resumed from an earlier state: what was logged after it is logged anew.
  const changed = lines.map((line, i) => (i < 4 ? line : line.replace(/"objective":[\d.e-]+/, '"objective":1')));
  write(4);
  const back = await one.next();
  assert.deepEqual([back?.anew, back?.rows.length], [true, 4]);
  write(5, changed);
  assert.equal((await one.next())?.rows.length, 1);
  rmSync(growing, { recursive: true });
  const gone = await one.next();
  assert.equal(gone?.status, "unreadable");
  assert.match(gone?.remark ?? "", /no such run directory/);
  cpSync(path, growing, { recursive: true });
  const again = await one.next();
  assert.equal(again?.rows.length, lines.length);
  two.leave();
  const closed = one.next();
  await other.close();
  assert.equal(await closed.catch(() => undefined), undefined, "the stream ends with the server");
});

test("a dozen viewers at once are no reason for a warning", async () => {
  const warnings: string[] = [];
  const warned = ({ message }: Error) => warnings.push(message);
  process.on("warning", warned);
  const other = await served([path]);
  const streams = await Promise.all(Array.from({ length: 12 }, () => listen(other.address)));
  await Promise.all(streams.map((stream) => stream.next()));
  for (const stream of streams) stream.leave();
  await other.close();
  process.off("warning", warned);
  assert.deepEqual(warnings, []);
});

test("closing ends what is computed and every stream", async () => {
  const other = await served([path]);
  const events = await listen(other.address);
  await events.next();
  const computing = computed(other, `analysis?run=0&epoch=${keptEpochs(path)[0]}&id=circuits`);
  computing.catch(() => undefined);
  await other.close();
  await assert.rejects(computing);
  await assert.rejects(fetch(other.address));
});

/** Runs a command until it has printed its address, then sends a signal; how it ended. */
async function untilAddress(args: readonly string[], signal: NodeJS.Signals) {
  const child = startCli(args, folder, "pipe");
  let [out, said] = ["", ""];
  child.stderr?.on("data", (part) => {
    said += part;
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  await new Promise<void>((resolve) => {
    child.stdout?.on("data", (part) => {
      out += part;
      if (out.includes("\n")) resolve();
    });
    void ended.then(() => resolve());
  });
  const status = out === "" ? 0 : (await get(out.trim())).status;
  child.kill(signal);
  return { code: await ended, out, said, status };
}

test("the command prints its address, serves, and ends cleanly on Ctrl-C; a port that is taken is refused", async () => {
  const { code, out, said, status } = await untilAddress(["explore", path, "--no-open"], "SIGINT");
  assert.match(out, /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{24}\/\n$/);
  assert.equal(status, 200);
  assert.equal(code, 0, said);
  assert.match(said, /Ctrl-C ends it\n/);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  const refused = await untilAddress(["watch", path, "--port", String(port)], "SIGTERM");
  assert.deepEqual([refused.code, refused.out], [1, ""]);
  assert.match(
    refused.said,
    new RegExp(`^miiii: port ${port}: must be free, is taken by another program; without --port any free one`),
  );
  await new Promise((resolve) => taken.close(resolve));
});
