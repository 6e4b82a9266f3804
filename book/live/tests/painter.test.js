/** A painter's file, its network, and the move of colours. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-web";
import { meanPalette, moveBetween, paletteOf, power, toNetwork } from "../src/colours.js";
import { whiteNoise } from "../src/descent.js";
import { joined, varint } from "../src/onnx.js";
import { fromHalves, readPainter } from "../src/painter.js";

/** @typedef {{shape: number[], values: number[]}} Stored */

const ARCHITECTURE = {
  paintings: 2, channels: [2, 3, 4], blocks: 1, first_kernel: 5, last_kernel: 3, residual: true,
};
const NORMALISED = /** @type {[string, number, number, number][]} */ ([
  ["down1", 5, 3, 2], ["down2", 3, 2, 3], ["down3", 3, 3, 4],
  ["block1_conv1", 3, 4, 4], ["block1_conv2", 3, 4, 4], ["up1", 3, 4, 3], ["up2", 3, 3, 2],
]);

/** Weights of a small network; its last layer is 0. @returns {Record<string, Stored>} */
function weights() {
  /** @type {Record<string, Stored>} */
  const found = { "last/bias": { shape: [3], values: [0, 0, 0] } };
  /** @param {string} name @param {number[]} shape @param {number} middle @param {number} seed */
  const noise = (name, shape, middle, seed) => {
    const values = whiteNoise(shape.reduce((a, b) => a * b), seed);
    found[name] = { shape, values: Array.from(values, (value) => value - 0.5 + middle) };
  };
  NORMALISED.forEach(([name, side, from, to], place) => {
    noise(`${name}/kernel`, [side, side, from, to], 0, place);
    noise(`${name}/scale`, [2, to], 1, 50 + place);
    noise(`${name}/shift`, [2, to], 0, 90 + place);
  });
  found["last/kernel"] = { shape: [3, 3, 2, 3], values: Array(54).fill(0) };
  return found;
}

/**
 * A file as safetensors lays it out.
 * @param {Record<string, Stored>} stored @param {object} said
 * @returns {ArrayBuffer}
 */
function packed(stored, said) {
  /** @type {Record<string, object>} */
  const header = { __metadata__: { nsthelpers: JSON.stringify(said) } };
  let end = 0;
  for (const [name, { shape, values }] of Object.entries(stored)) {
    header[name] = { dtype: "F32", shape, data_offsets: [end, (end += 4 * values.length)] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const numbers = Object.values(stored).flatMap(({ values }) => values);
  const length = new Uint8Array(new BigUint64Array([BigInt(text.length)]).buffer);
  return joined([length, text, new Uint8Array(Float32Array.from(numbers).buffer)]).buffer;
}

const SAID = { kind: "a painter", architecture: ARCHITECTURE, names: ["a", "b"], palettes: null };

/** @param {ArrayBuffer} file @param {number[]} mix @param {Float32Array} image */
async function painted(file, mix, image, height = 8, width = 12) {
  const session = await ort.InferenceSession.create(readPainter("a", file).model);
  const { painted: found } = await session.run({
    image: new ort.Tensor("float32", image, [1, height, width, 3]),
    mix: new ort.Tensor("float32", Float32Array.from(mix), [1, mix.length]),
  });
  assert.deepEqual(found.dims, [1, height, width, 3]);
  return /** @type {Float32Array} */ (found.data);
}

/** @param {ArrayLike<number>} found @param {ArrayLike<number>} expected @param {number} [within] */
function near(found, expected, within = 1e-5) {
  assert.equal(found.length, expected.length);
  for (let i = 0; i < found.length; i++) {
    const apart = Math.abs(found[i] - expected[i]);
    assert.ok(apart <= within, `number ${i} is ${found[i]}, not ${expected[i]}`);
  }
}

test("halves are read, the smallest and what is no number as well", () => {
  const codes = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x7c00, 0x7e00);
  const found = [...fromHalves(codes)];
  assert.deepEqual(found, [1, -2, 2 ** -24, 65504, -0, Infinity, NaN]);
});

test("a network that changes nothing keeps the picture, but for black and white", async () => {
  const image = whiteNoise(8 * 12 * 3, 1);
  const found = await painted(packed(weights(), SAID), [1, 0], image);
  near(found, image.map((value) => 0.02 + 0.96 * value));
  const paints = { ...SAID, architecture: { ...ARCHITECTURE, residual: false } };
  near(await painted(packed(weights(), paints), [1, 0], image), Array(image.length).fill(0.5));
});

test("a mixture is a mixture of the rows", async () => {
  const stored = weights();
  stored["last/kernel"].values = Array.from(whiteNoise(54, 7), (value) => value - 0.5);
  const image = whiteNoise(8 * 12 * 3, 1);
  const mixed = await painted(packed(stored, SAID), [0.25, 0.75], image);
  const alone = structuredClone(stored);
  for (const [name, row] of Object.entries(alone)) {
    if (!/scale|shift/.test(name)) continue;
    const half = row.values.length / 2;
    row.values = row.values.slice(0, half).map((a, i) => 0.25 * a + 0.75 * row.values[half + i]);
    row.shape = [1, half];
  }
  const one = { ...SAID, architecture: { ...ARCHITECTURE, paintings: 1 }, names: ["a"] };
  near(mixed, await painted(packed(alone, one), [1], image));
  const other = await painted(packed(stored, SAID), [1, 0], image);
  assert.ok(mixed.some((value, i) => Math.abs(value - other[i]) > 1e-3), "the rows differ");
});

test("what is no painter is named, with what would be one", () => {
  const whole = packed(weights(), SAID);
  /** @param {ArrayBuffer} file @param {RegExp} reason */
  const refused = (file, reason) => {
    const read = () => readPainter("my.file", file);
    assert.throws(read, reason);
    assert.throws(read, /^Error: my\.file is no painter: .*; choose what painter\.save\(/);
  };
  refused(whole.slice(0, -1), /cut short/);
  refused(whole.slice(0, 100), /cut short/);
  refused(new ArrayBuffer(0), /of which paintings/);
  refused(packed(weights(), { kind: "a training" }), /something else/);
  refused(packed(weights(), { ...SAID, names: [] }), /of which paintings/);
  const lacking = weights();
  delete lacking["up1/kernel"];
  refused(packed(lacking, SAID), /up1\/kernel has the shape \(none\), not \(3,3,4,3\)/);
  const broken = weights();
  broken["down2/shift"].values[1] = NaN;
  refused(packed(broken, SAID), /down2\/shift holds values that are not finite/);
  const letter = new TextEncoder().encode("Dear Vincent, thank you for yours.");
  refused(joined([letter]).buffer, /is no painter/);
});

test("a model says of which paintings it is", () => {
  const encoder = new TextEncoder();
  /** @param {number} field @param {Uint8Array} part */
  const entry = (field, part) => joined([varint((field << 3) | 2), varint(part.length), part]);
  /** @param {string} key @param {string} value */
  const property = (key, value) =>
    entry(14, joined([entry(1, encoder.encode(key)), entry(2, encoder.encode(value))]));
  const palettes = [[[0, 0, 0], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]]];
  const before = [varint(1 << 3), varint(8), entry(7, new Uint8Array(300)), property("other", "x")];
  const said = JSON.stringify({ names: ["a"], palettes });
  const model = joined([...before, property("nsthelpers", said)]);
  assert.deepEqual(readPainter("a.onnx", model.buffer), { model, names: ["a"], palettes });
  const without = () => readPainter("a.onnx", joined(before).buffer);
  assert.throws(without, /does not say of which paintings/);
});

/** A picture of noise, in colours that hang together. @param {number} seed */
function picture(seed) {
  const noise = whiteNoise(1200, seed);
  return Uint8ClampedArray.from(noise, (value, n) => {
    if (n % 4 === 3) return 255;
    return 255 * (0.5 + 0.2 * (noise[n - (n % 4)] - 0.5) * (1 + seed) + 0.3 * (value - 0.5));
  });
}

test("a palette is mean and covariance", () => {
  const [mean, covariance] = paletteOf(Uint8ClampedArray.of(0, 51, 255, 255, 102, 51, 0, 255));
  near(mean, [0.2, 0.2, 0.5], 1e-12);
  near(covariance.flat(), [0.08, 0, -0.2, 0, 0, 0, -0.2, 0, 0.5], 1e-12);
  const palettes = [1, 2].map((seed) => paletteOf(picture(seed)));
  assert.deepEqual(meanPalette(palettes, [0, 1]), palettes[1]);
  const [[red]] = meanPalette(palettes, [0.25, 0.75]);
  near([red], [0.25 * palettes[0][0][0] + 0.75 * palettes[1][0][0]], 1e-12);
});

test("a root times itself is the matrix", () => {
  const [, covariance] = paletteOf(picture(3));
  const root = power(covariance, 0.5);
  const again = root.map((row) => {
    return [0, 1, 2].map((j) => row.reduce((sum, value, k) => sum + value * root[k][j], 0));
  });
  near(again.flat(), covariance.flat(), 1e-12);
  const inverse = power([[4, 0, 0], [0, 9, 0], [0, 0, 0.25]], -0.5);
  near(inverse.flat(), [0.5, 0, 0, 0, 1 / 3, 0, 0, 0, 2], 1e-12);
});

test("moved colours have the other picture's mean and covariance", () => {
  const [own, wanted] = [picture(1), picture(2)];
  const moved = toNetwork(own, moveBetween(paletteOf(own), paletteOf(wanted)));
  const count = moved.length / 3;
  const [mean, covariance] = paletteOf(wanted);
  const channels = [0, 1, 2].map((i) => moved.filter((_, n) => n % 3 === i));
  near(channels.map((each) => each.reduce((sum, value) => sum + value, 0) / count), mean);
  for (const i of [0, 1, 2]) {
    for (const j of [0, 1, 2]) {
      const products = channels[i].map((v, n) => (v - mean[i]) * (channels[j][n] - mean[j]));
      const sum = products.reduce((whole, each) => whole + each, 0);
      // Not to the last digit: the small number that makes grey pictures invertible is in it.
      assert.ok(Math.abs(sum / (count - 1) / covariance[i][j] - 1) < 0.01, `${i}, ${j}`);
    }
  }
  near(toNetwork(Uint8ClampedArray.of(0, 51, 255, 255), null), [0, 0.2, 1], 1e-6);
});
