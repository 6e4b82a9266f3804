/** Closed forms: what needs no network. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Adam, fitted, totalVariation, whiteNoise } from "../src/descent.js";

test("Adam takes Keras' first steps", () => {
  const image = Float32Array.of(0.5, 0.5, 0.5, 0.01);
  const adam = new Adam(4);
  const gradient = Float32Array.of(1, -1e-6, 0, 1);
  adam.step(image, gradient);
  // After one step mean and root of the square are 0.1 g and 0.0316 |g|, and the rate is 0.00632.
  const root = Math.sqrt(0.001);
  const small = (0.02 * root * 1e-6) / (root * 1e-6 + 1e-7);
  [0.48, 0.5 + small, 0.5, 0].forEach((expected, i) => {
    assert.ok(Math.abs(image[i] - expected) < 1e-6, `number ${i} is ${image[i]}, not ${expected}`);
  });
  for (let step = 2; step <= 5; step++) adam.step(image, gradient);
  assert.ok(Math.abs(image[0] - 0.4) < 1e-5, "a steady gradient moves by the rate at every step");
});

test("a checkerboard has a total variation of 2, and plain colour none", () => {
  const size = { height: 4, width: 6 };
  const board = Float32Array.from({ length: 72 }, (_, i) => (i + Math.floor(i / 6)) % 2);
  const gradient = new Float32Array(72);
  assert.ok(Math.abs(totalVariation(board, size, gradient, 0) - 2) < 1e-12);
  assert.deepEqual(gradient, new Float32Array(72));
  assert.equal(totalVariation(new Float32Array(72).fill(0.3), size, gradient, 1), 0);
  assert.deepEqual(gradient, new Float32Array(72));
});

test("the slope of total variation is that of its values", () => {
  const size = { height: 5, width: 4 };
  const image = whiteNoise(60, 1);
  const gradient = new Float32Array(60).fill(0.25);
  totalVariation(image, size, gradient, 3);
  for (const i of [0, 3, 19, 20, 37, 59]) {
    const values = [1e-3, -1e-3].map((change) => {
      const moved = image.slice();
      moved[i] += change;
      return totalVariation(moved, size, new Float32Array(60), 0);
    });
    const slope = 0.25 + (3 * (values[0] - values[1])) / 2e-3;
    assert.ok(Math.abs(gradient[i] - slope) < 1e-4, `number ${i}: ${gradient[i]}, not ${slope}`);
  }
});

test("noise is normal, and a seed tells which", () => {
  const noise = whiteNoise(20000, 5);
  const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
  const spread = Math.sqrt(noise.reduce((sum, v) => sum + (v - mean) ** 2, 0) / noise.length);
  assert.ok(Math.abs(mean - 0.5) < 0.005 && Math.abs(spread - 0.15) < 0.005, `${mean} ${spread}`);
  const beyond = noise.filter((value) => Math.abs(value - 0.5) > 0.3).length / noise.length;
  assert.ok(Math.abs(beyond - 0.0455) < 0.006, `${beyond} lie beyond two deviations`);
  const lagged = noise.slice(1).reduce((sum, v, i) => sum + (v - mean) * (noise[i] - mean), 0);
  assert.ok(Math.abs(lagged / noise.length / spread ** 2) < 0.03);
  assert.deepEqual(whiteNoise(9, 5), noise.slice(0, 9));
  assert.notDeepEqual(whiteNoise(9, 6), noise.slice(0, 9));
});

test("sides are multiples of 16, near the aspect", () => {
  assert.deepEqual(fitted({ height: 300, width: 451 }, 128), { height: 80, width: 128 });
  assert.deepEqual(fitted({ height: 1000, width: 100 }, 128), { height: 128, width: 32 });
  assert.deepEqual(fitted({ height: 512, width: 512 }, 96), { height: 96, width: 96 });
});
