/**
 * VGG19's convolutions: their names, and their weights, from the server or from the cache.
 * @module
 */

/**
 * @typedef {object} Layer
 * @property {number} inputs channels
 * @property {number} outputs channels
 * @property {Float32Array<ArrayBuffer>} kernel shape (outputs, inputs, 3, 3); the first takes RGB
 * @property {Float32Array<ArrayBuffer>} bias shape (outputs,)
 */
/**
 * @typedef {object} Entry a layer's file
 * @property {string} file
 * @property {number} bytes
 * @property {number} inputs
 * @property {number} outputs
 */
/** @typedef {{source: string, licence: string, layers: Record<string, Entry>}} Index */

/** Mean red, green and blue of ImageNet's training images, in 0 to 255. */
export const MEANS = [123.68, 116.779, 103.939];
const CONVOLUTIONS = [2, 2, 4, 4, 4];
const CODES = 256;
const CACHE = "nsthelpers-live";

/** All 16 convolutions, in the order of computation, as Keras calls them. */
export const LAYERS = CONVOLUTIONS.flatMap((count, block) =>
  Array.from({ length: count }, (_, index) => `block${block + 1}_conv${index + 1}`),
);

/** @param {string} layer @returns {number} 1 to 5 */
export const blockOf = (layer) => Number(layer[5]);

/** @param {string} layer such as "block3_conv1" @returns {string} the papers' name, "conv3_1" */
export const paperName = (layer) => layer.replace(/block(\d)_conv(\d)/, "conv$1_$2");

/**
 * The layers that must be computed to know some of them.
 * @param {string[]} wanted
 */
export function downTo(wanted) {
  const places = wanted.map((layer) => LAYERS.indexOf(layer));
  if (!places.length || places.includes(-1)) {
    throw new Error(`layers ${wanted.join(", ") || "(none)"}; expected some of ${LAYERS.join(", ")}`);
  }
  return LAYERS.slice(0, Math.max(...places) + 1);
}

/**
 * A layer out of its file: a table of 256 numbers, the bias, and a code (a place in the table) for
 * each number of the kernel.
 * @param {ArrayBuffer} file
 * @param {Entry} entry
 * @returns {Layer}
 */
export function decoded(file, { inputs, outputs, bytes }) {
  const count = outputs * inputs * 9;
  if (file.byteLength !== bytes || bytes !== 4 * (CODES + outputs) + count) {
    throw new Error(`a file of weights has ${file.byteLength} bytes; expected ${bytes}`);
  }
  const table = new Float32Array(file, 0, CODES);
  const codes = new Uint8Array(file, 4 * (CODES + outputs));
  const kernel = new Float32Array(count);
  for (let i = 0; i < count; i++) kernel[i] = table[codes[i]];
  return { inputs, outputs, kernel, bias: new Float32Array(file, 4 * CODES, outputs) };
}

/**
 * The kernel with which a convolution's gradient is computed, which is a convolution too: inputs
 * and outputs change places, and both sides are turned round.
 * @param {Layer} layer
 * @returns {Float32Array<ArrayBuffer>} shape (inputs, outputs, 3, 3)
 */
export function flipped({ inputs, outputs, kernel }) {
  const turned = new Float32Array(kernel.length);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      const from = (o * inputs + i) * 9;
      const to = (i * outputs + o) * 9 + 8;
      for (let n = 0; n < 9; n++) turned[to - n] = kernel[from + n];
    }
  }
  return turned;
}

/**
 * A file of this page, kept by the browser for the next visit where it can. Files that may change
 * have a digest in their names, so that an old one is never taken for a new one.
 * @param {URL | string} address
 * @param {(bytes: number) => void} [onDone] told of its size
 * @returns {Promise<ArrayBuffer>}
 */
export async function fetched(address, onDone = () => {}) {
  // Without a secure connection there is no cache; in a private window opening it may fail.
  const cache = globalThis.caches && (await caches.open(CACHE).catch(() => undefined));
  let response = await cache?.match(address);
  if (!response) {
    response = await fetch(address).catch(() => undefined);
    if (!response?.ok) {
      const reason = response ? `the server answered ${response.status}` : "there was no answer";
      throw new Error(`${new URL(address).pathname} could not be had: ${reason}. Try again online.`);
    }
    // A full disk is no reason to stop.
    await cache?.put(address, response.clone()).catch(() => undefined);
  }
  const data = await response.arrayBuffer();
  onDone(data.byteLength);
  return data;
}

/**
 * Weights as they are asked for: each layer is fetched and decoded once.
 */
export class Weights {
  /** @param {URL | string} folder where index.json and the layers' files are; ends in a slash */
  constructor(folder) {
    this.folder = folder;
    /** @type {Promise<Index> | undefined} */
    this.known = undefined;
    /** @type {Map<string, Promise<Layer>>} */
    this.layers = new Map();
  }

  /** @returns {Promise<Index>} */
  index() {
    this.known ??= fetch(new URL("index.json", this.folder)).then((response) => {
      if (!response.ok) throw new Error("the weights are not there; build the page: make live");
      return response.json();
    });
    this.known.catch(() => (this.known = undefined)); // the next one tries again
    return this.known;
  }

  /**
   * @param {string[]} names
   * @param {(bytes: number) => void} [onDone] told of each file's size when it has come
   * @returns {Promise<Record<string, Layer>>}
   */
  async load(names, onDone) {
    const { layers: entries } = await this.index();
    const wanted = names.map(async (name) => {
      let layer = this.layers.get(name);
      if (!layer) {
        const address = new URL(entries[name].file, this.folder);
        layer = fetched(address, onDone).then((file) => decoded(file, entries[name]));
        this.layers.set(name, layer);
        layer.catch(() => this.layers.delete(name));
      }
      return /** @type {const} */ ([name, await layer]);
    });
    return Object.fromEntries(await Promise.all(wanted));
  }
}
