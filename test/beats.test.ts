import assert from "node:assert/strict";
import { test } from "node:test";
import { beatsAt, isOwn, strongestWaves } from "../scripts/lib/beats.ts";
import { randomStream } from "../src/core/index.ts";

const P = 53;
const waves = (parts: readonly (readonly [number, number, number])[]) =>
  Float64Array.from({ length: P }, (_, t) =>
    parts.reduce((sum, [amplitude, f, phase]) => sum + amplitude * Math.cos(2 * Math.PI * f * t + phase), 0.3),
  );

test("the two waves of a part are found where they were put, also between the bins of its tokens", () => {
  const { waves: found, share } = strongestWaves(
    waves([
      [1, 13 / 47, 0.4],
      [0.8, 13 / 47 - 1 / 5, 2],
    ]),
  );
  const [first, second] = [...found].sort((a, b) => b - a);
  assert.ok(Math.abs((first ?? 0) - 13 / 47) < 1e-3 && Math.abs((second ?? 0) - (13 / 47 - 1 / 5)) < 1e-3, found.join(" "));
  assert.ok(share > 0.999);
  assert.ok(beatsAt(found, 1 / 5) && beatsAt(found, -1 / 5) && beatsAt(found, 6 / 5));
  assert.ok(!beatsAt(found, 2 / 5));
  assert.ok(found.every((f) => !isOwn(f, 5)) && isOwn(2 / 5 + 0.001, 5));
});

test("a single wave beats at no frequency that it was not given; noise does at the rate of chance", () => {
  const { normal } = randomStream(3, "beats");
  const draws = 200;
  let hits = 0;
  for (let draw = 0; draw < draws; draw++) {
    const part = Float64Array.from({ length: P }, () => normal());
    if (beatsAt(strongestWaves(part).waves, 1 / 5)) hits += 1;
  }
  // Four intervals of 0.006: 2.4 %, of 200 some 5 (at most 15 in all but one in 10,000).
  assert.ok(hits <= 15, `${hits} of ${draws}`);
});
