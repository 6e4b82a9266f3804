/**
 * All of the work, off the page's thread. The page sends orders; the worker tells what it does.
 * @module
 */
import { Adam } from "./descent.js";
import { Objective, agrees, loadRuntime, runtimeFolder, whyNoGraphicsCard } from "./engine.js";
import { Weights, downTo } from "./vgg.js";

/** @typedef {import("./engine.js").Picture} Picture */
/**
 * @typedef {object} Run
 * @property {import("./engine.js").Device} device
 * @property {import("./objective.js").Choice} choice
 * @property {Picture} photo
 * @property {Picture} painting
 * @property {Float32Array<ArrayBuffer>} start
 * @property {import("./engine.js").Weights} weights
 */
/**
 * @typedef {{look: true} | {run: Run} | {go: boolean}
 *   | {weights: import("./engine.js").Weights}} Order look for a graphics card; run anew; go on or
 *   stop; change the weights, while it runs or not
 */
/**
 * @typedef {object} Step
 * @property {number} number 0 is the start
 * @property {Float32Array<ArrayBuffer>} image
 * @property {import("./engine.js").Losses} losses before their weights
 * @property {import("./engine.js").Weights} weights
 * @property {number} milliseconds since the step before
 */
/**
 * @typedef {{graphics: string} | {doing: string} | {refused: string} | {step: Step}
 *   | {stopped: number} | {error: string}} News graphics: why there is no card, or ""; refused: why it
 *   was not taken; stopped: after which step
 */

const here = new URL("../", import.meta.url);
const weights = new Weights(new URL("weights/", here));
/** @type {Map<string, Promise<import("./engine.js").Runtime>>} */
const runtimes = new Map();
/** @type {Objective | undefined} */
let objective;
/** @type {{run: Run, adam: Adam} | undefined} */
let descent;
let running = false; // whether it shall step on
let stepping = Promise.resolve();
let busy = false; // whether it is stepping
let current = 0; // counts runs, so that an old one notices that there is a new one

/** @param {News} news */
const tell = (news) => postMessage(news);

onmessage = async ({ data }) => {
  const order = /** @type {Order} */ (data);
  try {
    if ("look" in order) tell({ graphics: await whyNoGraphicsCard() });
    if ("weights" in order && descent) {
      descent.run.weights = order.weights;
      if (objective) objective.weights = order.weights;
    }
    if ("run" in order) await prepare(order.run);
    if ("go" in order) {
      running = order.go;
      if (running && !busy) await (stepping = descend());
    }
  } catch (error) {
    running = false;
    tell({ error: error instanceof Error ? error.message : String(error) });
  }
};

/** @param {Run} run */
async function prepare(run) {
  const mine = ++current;
  running = false;
  await stepping.catch(() => undefined); // a step that is under way needs the old objective
  if (mine !== current) return;
  await objective?.release();
  objective = descent = undefined;
  const wanted = downTo([run.choice.content, ...run.choice.style]);
  let fetchedBytes = 0;
  /** @param {number} bytes */
  const onDone = (bytes) => {
    fetchedBytes += bytes;
    tell({ doing: `Getting network and weights: ${(fetchedBytes / 1e6).toFixed(1)} MB` });
  };
  const [ort, layers] = await Promise.all([
    runtimeFor(run.device, onDone),
    weights.load(wanted, onDone),
  ]);
  if (mine !== current) return;
  let { device } = run;
  if (device === "webgpu") {
    tell({ doing: "Checking the graphics card against the processor" });
    const first = await weights.load(downTo(["block2_conv1"]));
    if (!(await agrees(ort, first).catch(() => false))) {
      device = "wasm";
      tell({ refused: "The graphics card computed something else; the processor does it." });
    }
  }
  tell({ doing: "Looking at the photograph and the painting" });
  const made = await Objective.make(ort, device, layers, run.choice, run, run.weights);
  if (mine !== current) return void made.release();
  objective = made;
  descent = { run, adam: new Adam(run.start.length) };
  running = true;
  await (stepping = descend());
}

/** Step after step, until it is told to stop. */
async function descend() {
  if (!objective || !descent) return;
  const { run, adam } = descent;
  busy = true;
  try {
    let before = performance.now();
    while (running) {
      const found = await objective.evaluate({ ...run.photo, data: run.start });
      const milliseconds = performance.now() - before;
      before += milliseconds;
      const { losses, weights: taken } = found;
      const image = run.start.slice();
      tell({ step: { number: adam.steps, image, losses, weights: taken, milliseconds } });
      adam.step(run.start, found.gradient);
      await new Promise((resolve) => setTimeout(resolve)); // orders come in here
    }
    tell({ stopped: adam.steps - 1 });
  } finally {
    busy = false;
  }
}

/** @param {import("./engine.js").Device} device @param {(bytes: number) => void} onDone */
function runtimeFor(device, onDone) {
  let runtime = runtimes.get(device);
  if (!runtime) {
    runtime = loadRuntime(runtimeFolder(here), device, onDone);
    runtimes.set(device, runtime);
    runtime.catch(() => runtimes.delete(device));
  }
  return runtime;
}
