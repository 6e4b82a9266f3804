/**
 * The objective as an ONNX graph: content and style loss of an image, and the gradient of their
 * weighted sum by its pixels, forward and backward through VGG19 written out node by node.
 *
 * Both losses are relative, as the Python package's are by default:
 *   content = sum (F - P)^2 / sum P^2,   style = mean over layers of sum (G - A)^2 / sum A^2,
 * with G = F F^T / M of a layer's features F, N channels by M positions.
 * @module
 */
import { Graph } from "./onnx.js";
import { MEANS, blockOf, downTo } from "./vgg.js";

/** @typedef {{inputs: number, outputs: number}} Channels */
/** @typedef {{content: string, style: string[]}} Choice the layers that are compared */

const CONVOLUTION = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };

/**
 * Inputs: image (1, 3, H, W), RGB in [0, 1]; alpha and beta, weights; content_target and
 * content_scale; of each style layer gram_target:…, gram_scale:… and positions:…, its 1 / M.
 * Outputs: content, style, gradient; features, and gram:… of each style layer, to make targets of.
 * @param {Record<string, Channels>} layers
 * @param {Choice} choice
 * @returns {Uint8Array<ArrayBuffer>} a model; kernels, biases and flipped kernels lie outside, as
 *   "block1_conv1", "block1_conv1:bias" and "block1_conv1:flipped"
 */
export function objectiveGraph(layers, choice) {
  const graph = new Graph();
  /** @param {string} operator @param {string[]} inputs */
  const node = (operator, ...inputs) => graph.node(operator, inputs);
  const image = graph.input("image", [1, 3, "height", "width"]);
  const alpha = graph.input("alpha", []);
  const beta = graph.input("beta", []);
  const zero = graph.floats([0]);
  /** @param {string} scale @param {string} difference @returns scale * sum difference^2 */
  const squares = (scale, difference) => {
    const square = node("Mul", difference, difference);
    // Row by row first: one long sum in float32 loses its fourth digit.
    const rows = graph.node("ReduceSum", [square, graph.integers([-1])]);
    return node("Mul", scale, graph.node("ReduceSum", [rows], { keepdims: 0 }));
  };

  /** How to come back through each step, and what enters the gradient there. */
  /** @type {((gradient: string) => string)[]} */
  const backward = [];
  /** @type {string[]} */
  const styleLosses = [];
  const scaled = node("Mul", image, graph.floats([255]));
  let x = node("Sub", scaled, graph.floats(MEANS, [1, 3, 1, 1]));
  let block = 1;
  for (const name of downTo([choice.content, ...choice.style])) {
    if (blockOf(name) > block) {
      block = blockOf(name);
      const pooled = graph.node("MaxPool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
      backward.push(unpooling(graph, x, pooled, zero));
      x = pooled;
    }
    const { inputs, outputs } = layers[name];
    const kernel = graph.weight(name, [outputs, inputs, 3, 3]);
    const bias = graph.weight(`${name}:bias`, [outputs]);
    const turned = graph.weight(`${name}:flipped`, [inputs, outputs, 3, 3]);
    const features = node("Relu", graph.node("Conv", [x, kernel, bias], CONVOLUTION));
    backward.push((gradient) => {
      const answered = node("Greater", features, zero);
      return graph.node("Conv", [node("Where", answered, gradient, zero), turned], CONVOLUTION);
    });
    x = features;

    if (name === choice.content) {
      const target = graph.input("content_target", [1, outputs, "rows", "columns"]);
      const scale = graph.input("content_scale", []);
      const difference = node("Sub", features, target);
      graph.node("Identity", [squares(scale, difference)], {}, "content");
      graph.node("Identity", [features], {}, "features");
      graph.output("features", [1, outputs, "rows", "columns"]);
      const factor = node("Mul", graph.floats([2]), node("Mul", alpha, scale));
      backward.push(adding(graph, node("Mul", factor, difference)));
    }
    if (choice.style.includes(name)) {
      const target = graph.input(`gram_target:${name}`, [outputs, outputs]);
      const scale = graph.input(`gram_scale:${name}`, []);
      const positions = graph.input(`positions:${name}`, []);
      const flat = node("Reshape", features, graph.integers([outputs, -1]));
      const product = graph.node("Gemm", [flat, flat], { transB: 1 });
      const gram = graph.node("Mul", [product, positions], {}, `gram:${name}`);
      graph.output(gram, [outputs, outputs]);
      const difference = node("Sub", gram, target);
      styleLosses.push(squares(scale, difference));
      const constant = node("Mul", graph.floats([4]), node("Mul", scale, positions));
      const factor = node("Mul", difference, node("Mul", beta, constant));
      const entering = node("Reshape", node("MatMul", factor, flat), node("Shape", features));
      backward.push(adding(graph, entering));
    }
  }
  graph.output("content", []);
  const style = styleLosses.reduce((sum, loss) => node("Add", sum, loss));
  graph.output(graph.node("Identity", [style], {}, "style"), []);
  const gradient = backward.reduceRight((behind, step) => step(behind), "");
  graph.node("Mul", [gradient, graph.floats([255])], {}, "gradient");
  graph.output("gradient", [1, 3, "height", "width"]);
  return graph.finish();
}

/**
 * What a loss adds to the gradient where it looks at the features.
 * @param {Graph} graph
 * @param {string} entering
 * @returns {(gradient: string) => string}
 */
function adding(graph, entering) {
  return (gradient) => (gradient ? graph.node("Add", [gradient, entering]) : entering);
}

/**
 * Back through a maximum over 2 x 2: the gradient goes to where the maximum was. Where several are
 * equal, as in a plain sky, it goes to the first of them, as TensorFlow has it on a processor.
 * @param {Graph} graph
 * @param {string} x
 * @param {string} pooled
 * @param {string} zero
 * @returns {(gradient: string) => string}
 */
function unpooling(graph, x, pooled, zero) {
  return (gradient) => {
    const axes = graph.integers([2, 3]);
    const ends = graph.integers([2 ** 31 - 1, 2 ** 31 - 1]);
    const steps = graph.integers([2, 2]);
    let left = gradient; // what no earlier one has taken
    const parts = [];
    for (const corner of [[0, 0], [0, 1], [1, 0]]) {
      const there = graph.node("Slice", [x, graph.integers(corner), ends, axes, steps]);
      const largest = graph.node("Equal", [there, pooled]);
      parts.push(graph.node("Where", [largest, left, zero]));
      left = graph.node("Where", [largest, zero, left]);
    }
    const corners = graph.node("Concat", [...parts, left], { axis: 1 });
    return graph.node("DepthToSpace", [corners], { blocksize: 2, mode: "DCR" });
  };
}
