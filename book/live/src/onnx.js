/**
 * A writer of ONNX graphs: the few fields of the format that a network and its gradient need.
 * Numbers of fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 * @module
 */

const IR_VERSION = 8;
const OPSET = 17;
const FLOAT = 1; // TensorProto.DataType
const INT64 = 7;

const encoder = new TextEncoder();

/**
 * A whole number in base 128, lowest digits first, as protocol buffers write it.
 * @param {number | bigint} value at least -2^63
 * @returns {Uint8Array}
 */
export function varint(value) {
  let rest = BigInt.asUintN(64, BigInt(value));
  const digits = [];
  do {
    const digit = Number(rest & 127n);
    rest >>= 7n;
    digits.push(rest ? digit | 128 : digit);
  } while (rest);
  return Uint8Array.from(digits);
}

/**
 * @param {Uint8Array[]} parts
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function joined(parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

/** @param {number} number @param {number} value */
const int = (number, value) => joined([varint(number << 3), varint(value)]);

/** @param {number} number @param {Uint8Array | string} data */
function bytes(number, data) {
  const raw = typeof data === "string" ? encoder.encode(data) : data;
  return joined([varint((number << 3) | 2), varint(raw.length), raw]);
}

/** @param {number} number @param {Uint8Array[]} fields */
const message = (number, ...fields) => bytes(number, joined(fields));

/** @param {string} name @param {number | string | number[]} value */
function attribute(name, value) {
  const head = bytes(1, name);
  if (typeof value === "string") return message(5, head, bytes(4, value), int(20, 3));
  if (typeof value === "number") return message(5, head, int(3, value), int(20, 2));
  return message(5, head, ...value.map((each) => int(8, each)), int(20, 7));
}

/**
 * A graph that grows node by node. Every method that adds something returns its name.
 */
export class Graph {
  constructor() {
    /** @type {Uint8Array[]} */
    this.fields = [];
    this.count = 0;
  }

  /**
   * @param {string} operator
   * @param {string[]} inputs
   * @param {Record<string, number | string | number[]>} [attributes]
   * @param {string} [output] its name; one is made up if none is given
   */
  node(operator, inputs, attributes = {}, output = `${operator}_${this.count++}`) {
    const described = Object.entries(attributes).map(([name, value]) => attribute(name, value));
    const sources = inputs.map((input) => bytes(1, input));
    const names = [bytes(2, output), bytes(3, output), bytes(4, operator)];
    this.fields.push(message(1, ...sources, ...names, ...described));
    return output;
  }

  /**
   * @param {ArrayLike<number>} values
   * @param {number[]} [shape] a scalar by default
   */
  floats(values, shape = []) {
    return this.#constant(new Float32Array(values).buffer, FLOAT, shape);
  }

  /** @param {number[]} values whole numbers; a list of them */
  integers(values) {
    return this.#constant(new BigInt64Array(values.map(BigInt)).buffer, INT64, [values.length]);
  }

  /** @param {ArrayBuffer} raw @param {number} type @param {number[]} shape */
  #constant(raw, type, shape) {
    const name = `constant_${this.count++}`;
    const sizes = shape.map((size) => int(1, size));
    const content = [int(2, type), bytes(8, name), bytes(9, new Uint8Array(raw))];
    this.fields.push(message(5, ...sizes, ...content));
    return name;
  }

  /**
   * A weight whose numbers are not part of the model: they are given beside it, under its name.
   * @param {string} name
   * @param {number[]} shape
   */
  weight(name, shape) {
    const sizes = shape.map((size) => int(1, size));
    const place = message(13, bytes(1, "location"), bytes(2, name));
    this.fields.push(message(5, ...sizes, int(2, FLOAT), bytes(8, name), place, int(14, 1)));
    return name;
  }

  /** @param {string} name @param {(number | string)[]} shape a string is a size known later */
  input(name, shape) {
    return this.#value(11, name, shape);
  }

  /** @param {string} name @param {(number | string)[]} shape */
  output(name, shape) {
    return this.#value(12, name, shape);
  }

  /** @param {number} number @param {string} name @param {(number | string)[]} shape */
  #value(number, name, shape) {
    const sizes = shape.map((size) =>
      message(1, typeof size === "number" ? int(1, size) : bytes(2, size)),
    );
    const type = message(2, message(1, int(1, FLOAT), message(2, ...sizes)));
    this.fields.push(message(number, bytes(1, name), type));
    return name;
  }

  /** The model, as the runtime reads it. */
  finish() {
    const graph = message(7, ...this.fields, bytes(2, "objective"));
    const opset = message(8, bytes(1, ""), int(2, OPSET));
    return joined([int(1, IR_VERSION), bytes(2, "nsthelpers"), graph, opset]);
  }
}
