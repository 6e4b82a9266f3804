/**
 * The objective at work: onnxruntime-web, what it may run on, targets, and evaluations.
 * @module
 */
import { objectiveGraph } from "./objective.js";
import { totalVariation, whiteNoise } from "./descent.js";
import { blockOf, downTo, fetched, flipped } from "./vgg.js";

/** @typedef {typeof import("onnxruntime-web")} Runtime */
/** @typedef {import("onnxruntime-web").Tensor} Tensor */
/** @typedef {"wasm" | "webgpu"} Device */
/** @typedef {{data: Float32Array<ArrayBuffer>, height: number, width: number}} Picture */
/** @typedef {{content: number, style: number, variation: number}} Weights alpha, beta, gamma */
/** @typedef {{content: number, style: number, variation: number, total: number}} Losses */

/** What is downloaded of the runtime. */
export const RUNTIMES = {
  wasm: {
    script: "ort.wasm.bundle.min.mjs",
    binary: "ort-wasm-simd-threaded.wasm.gz",
    megabytes: 3.7,
  },
  webgpu: {
    script: "ort.webgpu.bundle.min.mjs",
    binary: "ort-wasm-simd-threaded.asyncify.wasm.gz",
    megabytes: 6.7,
  },
};
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|warp/i;

/** Where the runtime's files are. @param {URL} root the page's folder */
export const runtimeFolder = (root) => new URL("runtime/1.30.0/", root);

/**
 * Load the runtime. That for WebGPU knows WebAssembly as well.
 * @param {URL | string} folder where the runtime's files are; ends in a slash
 * @param {Device} device
 * @param {(bytes: number) => void} [onDone]
 * @returns {Promise<Runtime>}
 */
export async function loadRuntime(folder, device, onDone) {
  const { script, binary } = RUNTIMES[device];
  if (!globalThis.DecompressionStream) {
    throw new Error("this browser is too old; take one of 2023 or later");
  }
  const file = new Blob([await fetched(new URL(binary, folder), onDone)]);
  const unpacked = file.stream().pipeThrough(new DecompressionStream("gzip"));
  /** @type {Runtime} */
  const ort = await import(new URL(script, folder).href);
  ort.env.wasm.wasmBinary = await new Response(unpacked).arrayBuffer();
  // Threads share memory, which browsers allow where the server asks for isolation.
  const cores = navigator.hardwareConcurrency;
  ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? Math.min(8, cores) : 1;
  ort.env.logLevel = "error";
  return ort;
}

/**
 * Why there is no graphics card to compute on; "" if there is one.
 * @returns {Promise<string>}
 */
export async function whyNoGraphicsCard() {
  // Not every browser, nor TypeScript's library for pages, knows of it.
  const gpu = /** @type {any} */ (navigator).gpu;
  if (!gpu) return "this browser has no WebGPU";
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter) return "WebGPU finds no graphics card";
  const { vendor = "", architecture = "", device = "", description = "" } = adapter.info ?? {};
  const fallback = adapter.isFallbackAdapter || adapter.info?.isFallbackAdapter;
  const software = SOFTWARE.test([vendor, architecture, device, description].join(" "));
  return fallback || software ? "WebGPU is only imitated by the processor here, slowly" : "";
}

/**
 * An objective with its targets, on a device.
 */
export class Objective {
  /** @type {Record<string, Tensor>} */
  #feeds = {};

  /**
   * @param {Runtime} ort
   * @param {import("onnxruntime-web").InferenceSession} session
   * @param {Weights} weights they may be changed at any time
   */
  constructor(ort, session, weights) {
    this.ort = ort;
    this.session = session;
    this.weights = weights;
  }

  /**
   * @param {Runtime} ort
   * @param {Device} device
   * @param {Record<string, import("./vgg.js").Layer>} layers
   * @param {import("./objective.js").Choice} choice
   * @param {{photo: Picture, painting: Picture}} pictures sides are multiples of 16
   * @param {Weights} weights
   */
  static async make(ort, device, layers, choice, { photo, painting }, weights) {
    const externalData = downTo([choice.content, ...choice.style]).flatMap((name) => [
      { path: name, data: raw(layers[name].kernel) },
      { path: `${name}:bias`, data: raw(layers[name].bias) },
      { path: `${name}:flipped`, data: raw(flipped(layers[name])) },
    ]);
    const session = await ort.InferenceSession.create(objectiveGraph(layers, choice), {
      executionProviders: [device],
      externalData,
      logSeverityLevel: 3, // errors
    });
    const objective = new Objective(ort, session, weights);
    await objective.#aim(layers, choice, photo, painting);
    return objective;
  }

  /**
   * Make the targets: the photograph's features and the painting's Gram matrices.
   * @param {Record<string, import("./vgg.js").Layer>} layers
   * @param {import("./objective.js").Choice} choice
   * @param {Picture} photo
   * @param {Picture} painting
   */
  async #aim(layers, choice, photo, painting) {
    const feeds = this.#feeds;
    /** @param {number[]} shape */
    const nothing = (shape) =>
      this.#tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
    /** @param {string} name @param {Picture} picture @returns {[number, number, number]} */
    const shape = (name, { height, width }) => {
      const halved = 2 ** (blockOf(name) - 1);
      return [layers[name].outputs, height / halved, width / halved];
    };
    /** @param {Picture} picture */
    const aimless = (picture) => {
      feeds.content_target = nothing([1, ...shape(choice.content, picture)]);
      feeds.content_scale = nothing([]);
      for (const name of choice.style) {
        const [channels, rows, columns] = shape(name, picture);
        feeds[`gram_target:${name}`] = nothing([channels, channels]);
        feeds[`gram_scale:${name}`] = nothing([]);
        feeds[`positions:${name}`] = this.#scalar(1 / (rows * columns));
      }
    };
    const grams = choice.style.map((name) => `gram:${name}`);
    aimless(painting);
    const ofPainting = await this.#run(painting, grams);
    aimless(photo);
    const { features } = await this.#run(photo, ["features"]);
    feeds.content_target = features;
    feeds.content_scale = this.#scalar(1 / power(features));
    for (const name of choice.style) {
      const gram = ofPainting[`gram:${name}`];
      feeds[`gram_target:${name}`] = gram;
      feeds[`gram_scale:${name}`] = this.#scalar(1 / (choice.style.length * power(gram)));
    }
  }

  /**
   * Judge an image of the photograph's size.
   * @param {Picture} picture
   * @returns {Promise<{losses: Losses, weights: Weights, gradient: Float32Array<ArrayBuffer>}>} each
   *   loss before its weight; total and gradient are of the weighted sum
   */
  async evaluate(picture) {
    const weights = { ...this.weights };
    const found = await this.#run(picture, ["content", "style", "gradient"]);
    const gradient = /** @type {Float32Array<ArrayBuffer>} */ (found.gradient.data).slice();
    const [content, style] = [Number(found.content.data[0]), Number(found.style.data[0])];
    const variation = totalVariation(picture.data, picture, gradient, weights.variation);
    const total =
      weights.content * content + weights.style * style + weights.variation * variation;
    if (!Number.isFinite(total)) throw new Error("the loss is no number; lower the weights");
    return { losses: { content, style, variation, total }, weights, gradient };
  }

  release() {
    return this.session.release();
  }

  /**
   * @param {Picture} picture
   * @param {string[]} wanted
   */
  #run({ data, height, width }, wanted) {
    const image = this.#tensor(data, [1, 3, height, width]);
    const [alpha, beta] = [this.weights.content, this.weights.style].map(this.#scalar, this);
    return this.session.run({ ...this.#feeds, image, alpha, beta }, wanted);
  }

  /** @param {Float32Array} data @param {readonly number[]} shape */
  #tensor(data, shape) {
    return new this.ort.Tensor("float32", data, shape);
  }

  /** @param {number} value */
  #scalar(value) {
    return this.#tensor(Float32Array.of(value), []);
  }
}

/** The bytes of numbers, not copied. @param {Float32Array} numbers */
const raw = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength);

/**
 * The sum of squares, with the package's small number against targets of zeros.
 * @param {Tensor} tensor
 */
function power({ data }) {
  let sum = 1e-12 * data.length;
  for (const value of /** @type {Float32Array} */ (data)) sum += value * value;
  return sum;
}

/**
 * Whether a graphics card computes what the processor does: one evaluation at 32 px.
 * @param {Runtime} ort that for WebGPU
 * @param {Record<string, import("./vgg.js").Layer>} layers down to the first of block 2
 * @returns {Promise<boolean>}
 */
export async function agrees(ort, layers) {
  const choice = { content: "block2_conv1", style: ["block1_conv1", "block2_conv1"] };
  const [photo, painting, image] = [1, 2, 3].map((seed) => ({
    data: whiteNoise(3 * 32 * 32, seed), height: 32, width: 32,
  }));
  const weights = { content: 1, style: 10, variation: 0 };
  const found = [];
  for (const device of /** @type {Device[]} */ (["wasm", "webgpu"])) {
    const objective = await Objective.make(ort, device, layers, choice, { photo, painting }, weights);
    found.push(await objective.evaluate(image));
    await objective.release();
  }
  const [exact, other] = found;
  const apart = exact.gradient.reduce((sum, g, i) => sum + (g - other.gradient[i]) ** 2, 0);
  const whole = exact.gradient.reduce((sum, g) => sum + g * g, 0);
  const nearby = Math.abs(other.losses.total / exact.losses.total - 1) < 1e-2;
  return nearby && Math.sqrt(apart / whole) < 1e-2;
}
