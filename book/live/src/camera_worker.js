/**
 * All of the painting, off the page's thread. The page sends orders; the worker answers each.
 * @module
 */
import { meanPalette, moveBetween, paletteOf, toNetwork } from "./colours.js";
import { drawCovering } from "./drawing.js";
import { loadRuntime, runtimeFolder } from "./engine.js";
import { readPainter } from "./painter.js";

/** @typedef {import("./colours.js").Palette} Palette */
/**
 * @typedef {object} Wish
 * @property {ImageBitmap} bitmap
 * @property {import("./descent.js").Size} size sides are multiples of 4
 * @property {number[]} mix what each painting counts, summing to 1
 * @property {boolean} mirrored
 * @property {boolean} moving whether it is one of many, such as a camera's
 */
/** @typedef {{open: {name: string, file: ArrayBuffer}} | {paint: Wish}} Order */
/**
 * @typedef {object} Painted
 * @property {Uint8ClampedArray<ArrayBuffer>} pixels red, green, blue and opacity of each
 * @property {import("./descent.js").Size} size
 * @property {number} milliseconds from the picture that came to this one
 */
/**
 * @typedef {{doing: string} | {opened: {name: string, paintings: string[]}}
 *   | {refused: string} | {painted: Painted} | {failed: string}} News
 */

const NEWEST = 0.1; // the share of the newest picture in the colours of many
const here = new URL("../", import.meta.url);
const canvas = new OffscreenCanvas(1, 1);
/** @type {Promise<import("./engine.js").Runtime> | undefined} */
let runtime;
/** @type {import("./painter.js").Painter | undefined} */
let painter;
/** @type {import("onnxruntime-web").InferenceSession | undefined} */
let session; // of the painter
/** @type {Palette | undefined} */
let seen; // the colours of what moves, which change slowly, so that no flicker comes of them
let work = Promise.resolve();

/** @param {News} news @param {Transferable[]} [transfer] */
const tell = (news, transfer = []) => postMessage(news, { transfer });

onmessage = ({ data }) => {
  const order = /** @type {Order} */ (data);
  // One after the other: a painter must not go while it paints.
  work = work.then(() => ("open" in order ? open(order.open) : paint(order.paint)));
};

/** @param {{name: string, file: ArrayBuffer}} order */
async function open({ name, file }) {
  try {
    const read = readPainter(name, file);
    tell({ doing: "Getting what runs networks: 3.7 MB, once" });
    runtime ??= loadRuntime(runtimeFolder(here), "wasm");
    runtime.catch(() => (runtime = undefined)); // the next one tries again
    const { InferenceSession, env } = await runtime;
    const cores = Math.min(8, navigator.hardwareConcurrency - 1); // one is for camera and page
    env.wasm.numThreads = globalThis.crossOriginIsolated ? Math.max(1, cores) : 1;
    const quiet = { logSeverityLevel: /** @type {const} */ (3) }; // errors alone
    const made = await InferenceSession.create(read.model, quiet).catch((error) => {
      throw new Error(`${name} cannot be run: ${reason(error)}. Save the painter anew.`);
    });
    await session?.release();
    [painter, session] = [read, made];
    tell({ opened: { name, paintings: read.names } });
  } catch (error) {
    tell({ refused: reason(error) });
  }
}

/** @param {Wish} wish */
async function paint({ bitmap, size, mix, mirrored, moving }) {
  const before = performance.now();
  try {
    if (!painter || !session || !runtime) throw new Error("there is no painter yet; choose one");
    const { Tensor } = await runtime;
    const pixels = pixelsOf(bitmap, size, mirrored);
    if (moving) bitmap.close();
    const own = paletteOf(pixels);
    seen = moving ? meanPalette([seen ?? own, own], [1 - NEWEST, NEWEST]) : undefined;
    const { palettes } = painter;
    const move = palettes && moveBetween(seen ?? own, meanPalette(palettes, mix));
    const { height, width } = size;
    const { painted } = await session.run({
      image: new Tensor("float32", toNetwork(pixels, move), [1, height, width, 3]),
      mix: new Tensor("float32", Float32Array.from(mix), [1, mix.length]),
    });
    const values = /** @type {Float32Array} */ (painted.data);
    for (let to = 0, from = 0; to < pixels.length; to += 4, from += 3) {
      for (let i = 0; i < 3; i++) pixels[to + i] = 255 * values[from + i]; // it rounds
    }
    const milliseconds = performance.now() - before;
    tell({ painted: { pixels, size, milliseconds } }, [pixels.buffer]);
  } catch (error) {
    tell({ failed: reason(error) });
  }
}

/**
 * A picture's pixels, cropped at the sides that are too long, and shrunk.
 * @param {ImageBitmap} bitmap
 * @param {import("./descent.js").Size} size
 * @param {boolean} mirrored
 */
function pixelsOf(bitmap, { height, width }, mirrored) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { height, width });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser cannot draw pictures; take one of 2023 or later");
  drawCovering(context, bitmap, { height, width }, mirrored);
  return context.getImageData(0, 0, width, height).data;
}

/** @param {unknown} error */
const reason = (error) => (error instanceof Error ? error.message : String(error));
