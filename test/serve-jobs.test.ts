import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { type Observation, paceOf } from "../src/api/explore/pace.ts";
import { makeToken, refusalOf, sameToken } from "../src/serve/access.ts";
import { ComputeProcess, type ComputeTask } from "../src/serve/compute-process.ts";
import { BusyError, type Computer, type JobNews, Jobs } from "../src/serve/jobs.ts";
import { withoutDisplay } from "../src/serve/open-browser.ts";
import { computeRequest, numberList } from "../src/serve/request.ts";

const task = (id: string): ComputeTask => ({ request: { kind: "analysis", run: 0, id }, stamp: "" });

test("requests from elsewhere, without the token or with more than a look are refused", () => {
  const token = makeToken();
  assert.equal(new Set(Array.from({ length: 20 }, makeToken)).size, 20);
  assert.match(token, /^[\w-]{24}$/);
  assert.ok(sameToken(token, token) && !sameToken(token.slice(1), token) && !sameToken("", token));
  const own = { method: "GET", path: `/${token}/`, host: "127.0.0.1:4000", origin: undefined };
  const status = (change: object) => refusalOf({ ...own, ...change }, token)?.status;
  for (const fine of [
    {},
    { host: "localhost:8000" },
    { host: "[::1]:80" },
    { origin: "http://127.0.0.1:4000" },
    { method: "HEAD" },
  ])
    assert.equal(status(fine), undefined, JSON.stringify(fine));
  for (const [change, wanted] of [
    [{ host: "evil.example:4000" }, 403],
    [{ host: "127.0.0.1.evil.example" }, 403],
    [{ host: undefined }, 403],
    [{ origin: "https://evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{ path: "/" }, 403],
    [{ path: `/${token.slice(0, -1)}/` }, 403],
    [{ path: `/x/${token}/` }, 403],
    [{ path: `/${token}%2f/` }, 403],
    [{ method: "POST" }, 405],
    [{ path: `/${token}/${"x".repeat(12_000)}` }, 414],
  ] as const)
    assert.equal(status(change), wanted, JSON.stringify(change).slice(0, 80));
});

test("queries are read strictly", () => {
  const read = (kind: string, query: string) => computeRequest(kind, new URLSearchParams(query), 2);
  assert.deepEqual(read("picture", "run=1&epoch=512"), { kind: "picture", run: 1, epoch: 512 });
  assert.deepEqual(read("analysis", "run=0&id=closed-form"), { kind: "analysis", run: 0, id: "closed-form" });
  const { ablation } = read("ablation", "run=0&circuits=13&neurons=7,3-5&heads=&digit=1&skip=1") as Extract<
    ReturnType<typeof read>,
    { kind: "ablation" }
  >;
  assert.deepEqual(ablation, { circuits: [13], neurons: [3, 4, 5, 7], heads: [], digit: 1, skip: true, control: false });
  for (const [kind, query, message] of [
    ["nothing", "run=0", /"nothing": must be one of picture, neuron, ablation, analysis/],
    ["toString", "run=0", /"toString": must be one of/],
    ["picture", "", /run: must be a whole number from 0 to 1, got ""/],
    ["picture", "run=2", /run: must be a whole number from 0 to 1, got "2"/],
    ["picture", "run=-1", /run: must be/],
    ["picture", "run=0&epoch=1e9", /epoch: must be a whole number/],
    ["picture", "run=0&run=1", /run: must be given once/],
    ["picture", "run=0&neuron=1", /neuron: is no parameter of picture; it has run, epoch/],
    ["neuron", "run=0", /neuron: must be a whole number/],
    ["ablation", "run=0&neurons=1,x", /neurons: must be whole numbers between commas \(3,10-12\), got "x"/],
    ["ablation", "run=0&neurons=9-3", /neurons: a range must ascend/],
    ["ablation", "run=0&neurons=0-999999999", /neurons: a range must ascend and hold at most 65536/],
    ["ablation", "run=0&digit=2", /digit: must be 0, 1 or empty, got "2"/],
    ["ablation", "run=0&skip=yes", /skip: must be 0 or 1, got "yes"/],
    ["analysis", "run=0&id=../etc", /id: must be an analysis, got/],
  ] as const)
    assert.throws(() => read(kind, query), message);
  assert.deepEqual(numberList("x", " 2, 1-2 ,2"), [1, 2]);
});

/** A computer whose work ends when the test says so. */
function manual(): Computer & { readonly begun: string[]; stopped: number; end(json?: string): Promise<void> } {
  const begun: string[] = [];
  let settle: { resolve: (json: string) => void; reject: (error: Error) => void } | undefined;
  return {
    begun,
    stopped: 0,
    compute: ({ request }, onProgress) => {
      begun.push(request.kind === "analysis" ? request.id : request.kind);
      onProgress(1, 4);
      return new Promise((resolve, reject) => {
        settle = { resolve, reject };
      });
    },
    stop() {
      this.stopped += 1;
      settle?.reject(new Error("stopped"));
    },
    async end(json = "{}") {
      settle?.resolve(json);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function viewer() {
  const news: JobNews[] = [];
  const controller = new AbortController();
  return { news, leave: () => controller.abort(), onNews: (one: JobNews) => void news.push(one), signal: controller.signal };
}

test("one computation at a time, the same one once, results kept", async () => {
  const computer = manual();
  const jobs = new Jobs(computer, 0);
  const [one, two, three] = [viewer(), viewer(), viewer()];
  const first = jobs.run(task("a"), one);
  const same = jobs.run(task("a"), two);
  const other = jobs.run(task("b"), three);
  assert.deepEqual(computer.begun, ["a"]);
  assert.deepEqual(three.news, [{ waiting: 1 }]);
  assert.deepEqual(one.news, [{ waiting: 0 }, { done: 1, total: 4 }]);
  await computer.end("1");
  assert.deepEqual([await first, await same], ["1", "1"]);
  assert.deepEqual(computer.begun, ["a", "b"]);
  await computer.end("2");
  assert.equal(await other, "2");
  assert.equal(await jobs.run(task("a"), viewer()), "1");
  assert.deepEqual(computer.begun, ["a", "b"], "what is known is not computed again");
});

test("a viewer that leaves takes its computation along, unless another waits for it; what waits is bounded", async () => {
  const computer = manual();
  const jobs = new Jobs(computer, 0);
  const [one, two, three] = [viewer(), viewer(), viewer()];
  const running = jobs.run(task("a"), one);
  const shared = jobs.run(task("a"), two);
  const waiting = jobs.run(task("b"), three);
  one.leave();
  three.leave();
  await assert.rejects(running, { name: "AbortError" });
  await assert.rejects(waiting, { name: "AbortError" });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(computer.stopped, 0, "two still waits");
  two.leave();
  await assert.rejects(shared, { name: "AbortError" });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(computer.stopped, 1);
  assert.deepEqual(computer.begun, ["a"], "b was never begun");
  const again = jobs.run(task("a"), viewer());
  assert.deepEqual(computer.begun, ["a", "a"]);
  await computer.end("3");
  assert.equal(await again, "3");
  const many = Array.from({ length: 25 }, (_, i) => jobs.run(task(`m${i}`), viewer()));
  await assert.rejects(jobs.run(task("more"), viewer()), BusyError);
  jobs.close();
  for (const result of await Promise.allSettled(many)) assert.equal(result.status, "rejected");
  await assert.rejects(jobs.run(task("late"), viewer()), /closing/);
});

const STUB = new URL("./helpers/compute-stub.mjs", import.meta.url);
const setup = { references: [], foreign: {}, seed: 0, useCache: false };

test("a computation that takes too long, dies or is stopped is said so, and the next one has a new process", async () => {
  const process = new ComputeProcess(setup, { seconds: 60, bytes: Number.POSITIVE_INFINITY }, STUB);
  const steps: number[] = [];
  const compute = (id: string) => process.compute(task(id), (done, total) => steps.push(done / total));
  const first = JSON.parse(await compute("fine")) as { pid: number };
  assert.deepEqual(steps, [0.5]);
  assert.equal((JSON.parse(await compute("fine")) as { pid: number }).pid, first.pid, "the process is kept");
  const hasty = new ComputeProcess(setup, { seconds: 0.2, bytes: Number.POSITIVE_INFINITY }, STUB);
  await assert.rejects(
    hasty.compute(task("spin"), () => undefined),
    /stopped: it must take at most 0\.2 s, and took longer/,
  );
  await assert.rejects(compute("die"), /the computing process ended with exit code 7/);
  assert.notEqual((JSON.parse(await compute("fine")) as { pid: number }).pid, first.pid);
  const spinning = compute("spin");
  process.stop();
  await assert.rejects(spinning, /the computing process ended with SIGKILL/);
  process.stop();
});

const noProc = existsSync("/proc/self/statm") ? false : "this system does not tell a process's memory";

test("a computation that takes too much memory is stopped", { skip: noProc }, async () => {
  const process = new ComputeProcess(setup, { seconds: 60, bytes: 350e6 }, STUB);
  await assert.rejects(
    process.compute(task("hoard"), () => undefined),
    /stopped: it must do with 0\.3 GB of memory, and took 0\.\d GB|stopped: it must do with 0\.4 GB of memory/,
  );
});

test("a browser is opened where there is a display", () => {
  assert.equal(withoutDisplay("linux", {}), "there is no display");
  assert.equal(withoutDisplay("linux", { DISPLAY: "" }), "there is no display");
  assert.equal(withoutDisplay("linux", { DISPLAY: ":0" }), undefined);
  assert.equal(withoutDisplay("linux", { WAYLAND_DISPLAY: "wayland-0" }), undefined);
  assert.equal(withoutDisplay("darwin", {}), undefined);
  assert.equal(withoutDisplay("darwin", { SSH_CONNECTION: "a" }), "this is a remote session");
});

test("a pace comes from the ticks seen, else from the stretch that was saved, and is unknown before", () => {
  const ticks = (...pairs: readonly (readonly [number, number])[]): Observation[] => pairs.map(([at, epoch]) => ({ at, epoch }));
  assert.equal(paceOf([], null), null);
  assert.equal(paceOf(ticks([0, 10]), null), null);
  assert.equal(paceOf(ticks([0, 10], [500, 20]), null), null, "half a second tells nothing");
  assert.deepEqual(paceOf(ticks([0, 10], [4000, 50]), null), { epochs_per_second: 10, over_seconds: 4 });
  const stretch = { from: 100, epoch: 400, seconds: 30 };
  assert.deepEqual(paceOf(ticks([0, 10]), stretch), { epochs_per_second: 10, over_seconds: 30 });
  // The last minute alone: slow ticks of an hour ago do not count.
  const long = ticks([0, 0], [3_600_000, 10], [3_610_000, 110], [3_620_000, 210], [3_630_000, 310], [3_640_000, 410]);
  assert.deepEqual(paceOf(long, null), { epochs_per_second: 10, over_seconds: 40 });
  // Of ticks further apart than that, the last five.
  const slow = Array.from({ length: 8 }, (_, i) => ({ at: 100_000 * i, epoch: 50 * i }));
  assert.deepEqual(paceOf(slow, null), { epochs_per_second: 0.5, over_seconds: 400 });
});
