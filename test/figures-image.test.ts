import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, inflateSync } from "node:zlib";
import * as vega from "vega";
import { compile } from "vega-lite";
import {
  commonDomain,
  encodePng,
  epochColumns,
  epochImageAxis,
  epochSlider,
  figure,
  gridImage,
  keptAt,
  matrixImage,
  packCells,
  palette,
  pngDataUri,
  shownCells,
  tableOf,
  unpackCells,
} from "../src/figures/index.ts";
import { renderSvg, svgToPng } from "../src/figures/render.ts";
import { assertAllClose } from "./helpers/assert.ts";

interface Png {
  readonly width: number;
  readonly height: number;
  readonly header: number[];
  readonly rgb: (x: number, y: number) => number[];
}

/** A reader of indexed PNGs, written from the format's description and from nothing of ours. */
function decodePng(bytes: Uint8Array): Png {
  const file = Buffer.from(bytes);
  assert.deepEqual([...file.subarray(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const typed = file.subarray(at + 4, at + 8 + length);
    assert.equal(file.readUInt32BE(at + 8 + length), crc32(typed), "checksum");
    chunks.set(typed.toString("latin1", 0, 4), typed.subarray(4));
    at += 12 + length;
  }
  const header = chunks.get("IHDR") ?? assert.fail("no header");
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const lines = inflateSync(chunks.get("IDAT") ?? assert.fail("no data"));
  assert.equal(lines.length, (width + 1) * height);
  const colors = chunks.get("PLTE") ?? assert.fail("no palette");
  const rgb = (x: number, y: number) => {
    assert.equal(lines[y * (width + 1)], 0, "filter of the line");
    const index = lines[y * (width + 1) + 1 + x] as number;
    return [...colors.subarray(3 * index, 3 * index + 3)];
  };
  return { width, height, header: [...header.subarray(8)], rgb };
}

/** The images of an SVG, with their place and pixels. */
function imagesOf(svg: string) {
  return [...svg.matchAll(/<image [^>]*>/g)].map(([tag]) => {
    const attribute = (name: string) => new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? "";
    const [, x, y] = /translate\(([-\d.]+),([-\d.]+)\)/.exec(attribute("transform")) ?? [];
    const uri = attribute("xlink:href") || attribute("href");
    const png = decodePng(Buffer.from(uri.replace("data:image/png;base64,", ""), "base64"));
    return { x: Number(x), y: Number(y), width: Number(attribute("width")), height: Number(attribute("height")), png, tag };
  });
}

/** The pixels of an RGBA PNG, [height][width × 4], its lines' filters undone. */
function rgbaRows(bytes: Uint8Array): Uint8Array[] {
  const file = Buffer.from(bytes);
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  assert.deepEqual([...file.subarray(24, 29)], [8, 6, 0, 0, 0]);
  const parts: Buffer[] = [];
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    if (file.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)));
  }
  const lines = inflateSync(Buffer.concat(parts));
  const rows: Uint8Array[] = [];
  for (let y = 0; y < height; y++) {
    const start = y * (4 * width + 1);
    const row = Uint8Array.from(lines.subarray(start + 1, start + 1 + 4 * width));
    const above = rows[y - 1] ?? new Uint8Array(4 * width);
    for (let i = 0; i < row.length; i++) {
      const [a, b, c] = [row[i - 4] ?? 0, above[i] ?? 0, above[i - 4] ?? 0];
      const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
      const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      const guess = [0, a, b, (a + b) >> 1, paeth][lines[start] as number] ?? assert.fail("filter");
      row[i] = (row[i] as number) + guess;
    }
    rows.push(row);
  }
  return rows;
}

test("a figure drawn as a PNG keeps the edges of an image's cells", async () => {
  const panel = matrixImage({
    values: [
      [0, 1],
      [1, 0],
    ],
    width: 60,
    height: 60,
    domain: [0, 1],
    legend: false,
  });
  const rows = rgbaRows(svgToPng(await renderSvg(figure(panel, { description: "two by two" }))));
  const [low, high] = [palette("magnitude", 2).subarray(0, 3), palette("magnitude", 2).subarray(3)].map(String);
  const colors = rows.flatMap((row) => Array.from({ length: row.length / 4 }, (_, x) => String(row.subarray(4 * x, 4 * x + 3))));
  const count = (color: string | undefined) => colors.filter((other) => other === color).length;
  // Of 120 × 120 pixels half each, less the frame.
  for (const color of [low, high]) assert.ok(count(color) > 6900 && count(color) <= 7200, `${color}: ${count(color)} pixels`);
});

test("a PNG holds each pixel's color, and is the same each time", () => {
  const colors = palette("magnitude", 8);
  const pixels = Uint8Array.from({ length: 7 * 5 }, (_, i) => (i * 3) % 8);
  const bytes = encodePng(pixels, 7, 5, colors);
  const { width, height, header, rgb } = decodePng(bytes);
  assert.deepEqual([width, height, ...header], [7, 5, 8, 3, 0, 0, 0]);
  for (let y = 0; y < 5; y++) {
    for (let x = 0; x < 7; x++) {
      const level = pixels[y * 7 + x] as number;
      assert.deepEqual(rgb(x, y), [...colors.subarray(3 * level, 3 * level + 3)]);
    }
  }
  assert.deepEqual(encodePng(pixels, 7, 5, colors), bytes);
  assert.match(pngDataUri(bytes), /^data:image\/png;base64,iVBORw0KGgo/);
});

test("a slider over epochs ends on the last one, and names the last checkpoint that it has reached", () => {
  const epochs = [10, 500, 1000, 12184];
  const named = (shown: number) => new Function("shown", `return ${keptAt("shown", epochs)}`)(shown) as string;
  const expected = { 0: "10", 10: "10", 499: "500", 450: "10", 999: "1000", 5000: "1000", 12100: "12184", 20000: "12184" };
  for (const [shown, epoch] of Object.entries(expected)) assert.equal(named(Number(shown)), epoch, shown);
  for (const last of [1, 150, 12184, 65536]) {
    const { value, bind } = epochSlider("shown", last) as unknown as {
      value: number;
      bind: { min: number; max: number; step: number };
    };
    assert.equal(value, last);
    assert.equal((bind.max - bind.min) % bind.step, 0);
    assert.ok(bind.max === last && bind.min >= 0 && bind.min < bind.step && (last - bind.min) / bind.step <= 200);
  }
  assert.equal("bind" in epochSlider("shown", 0), false);
});

test("the palettes are Vega's schemes, which the legends show", () => {
  for (const [coloring, scheme] of [
    ["magnitude", "viridis"],
    ["signed", "blueorange"],
  ] as const) {
    const colors = palette(coloring, 256);
    const reference = vega.scheme(scheme) as unknown as (t: number) => string;
    for (let i = 0; i < 256; i++) {
      const [, r, g, b] = /rgb\((\d+), (\d+), (\d+)\)/.exec(reference(i / 255)) ?? [];
      assertAllClose([...colors.subarray(3 * i, 3 * i + 3)], [Number(r), Number(g), Number(b)], { rtol: 0, atol: 3 });
    }
  }
});

test("a grid image puts (0, 0) into the top left corner, x0 downwards, on the axes' pixels", async () => {
  const p = 13;
  const planted = Float64Array.from({ length: p * p }, (_, i) => (i === 2 * p + 9 ? 1 : 0)); // x0 = 2, x1 = 9
  const svg = await renderSvg(
    figure(gridImage({ values: { data: planted, columns: p }, width: 130, height: 130 }), { description: "d" }),
  );
  const [image] = imagesOf(svg);
  assert.ok(image);
  assert.deepEqual([image.x, image.y, image.width, image.height], [0, 0, 130, 130]);
  assert.match(image.tag, /preserveAspectRatio="none"/);
  assert.match(image.tag, /pixelated/);
  const [low, high] = [palette("magnitude", 2).subarray(0, 3), palette("magnitude", 2).subarray(3)].map((c) => [...c]);
  for (let y = 0; y < p; y++) for (let x = 0; x < p; x++) assert.deepEqual(image.png.rgb(x, y), y === 2 && x === 9 ? high : low);
  // The axes: label 0 stands half a cell from the left and from the top, 10 px a cell.
  const labels = [...svg.matchAll(/<text [^>]*transform="translate\(([-\d.]+),([-\d.]+)\)"[^>]*>0<\/text>/g)].map(([, x, y]) => [
    Number(x),
    Number(y),
  ]);
  assert.ok(
    labels.some(([x]) => Math.abs((x as number) - 5) < 1),
    "x axis",
  );
  assert.ok(
    labels.some(([, y]) => Math.abs((y as number) - 5) < 5),
    "y axis from the top",
  );
});

test("compared images share a domain, and each value keeps its color", () => {
  const [a, b] = [
    [
      [0, 1],
      [2, 3],
    ],
    [
      [0, 30],
      [20, -10],
    ],
  ];
  assert.deepEqual(commonDomain([a, b]), [-10, 30]);
  assert.deepEqual(commonDomain([a, b], "signed"), [-30, 30]);
  assert.deepEqual(commonDomain([[[0, 0]]]), [0, 1]);
  assert.throws(() => matrixImage({ values: [[1, 2], [3]] }), /row 1 has 1/);
  assert.throws(() => matrixImage({ values: { data: [1, 2, 3], columns: 2 } }), /rows of 2/);
});

test("columns over log epochs hold the last value at or before their epoch", async () => {
  const epochs = [0, 1, 2, 4, 10, 50, 300, 1000];
  const columns = epochColumns(1000, 97);
  assert.ok(columns.every((epoch, i) => epoch > 0 && epoch < 1000 && epoch > (columns[i - 1] ?? -1)));
  assertAllClose(epochColumns(3, 1), [1]); // halfway to 1 + 3 in logarithms is 1 + 1
  const cells = shownCells({ field: "epoch", names: epochs, low: 0, high: 1000, ticks: epochs });
  assertAllClose(
    cells.map((cell) => epochs[cell] ?? -1),
    epochColumns(1000, cells.length).map((epoch) => Math.max(...epochs.filter((tick) => tick <= epoch))),
  );
  // The image and its axis agree: the tick of epoch 100 lies where its column does.
  const panel = matrixImage({
    values: [epochs],
    x: epochImageAxis(epochs),
    width: 300,
    height: 60,
  });
  const svg = await renderSvg(figure(panel, { description: "d" }));
  const [, tick] = /<text [^>]*transform="translate\(([-\d.]+),[-\d.]+\)"[^>]*>100<\/text>/.exec(svg) ?? [];
  assertAllClose([Number(tick)], [(300 * Math.log1p(100)) / Math.log1p(1000)], { rtol: 0, atol: 0.6 });
});

test("packed cells come back to half a level", () => {
  const data = Array.from({ length: 500 }, (_, i) => Math.sin(i * i));
  for (const chars of [1, 2] as const) {
    const packed = packCells(data, 50, [-1, 1], chars);
    assertAllClose(unpackCells(packed), data, { rtol: 0, atol: (1 / (90 ** chars - 1)) * 1.0001 });
    assert.equal(packed.cells.length, 500 * chars);
    assert.doesNotMatch(packed.alphabet, /["\\<]/);
  }
  assert.deepEqual(unpackCells(packCells([-5, 5], 2, [0, 1], 1)), [0, 1], "clamped");
  assert.throws(() => unpackCells({ ...packCells([0], 1, [0, 1], 1), cells: "<" }), /alphabet/);
});

test("a grid's spec holds its values: drawn by Vega-Lite alone, its cells stand where the image's do", async () => {
  const values = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  const spec = figure(matrixImage({ values, y: { labels: ["a", "b"], field: "digit" }, width: 90, height: 40, domain: [0, 6] }), {
    description: "d",
  });
  assert.deepEqual(tableOf(spec).rows.slice(0, 4), [
    { digit: "a", column: 0, value: 1 },
    { digit: "a", column: 1, value: 2 },
    { digit: "a", column: 2, value: 3 },
    { digit: "b", column: 0, value: 4 },
  ]);
  // As a file it is drawn by Vega-Lite alone, without what stands behind it here: one rectangle a cell.
  const read = JSON.parse(JSON.stringify(spec)) as typeof spec;
  const svg = await new vega.View(vega.parse(compile(read).spec), { renderer: "none" }).toSVG();
  assert.equal(imagesOf(svg).length, 0);
  const boxes = [...svg.matchAll(/d="M([\d.]+),([\d.]+)h30v20h-30Z" fill="rgb\((\d+), (\d+), (\d+)\)"/g)].map(([, x, y]) => [
    Number(x),
    Number(y),
  ]);
  assert.deepEqual(
    boxes,
    [0, 20].flatMap((y) => [0, 30, 60].map((x) => [x, y])),
  );
});
