/**
 * A painter out of its file: what nsthelpers' Painter.save or Painter.export has written.
 * @module
 */
import { Graph } from "./onnx.js";

/** @typedef {[number[], number[][]]} Palette mean and covariance of a painting's colours */
/**
 * @typedef {object} Painter
 * @property {Uint8Array<ArrayBuffer>} model ONNX; image (1, H, W, 3) and mix (1, paintings) go in,
 *   painted (1, H, W, 3) comes out; H and W are multiples of 4, values in [0, 1]
 * @property {string[]} names of the paintings
 * @property {Palette[] | null} palettes null: it takes pictures in the colours that they have
 */
/**
 * @typedef {object} Architecture
 * @property {number} paintings
 * @property {[number, number, number]} channels at full, half and a quarter of the size
 * @property {number} blocks
 * @property {number} first_kernel
 * @property {number} last_kernel
 * @property {boolean} residual
 */
/** @typedef {(name: string, shape: number[]) => Float32Array} Weight */

const MARGIN = 0.02; // as the package has it: black and white have no finite logit
const BRACE = 0x7b; // with which the header of safetensors begins, after its length
const METADATA = 14; // the field of an ONNX model
const text = new TextDecoder();

/**
 * @param {string} name the file's
 * @param {ArrayBuffer} file
 * @returns {Painter}
 */
export function readPainter(name, file) {
  const bytes = new Uint8Array(file);
  try {
    return bytes[8] === BRACE ? fromSafetensors(file) : fromOnnx(bytes);
  } catch (error) {
    const wanted =
      'choose what painter.save("night.safetensors") or painter.export("night.onnx") has written';
    const { message } = /** @type {Error} */ (error);
    throw new Error(`${name} is no painter: ${message}; ${wanted}.`, { cause: error });
  }
}

/** @param {ArrayBuffer} file @returns {Painter} */
function fromSafetensors(file) {
  const start = 8 + Number(new DataView(file).getBigUint64(0, true));
  if (start > file.byteLength) throw new Error("it is cut short");
  const header = JSON.parse(text.decode(new Uint8Array(file, 8, start - 8)));
  const said = JSON.parse(header.__metadata__?.nsthelpers ?? "{}");
  if (said.kind !== "a painter") throw new Error("it holds something else");
  /** @type {Weight} */
  const weight = (name, shape) => {
    const { dtype, shape: found, data_offsets } = header[name] ?? { data_offsets: [] };
    const [begin, end] = data_offsets;
    if (String(found) !== String(shape)) {
      throw new Error(`${name} has the shape (${found ?? "none"}), not (${shape})`);
    }
    const raw = file.slice(start + begin, start + end);
    if (raw.byteLength !== end - begin) throw new Error("it is cut short");
    const values = dtype === "F16" ? fromHalves(new Uint16Array(raw)) : new Float32Array(raw);
    if (!values.every(Number.isFinite)) throw new Error(`${name} holds values that are not finite`);
    return values;
  };
  return { model: painterGraph(said.architecture, weight), ...described(said) };
}

/**
 * Numbers of 16 bits, which not every browser has an array for.
 * @param {Uint16Array} codes a sign, 5 bits of exponent, 10 of fraction
 */
export function fromHalves(codes) {
  return Float32Array.from(codes, (code) => {
    const [exponent, fraction] = [(code >> 10) & 31, code & 1023];
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction;
    return (code >> 15 ? -1 : 1) * (exponent === 31 ? (fraction ? NaN : Infinity) : size);
  });
}

/** @param {Uint8Array<ArrayBuffer>} model @returns {Painter} */
function fromOnnx(model) {
  for (const [field, entry] of messages(model)) {
    if (field !== METADATA) continue;
    const [key, value] = [...messages(entry)].map(([, part]) => text.decode(part));
    if (key === "nsthelpers") return { model, ...described(JSON.parse(value)) };
  }
  throw new Error("it does not say of which paintings");
}

/**
 * The parts of a message of protocol buffers that have a length; others are passed over.
 * @param {Uint8Array} bytes
 * @returns {Generator<[number, Uint8Array]>} each part's field and content
 */
function* messages(bytes) {
  let place = 0;
  const varint = () => {
    let [value, unit] = [0, 1];
    for (; bytes[place] & 128; unit *= 128) value += (bytes[place++] & 127) * unit;
    return value + bytes[place++] * unit;
  };
  while (place < bytes.length) {
    const key = varint();
    const kind = key % 8;
    if (kind === 2) {
      const length = varint();
      yield [Math.floor(key / 8), bytes.subarray(place, place + length)];
      place += length;
    } else if (kind === 0) varint();
    else if (kind === 1 || kind === 5) place += kind === 1 ? 8 : 4;
    else throw new Error("its format is not known here");
  }
}

/** @param {{names?: string[], palettes?: Palette[] | null}} said of itself, in its file */
function described({ names = [], palettes = null }) {
  if (!names.length || (palettes && palettes.length !== names.length)) {
    throw new Error("it does not say of which paintings");
  }
  return { names, palettes };
}

/**
 * The network of nsthelpers' StyleNetwork, node by node.
 * @param {Architecture} architecture
 * @param {Weight} weight gives a kernel (height, width, from, to), or a row for each painting
 */
export function painterGraph(architecture, weight) {
  const { paintings, channels, blocks, first_kernel, last_kernel, residual } = architecture;
  const graph = new Graph();
  /** @param {string} operator @param {string[]} inputs */
  const node = (operator, ...inputs) => graph.node(operator, inputs);
  const mix = graph.input("mix", [1, paintings]);
  const flat = graph.integers([-1]);
  const twice = graph.floats([1, 1, 2, 2], [4]);
  const [one, two] = [graph.floats([1]), graph.floats([2])];
  let depth = 3; // channels of what has been computed so far

  /**
   * Enlarge, mirror the border, convolve, normalise.
   * @param {string} name @param {string} from @param {number} filters
   * @param {{kernel?: number, stride?: number, enlarged?: boolean, normalised?: boolean}} [how]
   */
  const step = (name, from, filters, how = {}) => {
    const { kernel = 3, stride = 1, enlarged = false, normalised = true } = how;
    let found = from;
    if (enlarged) {
      const rule = { mode: "nearest", nearest_mode: "floor" };
      const where = { coordinate_transformation_mode: "asymmetric" };
      found = graph.node("Resize", [found, "", twice], { ...rule, ...where });
    }
    const border = (kernel - 1) / 2;
    if (border) {
      const around = graph.integers([0, 0, border, border, 0, 0, border, border]);
      found = graph.node("Pad", [found, around], { mode: "reflect" });
    }
    const stored = weight(`${name}/kernel`, [kernel, kernel, depth, filters]);
    const outputsFirst = turned(stored, depth, filters);
    const inputs = [found, graph.floats(outputsFirst, [filters, depth, kernel, kernel])];
    depth = filters;
    if (!normalised) inputs.push(graph.floats(weight(`${name}/bias`, [filters]), [filters]));
    found = graph.node("Conv", inputs, { strides: [stride, stride] });
    if (!normalised) return found;
    const [scale, shift] = ["scale", "shift"].map((part) => {
      const shape = [paintings, filters];
      const rows = graph.floats(weight(`${name}/${part}`, shape), shape);
      return node("Reshape", node("MatMul", mix, rows), flat);
    });
    return node("InstanceNormalization", found, scale, shift); // its epsilon is the package's
  };

  const [full, half, quarter] = channels;
  const size = [1, "height", "width", 3];
  const image = graph.node("Transpose", [graph.input("image", size)], { perm: [0, 3, 1, 2] });
  let x = node("Sub", node("Mul", image, two), one);
  x = node("Relu", step("down1", x, full, { kernel: first_kernel }));
  x = node("Relu", step("down2", x, half, { stride: 2 }));
  x = node("Relu", step("down3", x, quarter, { stride: 2 }));
  for (let block = 1; block <= blocks; block++) {
    const inner = node("Relu", step(`block${block}_conv1`, x, quarter));
    x = node("Add", x, step(`block${block}_conv2`, inner, quarter));
  }
  x = node("Relu", step("up1", x, half, { enlarged: true }));
  x = node("Relu", step("up2", x, full, { enlarged: true }));
  x = node("Mul", step("last", x, 3, { kernel: last_kernel, normalised: false }), two);
  if (residual) {
    const scaled = node("Mul", image, graph.floats([1 - 2 * MARGIN]));
    const inside = node("Add", scaled, graph.floats([MARGIN]));
    x = node("Add", x, node("Sub", node("Log", inside), node("Log", node("Sub", one, inside))));
  }
  graph.node("Transpose", [node("Sigmoid", x)], { perm: [0, 2, 3, 1] }, "painted");
  graph.output("painted", size);
  return graph.finish();
}

/**
 * A kernel as ONNX has it, from (height, width, from, to) to (to, from, height, width).
 * @param {Float32Array} kernel @param {number} depth @param {number} filters
 */
function turned(kernel, depth, filters) {
  const places = kernel.length / depth / filters;
  return Float32Array.from(kernel, (_, n) => {
    const [place, pair] = [n % places, Math.floor(n / places)];
    return kernel[(place * depth + (pair % depth)) * filters + Math.floor(pair / depth)];
  });
}
