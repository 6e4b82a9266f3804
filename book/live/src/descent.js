/**
 * What needs no network: Adam, total variation, and noise to start from. An image is a list of
 * numbers, all of red, then green, then blue, row by row, in [0, 1].
 * @module
 */

/** @typedef {{height: number, width: number}} Size */

/**
 * Adam as Keras has it, kept within [0, 1]. https://arxiv.org/abs/1412.6980, the form with "epsilon
 * hat" at the end of its section 2.
 */
export class Adam {
  /** @param {number} length how many numbers an image has @param {number} [rate] of learning */
  constructor(length, rate = 0.02) {
    this.rate = rate;
    this.steps = 0;
    this.mean = new Float32Array(length);
    this.square = new Float32Array(length);
  }

  /**
   * One step downhill; the image is changed.
   * @param {Float32Array} image
   * @param {Float32Array} gradient
   */
  step(image, gradient) {
    const { mean, square } = this;
    this.steps += 1;
    const rate = (this.rate * Math.sqrt(1 - 0.999 ** this.steps)) / (1 - 0.9 ** this.steps);
    for (let i = 0; i < image.length; i++) {
      mean[i] += 0.1 * (gradient[i] - mean[i]);
      square[i] += 0.001 * (gradient[i] * gradient[i] - square[i]);
      const moved = image[i] - (rate * mean[i]) / (Math.sqrt(square[i]) + 1e-7);
      image[i] = Math.min(1, Math.max(0, moved));
    }
  }
}

/**
 * Mean absolute difference of neighbours side by side, plus that of neighbours one above the other.
 * @param {Float32Array} image
 * @param {Size} size
 * @param {Float32Array} gradient to which weight times its gradient is added
 * @param {number} weight
 * @returns {number} the loss, before its weight
 */
export function totalVariation(image, { height, width }, gradient, weight) {
  const across = 1 / (3 * height * (width - 1));
  const down = 1 / (3 * (height - 1) * width);
  let loss = 0;
  for (let i = 0; i < image.length; i++) {
    const column = i % width;
    const row = Math.floor(i / width) % height;
    if (column + 1 < width) loss += pair(i, i + 1, across);
    if (row + 1 < height) loss += pair(i, i + width, down);
  }
  return loss;

  /** @param {number} i @param {number} j @param {number} share of a pair in the mean */
  function pair(i, j, share) {
    const difference = image[j] - image[i];
    const slope = weight * share * Math.sign(difference);
    gradient[j] += slope;
    gradient[i] -= slope;
    return share * Math.abs(difference);
  }
}

/**
 * Normal values, mean 0.5, standard deviation 0.15, clipped to [0, 1]; a seed gives the same again.
 * @param {number} length
 * @param {number} [seed] a whole number
 */
export function whiteNoise(length, seed = 0) {
  let state = 2 * seed + 1;
  // Marsaglia (2003), "Xorshift RNGs", Journal of Statistical Software 8 (14), shifts 13, 17, 5.
  const uniform = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32; // never 0
  };
  for (let i = 0; i < 16; i++) uniform(); // the first ones still show how small the seed is
  return Float32Array.from({ length }, () => {
    const radius = Math.sqrt(-2 * Math.log(uniform())); // Box and Muller (1958)
    return Math.min(1, Math.max(0, 0.5 + 0.15 * radius * Math.cos(2 * Math.PI * uniform())));
  });
}

/**
 * The size in which a picture is painted: the long side as wished, the other by its aspect, to the
 * nearest multiple of 16, which VGG halves four times without a rest.
 * @param {Size} size
 * @param {number} side
 * @returns {Size}
 */
export function fitted({ height, width }, side) {
  const scale = side / Math.max(height, width);
  /** @param {number} length */
  const whole = (length) => Math.max(32, 16 * Math.round((length * scale) / 16));
  return { height: whole(height), width: whole(width) };
}
