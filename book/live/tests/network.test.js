/** The graph: its bytes, its weights, and its gradient against differences of its values. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import * as ort from "onnxruntime-web";
import { Objective, runtimeFolder } from "../src/engine.js";
import { whiteNoise } from "../src/descent.js";
import { joined, varint } from "../src/onnx.js";
import { LAYERS, Weights, decoded, downTo, flipped, paperName } from "../src/vgg.js";

const here = new URL("../", import.meta.url);

/** A network of VGG's shape with few channels. @returns {Record<string, import("../src/vgg.js").Layer>} */
function small() {
  let inputs = 3;
  /** @type {[string, import("../src/vgg.js").Layer][]} */
  const layers = LAYERS.slice(0, 5).map((name, place) => {
    const outputs = 4 + place;
    // White noise of mean 0.5, made into weights of mean 0; the first ones see numbers of 0 to 255.
    const noise = whiteNoise(outputs * inputs * 9, place).map((value) => 2 * (value - 0.5));
    const kernel = place ? noise : noise.map((value) => value / 100);
    const layer = { inputs, outputs, kernel, bias: whiteNoise(outputs, 100 + place) };
    inputs = outputs;
    return [name, layer];
  });
  return Object.fromEntries(layers);
}

/** @param {number} seed @param {number} height @param {number} width */
const picture = (seed, height, width) =>
  ({ data: whiteNoise(3 * height * width, seed), height, width });

test("whole numbers are written in base 128, negative ones in ten bytes", () => {
  assert.deepEqual([...varint(0)], [0]);
  assert.deepEqual([...varint(300)], [0b10101100, 0b10]);
  assert.equal(varint(-1).length, 10);
  assert.deepEqual(joined([varint(1), varint(2)]), Uint8Array.of(1, 2));
});

test("layers have two names, and those above are needed", () => {
  assert.equal(LAYERS.length, 16);
  assert.equal(paperName("block4_conv2"), "conv4_2");
  assert.deepEqual(downTo(["block2_conv1", "block1_conv1"]), LAYERS.slice(0, 3));
  assert.throws(() => downTo(["conv4_2"]), /conv4_2; expected some of block1_conv1/);
  assert.throws(() => downTo([]), /\(none\)/);
});

test("a flipped kernel is the transposed convolution's", () => {
  const kernel = Float32Array.from({ length: 36 }, (_, i) => i);
  const turned = flipped({ inputs: 2, outputs: 2, kernel, bias: new Float32Array(2) });
  assert.deepEqual([...turned.slice(9, 18)], [26, 25, 24, 23, 22, 21, 20, 19, 18]);
  const again = flipped({ inputs: 2, outputs: 2, kernel: turned, bias: new Float32Array(2) });
  assert.deepEqual(again, kernel);
});

test("weights are codes into a table, and a file cut short is refused", () => {
  const entry = { file: "", bytes: 4 * 257 + 27, inputs: 3, outputs: 1 };
  const file = new ArrayBuffer(entry.bytes);
  new Float32Array(file, 0, 257).set([0.5, -2], 254); // the last of the table, and the bias
  new Float32Array(file, 0, 257)[256] = 7;
  new Uint8Array(file, 4 * 257).set([254, 255], 25);
  const { kernel, bias } = decoded(file, entry);
  assert.deepEqual([...kernel.slice(24)], [0, 0.5, -2]);
  assert.deepEqual([...bias], [7]);
  assert.throws(() => decoded(file.slice(1), entry), /has 1054 bytes; expected 1055/);
});

test("a file that cannot be had is asked for again", async (t) => {
  const answers = [
    new Response(JSON.stringify({ layers: { block1_conv1: { file: "a.bin", bytes: 1055 } } })),
    new Response("", { status: 503 }),
    new Response(new ArrayBuffer(1055)),
  ];
  t.mock.method(globalThis, "fetch", async () => answers.shift());
  const weights = new Weights("https://example.org/weights/");
  const { layers } = await weights.index();
  Object.assign(layers.block1_conv1, { inputs: 3, outputs: 1 });
  await assert.rejects(weights.load(["block1_conv1"]), /\/weights\/a.bin could not be had.*503/);
  assert.equal((await weights.load(["block1_conv1"])).block1_conv1.kernel.length, 27);
});

test("the gradient is the slope of the loss", async () => {
  const choice = { content: "block2_conv2", style: ["block1_conv1", "block2_conv1", "block3_conv1"] };
  const weights = { content: 1, style: 2, variation: 0 };
  const pictures = { photo: picture(1, 16, 24), painting: picture(2, 32, 16) };
  const objective = await Objective.make(ort, "wasm", small(), choice, pictures, weights);
  const image = picture(3, 16, 24);
  const { losses, gradient } = await objective.evaluate(image);
  assert.ok(Math.abs(losses.content + 2 * losses.style - losses.total) < 1e-12);
  assert.ok(losses.content > 0.01 && losses.style > 1e-4, JSON.stringify(losses));
  // Along a direction, from both sides: float32 has no digits for single pixels.
  const direction = gradient.map((value, i) => value * (i % 3 ? 1 : -0.5));
  const length = Math.hypot(...direction);
  const totals = [];
  for (const far of [2e-2, -2e-2]) {
    const data = image.data.map((value, i) => value + (far * direction[i]) / length);
    totals.push((await objective.evaluate({ ...image, data })).losses.total);
  }
  const slope = (totals[0] - totals[1]) / 4e-2;
  const expected = gradient.reduce((sum, value, i) => sum + value * direction[i], 0) / length;
  assert.ok(Math.abs(slope / expected - 1) < 0.01, `${slope}, not ${expected}`);

  objective.weights = { content: 0, style: 4, variation: 0 };
  const other = await objective.evaluate(image);
  assert.ok(Math.abs(other.losses.total - 4 * losses.style) < 1e-6, "weights may change at any time");
  const atPhoto = await objective.evaluate(pictures.photo);
  assert.ok(atPhoto.losses.content < 1e-10 && atPhoto.losses.style > 0);
  await objective.release();
});

test("a loss that is no number is an error in plain words", async () => {
  const choice = { content: "block1_conv1", style: ["block1_conv1"] };
  const weights = { content: 1, style: Infinity, variation: 0 };
  const pictures = { photo: picture(1, 16, 16), painting: picture(2, 16, 16) };
  const objective = await Objective.make(ort, "wasm", small(), choice, pictures, weights);
  await assert.rejects(objective.evaluate(picture(3, 16, 16)), /lower the weights/);
});

test("the page asks for the runtime that npm brings", async () => {
  const packages = JSON.parse(await readFile(new URL("../package.json", here), "utf8"));
  const pinned = JSON.parse(await readFile(new URL("runtime.json", here), "utf8"));
  assert.equal(packages.dependencies["onnxruntime-web"], pinned.version);
  const folder = runtimeFolder(new URL("https://example.org/live/"));
  assert.equal(folder.href, `https://example.org/live/runtime/${pinned.version}/`);
});
