/**
 * The camera page: its controls, what they ask of the worker, and what is shown of the answers.
 * @module
 */
import { fitted } from "./descent.js";
import { contextOf, drawCovering, savePng } from "./drawing.js";
import { picker } from "./picker.js";

const INSTEAD = "or choose a picture, it is painted as well.";
/** By the names that browsers give to errors. @type {Record<string, string>} */
const REFUSALS = {
  NotAllowedError:
    "The camera was not allowed. Allow it by the sign beside the address, and start it again;",
  NotFoundError: "There is no camera here. Connect one, and start it again;",
  NotReadableError:
    "The camera does not answer; another program may have it. Close that, and start it again;",
};
const NO_CAMERAS =
  "Browsers give cameras only to addresses that begin with https, or are on this machine. " +
  "Open the page at such an address;";
const RATED = 30; // pictures over which their rate is taken
const PAINTER = /\.(safetensors|onnx)$/i;

/** @param {string} id @returns {any} */
const element = (id) => document.getElementById(id);
const [canvas, video, start, save] = ["canvas", "video", "start", "save"].map(element);
const [painters, cameras] = ["painter", "camera"].map(element);
const [painting, sliders] = ["painting", "mix"].map(element);
const here = new URL("../", import.meta.url);
const worker = new Worker(new URL("camera_worker.js", import.meta.url), { type: "module" });

/** @type {{name: string, paintings: string[]} | undefined} */
let painter;
/** @type {Map<string, () => Promise<ArrayBuffer>>} */
const files = new Map();
/** @type {HTMLInputElement[]} */
let shares = [];
/** @type {ImageBitmap | HTMLVideoElement | undefined} */
let source;
/** @type {MediaStream | undefined} */
let stream;
let title = "";
let fromCamera = false;
let chosen = 0; // counts what was chosen, so that what comes late is noticed
let due = false; // whether there is something new to paint
let busy = false;
let opening = 0; // painters on their way: what is painted meanwhile would be for another one
let wanted = 0; // counts the painters that were chosen
let begun = false; // whether what happens is the reader's doing: only then is anything large fetched
/** @type {number[]} */
let times = [];

/** @param {import("./camera_worker.js").Order} message @param {Transferable[]} [transfer] */
const order = (message, transfer = []) => worker.postMessage(message, transfer);

/** @param {string} message */
const say = (message) => (element("status").textContent = message);

/** @param {string} message what went wrong; "" if nothing did */
function complain(message) {
  const box = element("trouble");
  const text = message && `${message[0].toUpperCase()}${message.slice(1)}`;
  if (box.textContent !== text) box.textContent = text; // it is read out each time
  box.hidden = !message;
  if (message) say("");
}

// Painters

/** @param {string} name @param {() => Promise<ArrayBuffer>} get */
function add(name, get) {
  if (!files.has(name)) painters.add(new Option(name));
  files.set(name, get);
  element("painters").hidden = false;
}

/** @param {string} name */
async function open(name) {
  complain("");
  painters.value = name;
  opening += 1;
  const mine = ++wanted;
  say(`Opening ${name}`);
  try {
    const file = await /** @type {() => Promise<ArrayBuffer>} */ (files.get(name))();
    if (mine === wanted) order({ open: { name, file } }, [file]);
    else opening -= 1; // another one was chosen while this one was on its way
  } catch {
    refuse(`${name} could not be read; choose it again.`);
  }
}

/** Open the first painter, if there is none yet and somebody wants to see it paint. */
function wake() {
  const [first] = files.keys();
  if (begun && !painter && !opening && first) open(first);
}

/** @param {string} error */
function refuse(error) {
  opening -= 1;
  painters.value = painter?.name ?? "";
  complain(error);
  paint();
}

/** @param {File} file */
function openFile(file) {
  add(file.name, () => file.arrayBuffer());
  open(file.name);
}

/** A slider for each painting, and a list to choose one alone. @param {string[]} names */
function offer(names) {
  const titles = names.map((name) => name.replaceAll("_", " "));
  painting.replaceChildren(...titles.map((name) => new Option(name)), new Option("a mixture"));
  sliders.replaceChildren();
  shares = titles.map((name, place) => {
    const id = `share${place}`;
    const input = document.createElement("input");
    Object.assign(input, { type: "range", id, min: 0, max: 1, step: 0.05, value: place ? 0 : 1 });
    const label = document.createElement("label");
    Object.assign(label, { htmlFor: id, textContent: name });
    const output = document.createElement("output");
    output.setAttribute("aria-live", "off"); // the slider says it
    input.addEventListener("input", () => (showShares(), repaint()));
    sliders.append(label, input, output);
    return input;
  });
  element("mixing").hidden = names.length < 2;
  showShares();
}

function showShares() {
  const mix = mixture();
  shares.forEach((input, place) => {
    const percent = `${Math.round(100 * mix[place])} %`;
    /** @type {HTMLOutputElement} */ (input.nextElementSibling).value = percent;
    input.setAttribute("aria-valuetext", percent);
  });
  const alone = mix.indexOf(1);
  painting.selectedIndex = alone < 0 ? shares.length : alone;
  complain(mix.some(Boolean) ? "" : "No painting counts: move at least one slider above 0.");
}

/** @returns {number[]} what each painting counts, summing to 1; all 0 if no slider is above it */
function mixture() {
  const values = shares.map((input) => Number(input.value));
  const sum = values.reduce((a, b) => a + b, 0);
  return values.map((value) => value / (sum || 1));
}

painters.addEventListener("change", () => open(painters.value));
element("photograph").addEventListener("click", wake); // also on the picture that is there already
element("file").addEventListener("change", (/** @type {any} */ { target }) => {
  if (target.files[0]) openFile(target.files[0]);
  target.value = ""; // so that the same file can be chosen again
});
painting.addEventListener("change", () => {
  const alone = painting.selectedIndex;
  if (alone === shares.length) return; // the sliders say of what
  shares.forEach((input, place) => (input.value = place === alone ? "1" : "0"));
  showShares();
  repaint();
});

// Pictures

/**
 * @param {ImageBitmap | HTMLVideoElement} picture
 * @param {string} [name] none: it is the camera's
 */
function show(picture, name) {
  [source, fromCamera, times] = [picture, !name, []];
  title = (name ?? "camera").replaceAll("_", " ");
  repaint();
}

/** @type {import("./picker.js").Choose} */
async function choose(_, name, picture) {
  const mine = ++chosen;
  complain("");
  release();
  wake();
  try {
    const bitmap = await picture;
    if (mine !== chosen) return;
    if (!painter) {
      Object.assign(canvas, fitted(bitmap, 512));
      drawCovering(contextOf(canvas), bitmap, canvas);
    }
    show(bitmap, name);
  } catch (error) {
    if (mine === chosen) complain(/** @type {Error} */ (error).message);
  }
}

/** Let the camera go, if there is one. */
function release() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  stream = undefined;
  if (source === video) source = undefined;
  start.textContent = "Start camera";
}

async function startCamera() {
  complain("");
  if (!navigator.mediaDevices) return complain(`${NO_CAMERAS} ${INSTEAD}`);
  const mine = ++chosen;
  release();
  wake();
  start.disabled = true;
  say("Waiting for the camera; your browser may ask whether it is allowed");
  const which = cameras.value ? { deviceId: { exact: cameras.value } } : { facingMode: "user" };
  const size = { width: { ideal: 640 }, height: { ideal: 480 } };
  try {
    const found = await navigator.mediaDevices.getUserMedia({ video: { ...which, ...size } });
    if (mine !== chosen) return found.getTracks().forEach((track) => track.stop());
    video.srcObject = stream = found;
    await video.play();
    const [track] = found.getVideoTracks();
    track.addEventListener("ended", () => {
      release();
      complain(`The camera went away. Connect it, and start it again; ${INSTEAD}`);
    });
    const { facingMode, deviceId } = track.getSettings();
    element("mirror").checked = facingMode !== "environment";
    pictures?.clear();
    start.textContent = "Stop camera";
    show(video);
    if (painter) say("Painting what the camera sees");
    follow();
    await listCameras(deviceId);
  } catch (error) {
    if (mine !== chosen) return;
    release();
    const { name, message } = /** @type {Error} */ (error);
    const unknown = `The camera could not be started (${message || name}). Try another one,`;
    complain(`${REFUSALS[name] ?? unknown} ${INSTEAD}`);
  } finally {
    start.disabled = false;
  }
}

/** The camera's pictures, one after the other: the newest is taken when the worker is free. */
function follow() {
  const mine = stream;
  const next = () => {
    if (!mine || stream !== mine) return;
    repaint();
    follow();
  };
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(next);
  else requestAnimationFrame(next); // Firefox before 132
}

/** @param {string | undefined} current */
async function listCameras(current) {
  const all = await navigator.mediaDevices.enumerateDevices();
  const found = all.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
  cameras.replaceChildren(...found.map(({ label, deviceId }) => new Option(label, deviceId)));
  cameras.value = current ?? "";
  element("cameras").hidden = found.length < 2;
}

/** Keep the last picture, so that it can be painted otherwise, and saved. */
async function stopCamera() {
  const mine = ++chosen;
  const last = await createImageBitmap(video).catch(() => undefined);
  if (mine !== chosen) return;
  release();
  if (last) show(last);
  say("The camera is off");
}

start.addEventListener("click", () => (stream ? stopCamera() : startCamera()));
cameras.addEventListener("change", () => stream && startCamera());
for (const id of ["mirror", "side"]) element(id).addEventListener("change", () => repaint());
save.addEventListener("click", () => {
  savePng(canvas, `${title} ${manner()}.png`.replaceAll(" ", "-"));
});

for (const type of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    event.preventDefault(); // the browser would open the file in place of the page
    document.body.classList.toggle("dropping", type === "dragover");
    const file = type === "drop" && /** @type {DragEvent} */ (event).dataTransfer?.files[0];
    if (file && PAINTER.test(file.name)) openFile(file);
    else if (file) pictures?.take(file);
  });
}

// Painting

function repaint() {
  due = true;
  paint();
}

async function paint() {
  const mix = mixture();
  if (busy || opening || !painter || !due || !source || !mix.some(Boolean)) return;
  [due, busy] = [false, true];
  const moving = source === video;
  try {
    const bitmap = moving ? await createImageBitmap(video) : /** @type {ImageBitmap} */ (source);
    const size = fitted(bitmap, Number(element("side").value));
    const mirrored = fromCamera && element("mirror").checked;
    order({ paint: { bitmap, size, mix, mirrored, moving } }, moving ? [bitmap] : []);
  } catch {
    busy = false; // the camera has just gone, or has no picture yet: the next one comes
  }
}

const manner = () => {
  const mix = mixture();
  const named = painter?.paintings.filter((_, place) => mix[place] > 0) ?? [];
  return named.join(" and ").replaceAll("_", " ");
};

/** @param {import("./camera_worker.js").Painted} painted */
function took({ pixels, size: { height, width }, milliseconds }) {
  busy = false;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { height, width });
  contextOf(canvas).putImageData(new ImageData(pixels, width, height), 0, 0);
  canvas.setAttribute("aria-label", `${title}, painted in the manner of ${manner()}`);
  save.disabled = false;
  let rate = "";
  if (source === video) {
    times = [...times, performance.now()].slice(-RATED);
    const perSecond = (1000 * (times.length - 1)) / (times[times.length - 1] - times[0]);
    if (times.length > 1) rate = `${perSecond.toFixed(1)} frames per second · `;
  }
  element("counter").textContent =
    `${rate}${width} × ${height} pixels · painted in ${milliseconds.toFixed(0)} ms`;
  paint();
}

worker.onmessage = ({ data }) => {
  const news = /** @type {import("./camera_worker.js").News} */ (data);
  if ("doing" in news) say(news.doing);
  if ("painted" in news) took(news.painted);
  if ("refused" in news) refuse(news.refused);
  if ("failed" in news) {
    busy = false;
    complain(`It was not painted: ${news.failed}. Choose a smaller size, or another painter.`);
  }
  if ("opened" in news) {
    opening -= 1;
    painter = news.opened;
    painters.value = painter.name;
    start.disabled = false;
    say(stream ? "Painting what the camera sees" : `${painter.name} is ready`);
    offer(painter.paintings);
    repaint();
  }
};
worker.onerror = () => complain("This browser cannot run the page; take one of 2023 or later.");

/** @type {ReturnType<typeof picker> | undefined} */
let pictures;
/** @param {string} name */
const listed = async (name) => (await fetch(new URL(name, here))).json();
try {
  const samples = await listed("pictures/index.json");
  pictures = picker("photograph", samples.photograph, "chelsea", choose);
  /** @type {{title: string, credit: string}[]} */
  const photographs = samples.photograph;
  const by = photographs.map((each) => `${each.title} (${each.credit})`).join("; ");
  element("credits").textContent = `Photographs: ${by}.`;
  /** @type {{file: string}[]} */
  const shipped = await listed("painters/index.json");
  for (const { file } of shipped) {
    const address = new URL(`painters/${file}`, here);
    add(file, async () => {
      const response = await fetch(address);
      if (!response.ok) throw new Error(response.statusText);
      return response.arrayBuffer();
    });
  }
  begun = true;
  start.disabled = !shipped.length && !painter;
  if (shipped.length) say("Start the camera, or choose a picture: 4.6 MB are fetched then, once");
  else say("Choose a painter’s file to begin");
} catch {
  complain("Pictures or painters are not there; build the page: make live.");
}
