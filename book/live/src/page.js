/**
 * The page: its controls, what they ask of the worker, and what is shown of the answers.
 * @module
 */
import { fitted, whiteNoise } from "./descent.js";
import { drawCurves, savePng, show, toNumbers } from "./drawing.js";
import { RUNTIMES } from "./engine.js";
import { picker } from "./picker.js";
import { cameraStill } from "./still.js";
import { LAYERS, Weights, downTo, paperName } from "./vgg.js";

const CONTENT = ["block1_conv2", "block2_conv2", "block3_conv1", "block4_conv2", "block5_conv2"];
const ALPHA = [0, 0.1, 0.2, 0.5, 1, 2, 5, 10];
const BETA = [0, 0.1, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const GAMMA = [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
const STRETCH = 300; // it stops by itself after so many steps

/** @param {string} id @returns {any} */
const element = (id) => document.getElementById(id);
const [canvas, curve, run, stop, save] = ["canvas", "curve", "run", "stop", "save"].map(element);
const here = new URL("../", import.meta.url);
const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const index = new Weights(new URL("weights/", here)).index();

/** @type {Record<string, {name: string, bitmap: Promise<ImageBitmap>}>} */
const chosen = {};
/** @type {Record<string, number[]>} */
let curves = {};
/** @type {import("./worker.js").Step | undefined} */
let latest;
/** @type {import("./descent.js").Size} */
let size = { height: 80, width: 128 };
let title = "";
let limit = STRETCH;
let running = false;
let toDraw = false;

/** @param {import("./worker.js").Order} message */
const order = (message) => worker.postMessage(message);

// Controls

/**
 * A slider over a list.
 * @template T
 * @param {string} id
 * @param {T[]} values
 * @param {T} initial
 * @param {(value: T) => string} describe
 * @param {() => void} [changed]
 * @returns {() => T} what it stands at
 */
function slider(id, values, initial, describe, changed = () => {}) {
  const input = element(id);
  Object.assign(input, { min: 0, max: values.length - 1, value: values.indexOf(initial) });
  const value = () => values[Number(input.value)];
  const say = () => {
    input.nextElementSibling.value = describe(value());
    input.setAttribute("aria-valuetext", describe(value()));
  };
  input.addEventListener("input", () => (say(), changed()));
  say();
  return value;
}

const off = (/** @type {number} */ value) => (value ? String(value) : "0 (off)");
/** @returns {import("./engine.js").Weights} */
const weights = () => ({ content: alpha(), style: beta(), variation: gamma() });
const reweigh = () => order({ weights: weights() });
const alpha = slider("alpha", ALPHA, 1, off, reweigh);
const beta = slider("beta", BETA, 50, off, reweigh);
const gamma = slider("gamma", GAMMA, 1, off, reweigh);
const content = slider("content", CONTENT, "block3_conv1", paperName, sayDownload);
const upTo = (/** @type {number} */ block) => (block > 1 ? `1 to ${block}` : "1");
const blocks = slider("style", [1, 2, 3, 4, 5], 3, upTo, sayDownload);

/** @returns {import("./objective.js").Choice} */
function choice() {
  const firsts = LAYERS.filter((layer) => layer.endsWith("conv1"));
  return { content: content(), style: firsts.slice(0, blocks()) };
}

/** @returns {import("./engine.js").Device} */
const device = () => element("device").value;

async function sayDownload() {
  const { layers } = await index;
  const { content: deep, style } = choice();
  const bytes = downTo([deep, ...style]).reduce((sum, layer) => sum + layers[layer].bytes, 0);
  const sum = (RUNTIMES[device()].megabytes + bytes / 1e6).toFixed(1);
  element("download").textContent =
    `With these layers the first run downloads ${sum} MB; the browser keeps them for the next.`;
}

/** @param {string} role @param {string} name @param {Promise<ImageBitmap>} bitmap */
async function choose(role, name, bitmap) {
  chosen[role] = { name, bitmap };
  try {
    const photograph = await bitmap;
    if (role === "photograph" && !latest && chosen[role].bitmap === bitmap) {
      const { height, width } = fitted(photograph, Number(element("side").value));
      show(canvas, toNumbers(photograph, { height: 3 * height, width: 3 * width }));
    }
  } catch (error) {
    complain(/** @type {Error} */ (error).message);
  }
}

// What happens

/** @param {string} message what went wrong; "" if nothing did */
function complain(message) {
  const box = element("trouble");
  box.textContent = message && `${message[0].toUpperCase()}${message.slice(1)}`;
  box.hidden = !message;
  if (message) say("");
}

/** @param {string} message */
const say = (message) => (element("status").textContent = message);

/** @param {boolean} now */
function setRunning(now) {
  running = now;
  stop.textContent = now || !latest ? "Stop" : "Go on";
  stop.disabled = !latest;
  save.disabled = !latest;
}

run.addEventListener("click", async () => {
  complain("");
  say("Preparing the pictures");
  latest = undefined;
  setRunning(false);
  const side = Number(element("side").value);
  const { photograph, painting } = chosen;
  const bitmaps = await Promise.all([photograph.bitmap, painting.bitmap]).catch(() => []);
  if (!bitmaps.length) return complain("One of the pictures cannot be read; choose another.");
  const [photo, style] = bitmaps.map((bitmap) => toNumbers(bitmap, fitted(bitmap, side)));
  size = { height: photo.height, width: photo.width };
  title = `${photograph.name}-${painting.name}`.replaceAll("_", "-");
  const noise = element("start").value === "noise";
  const start = noise ? whiteNoise(photo.data.length) : photo.data.slice();
  limit = STRETCH;
  show(canvas, { ...size, data: start });
  const settings = { device: device(), choice: choice(), weights: weights() };
  order({ run: { ...settings, photo, painting: style, start } });
});

stop.addEventListener("click", () => {
  if (!running && latest) limit = latest.number + STRETCH;
  setRunning(!running);
  order({ go: running });
  say(running ? "Painting" : "Stopping");
});

save.addEventListener("click", () => savePng(canvas, `${title}-step${latest?.number}.png`));

/** @param {import("./worker.js").Step} step */
function took(step) {
  if (step.number && !latest) return; // of a run that is over
  latest = step;
  if (!step.number) {
    curves = { total: [], content: [], style: [], variation: [] };
    setRunning(true);
    element("losses").hidden = false;
    say("Painting");
  }
  const { losses } = step;
  curves.total.push(losses.total);
  for (const name of /** @type {const} */ (["content", "style", "variation"])) {
    curves[name].push(step.weights[name] * losses[name]);
  }
  if (step.number >= limit && running) stop.click();
  if (!toDraw) requestAnimationFrame(draw);
  toDraw = true;
}

function draw() {
  toDraw = false;
  if (!latest) return;
  const { number, losses, image, milliseconds } = latest;
  show(canvas, { ...size, data: image });
  canvas.setAttribute("aria-label", `${title.replaceAll("-", " ")}, step ${number}`);
  drawCurves(curve, curves);
  element("counter").textContent =
    `Step ${number} · loss ${losses.total.toPrecision(4)} · ${(milliseconds / 1000).toFixed(2)} s a step`;
}

worker.onmessage = ({ data }) => {
  const news = /** @type {import("./worker.js").News} */ (data);
  if ("doing" in news) say(news.doing);
  if ("step" in news) took(news.step);
  if ("stopped" in news && latest && !running) say(`Stopped at step ${news.stopped}`);
  if ("error" in news) {
    setRunning(false);
    complain(`It stopped: ${news.error.replace(/\.?$/, ".")}`);
  }
  if ("refused" in news) {
    element("graphics").textContent = news.refused;
    element("device").value = "wasm";
  }
  if ("graphics" in news) {
    const [, card] = element("device").options;
    card.disabled = Boolean(news.graphics);
    element("graphics").textContent = news.graphics
      ? `No graphics card: ${news.graphics}.`
      : "Your graphics card can be tried. Each run first checks it against the processor.";
  }
};
worker.onerror = () => complain("This browser cannot run the page; take one of 2023 or later.");

element("device").addEventListener("change", () => {
  element("side").value = device() === "webgpu" ? "256" : "128";
  sayDownload();
});
order({ look: true });
try {
  const samples = await (await fetch(new URL("pictures/index.json", here))).json();
  const photographs = picker("photograph", samples.photograph, "chelsea", choose);
  cameraStill("photograph", photographs.take, say, complain);
  picker("painting", samples.painting, "swirling_night", choose);
  run.disabled = false;
  /** @type {(each: {title: string, credit: string}) => string} */
  const credit = (each) => `${each.title} (${each.credit})`;
  const by = samples.photograph.map(credit).join("; ");
  element("credits").textContent = `Photographs: ${by}. Paintings: drawn for this course, CC0.`;
  await sayDownload();
} catch {
  complain("Pictures or weights are not there; build the page: make live.");
}
