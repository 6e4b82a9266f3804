/**
 * A picture's colours moved to a painting's, as nsthelpers' match_colours does it by default: the
 * mean and the covariance of the one become those of the other, by the least move of all.
 * Pitié and Kokaram (2007), "The linear Monge-Kantorovitch linear colour mapping", eq. 21.
 * @module
 */

/** @typedef {import("./painter.js").Palette} Palette */
/** @typedef {number[][]} Matrix 3 x 3 */
/** @typedef {[number[], Palette[0], Matrix]} Move (x - first) third + second */

const CHANNELS = [0, 1, 2];

/** @param {(row: number, column: number) => number} value @returns {Matrix} */
const matrix = (value) => CHANNELS.map((i) => CHANNELS.map((j) => value(i, j)));

/** @param {Matrix} a @param {Matrix} b */
const product = (a, b) => matrix((i, j) => CHANNELS.reduce((sum, k) => sum + a[i][k] * b[k][j], 0));

/**
 * Mean and covariance of a picture's colours.
 * @param {Uint8ClampedArray} pixels red, green, blue and opacity of each
 * @returns {Palette}
 */
export function paletteOf(pixels) {
  const count = pixels.length / 4;
  const sums = [0, 0, 0];
  const products = new Float64Array(9); // whole numbers, so that they are exact
  for (let n = 0; n < pixels.length; n += 4) {
    for (let i = 0; i < 3; i++) {
      sums[i] += pixels[n + i];
      for (let j = i; j < 3; j++) products[3 * i + j] += pixels[n + i] * pixels[n + j];
    }
  }
  const covariance = matrix((i, j) => {
    const sum = products[3 * Math.min(i, j) + Math.max(i, j)];
    return (sum - (sums[i] * sums[j]) / count) / (count - 1) / 255 ** 2;
  });
  return [sums.map((sum) => sum / count / 255), covariance];
}

/**
 * The mean of several palettes, each with its share.
 * @param {Palette[]} palettes @param {number[]} shares summing to 1
 * @returns {Palette}
 */
export function meanPalette(palettes, shares) {
  /** @param {(palette: Palette) => number} value */
  const mean = (value) => palettes.reduce((sum, each, n) => sum + shares[n] * value(each), 0);
  return [
    CHANNELS.map((i) => mean(([colour]) => colour[i])),
    matrix((i, j) => mean(([, covariance]) => covariance[i][j])),
  ];
}

/**
 * How colours of one palette become those of another.
 * @param {Palette} own @param {Palette} wanted
 * @returns {Move}
 */
export function moveBetween([mean, covariance], [newMean, newCovariance]) {
  // A grey picture has no colours to spread: a little of every colour keeps it invertible.
  const spread = covariance.map((row, i) => row.map((value, j) => value + (i === j ? 1e-6 : 0)));
  const [root, inverse] = [power(spread, 0.5), power(spread, -0.5)];
  const inner = power(product(product(root, newCovariance), root), 0.5);
  return [mean, newMean, product(product(inverse, inner), inverse)];
}

/**
 * A picture as a network takes it, in other colours if a move is given.
 * @param {Uint8ClampedArray} pixels red, green, blue and opacity of each
 * @param {Move | null} move
 * @returns {Float32Array<ArrayBuffer>} red, green and blue of each, in [0, 1]
 */
export function toNetwork(pixels, move) {
  const [mean, newMean, map] = move ?? [[0, 0, 0], [0, 0, 0], matrix((i, j) => Number(i === j))];
  const data = new Float32Array((3 * pixels.length) / 4);
  for (const i of CHANNELS) {
    // One channel at a time, with all that is the same for every pixel worked out before.
    const [r, g, b] = CHANNELS.map((j) => map[j][i] / 255);
    const rest = newMean[i] - CHANNELS.reduce((sum, j) => sum + mean[j] * map[j][i], 0);
    for (let to = i, from = 0; to < data.length; to += 3, from += 4) {
      const value = r * pixels[from] + g * pixels[from + 1] + b * pixels[from + 2] + rest;
      data[to] = Math.min(1, Math.max(0, value));
    }
  }
  return data;
}

/**
 * A power of a symmetric matrix without negative eigenvalues, which Jacobi's rotations find.
 * @param {Matrix} symmetric @param {number} exponent
 */
export function power(symmetric, exponent) {
  let values = symmetric;
  let vectors = matrix((i, j) => Number(i === j));
  for (let sweep = 0; sweep < 10; sweep++) {
    for (const [p, q] of [[0, 1], [0, 2], [1, 2]]) {
      if (values[p][q] === 0) continue;
      const angle = 0.5 * Math.atan2(2 * values[p][q], values[q][q] - values[p][p]);
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      const rotation = matrix((i, j) => Number(i === j));
      [rotation[p][p], rotation[q][q], rotation[p][q], rotation[q][p]] = [cos, cos, sin, -sin];
      const back = matrix((i, j) => rotation[j][i]);
      values = product(product(back, values), rotation);
      vectors = product(vectors, rotation);
    }
  }
  const powers = CHANNELS.map((k) => Math.max(values[k][k], 0) ** exponent);
  return product(matrix((i, k) => vectors[i][k] * powers[k]), matrix((k, j) => vectors[j][k]));
}
