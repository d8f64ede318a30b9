import type { Program, Runtime } from "../runtimes/index.ts";

/**
 * A count of what a thread has under way in native code, which must not be ended there: ONNX Runtime's binding takes the whole
 * process with it. In shared memory: [whether to stop, calls under way].
 */
export type Gate = Int32Array;

/** An open gate. */
export function makeGate(): Gate {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}

/** Runs native work unless the gate is shut: then the thread waits for its end. */
async function through<T>(gate: Gate, work: () => Promise<T>): Promise<T> {
  Atomics.add(gate, 1, 1);
  try {
    if (Atomics.load(gate, 0) === 0) return await work();
  } finally {
    Atomics.sub(gate, 1, 1);
  }
  return new Promise<T>(() => undefined);
}

/** A runtime whose native calls go through a gate. */
export function gatedRuntime(runtime: Runtime, gate: Gate): Runtime {
  const gated = (program: Program): Program => ({
    setState: (state) => program.setState(state),
    getState: () => through(gate, () => program.getState()),
    run: (feeds, into) => through(gate, () => program.run(feeds, into)),
    dispose: () => through(gate, () => program.dispose()),
  });
  return { ...runtime, compile: (source) => through(gate, async () => gated(await runtime.compile(source))) };
}

/** How long a call under way may keep a gate from shutting, and how often it is looked at, in milliseconds. */
const PATIENCE = 3000;
const LOOK = 5;

/** Shuts a gate; resolves when nothing is under way behind it, or after three seconds. */
export async function shutGate(gate: Gate): Promise<void> {
  Atomics.store(gate, 0, 1);
  for (let waited = 0; Atomics.load(gate, 1) > 0 && waited < PATIENCE; waited += LOOK)
    await new Promise((resolve) => setTimeout(resolve, LOOK));
}
