/**
 * Between pictures of the page and numbers, and the curve of the losses.
 * @module
 */
/** @typedef {import("./engine.js").Picture} Picture */

/**
 * A picture as numbers, cropped at the sides that are too long, and shrunk.
 * @param {ImageBitmap} bitmap
 * @param {import("./descent.js").Size} size
 * @returns {Picture}
 */
export function toNumbers(bitmap, { height, width }) {
  const canvas = Object.assign(document.createElement("canvas"), { height, width });
  const context = contextOf(canvas);
  drawCovering(context, bitmap, { height, width });
  const pixels = context.getImageData(0, 0, width, height).data;
  const plane = height * width;
  const data = Float32Array.from({ length: 3 * plane }, (_, i) => {
    return pixels[4 * (i % plane) + Math.floor(i / plane)] / 255;
  });
  return { data, height, width };
}

/**
 * Draw a picture as large as it has to be to leave no border.
 * @param {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} context
 * @param {ImageBitmap} bitmap
 * @param {import("./descent.js").Size} size the canvas'
 * @param {boolean} [mirrored] left and right change places
 */
export function drawCovering(context, bitmap, { height, width }, mirrored = false) {
  context.imageSmoothingQuality = "high";
  const scale = Math.max(width / bitmap.width, height / bitmap.height);
  const [across, down] = [bitmap.width * scale, bitmap.height * scale];
  context.setTransform(mirrored ? -1 : 1, 0, 0, 1, mirrored ? width : 0, 0);
  context.fillStyle = "white"; // behind what is transparent
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, (width - across) / 2, (height - down) / 2, across, down);
}

/**
 * Offer a canvas as a file.
 * @param {HTMLCanvasElement} canvas
 * @param {string} name
 */
export function savePng(canvas, name) {
  canvas.toBlob((file) => {
    if (!file) return;
    const link = Object.assign(document.createElement("a"), { download: name });
    link.href = URL.createObjectURL(file);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}

/**
 * Show numbers as a picture.
 * @param {HTMLCanvasElement} canvas
 * @param {Picture} picture
 */
export function show(canvas, { data, height, width }) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { height, width });
  const plane = height * width;
  const pixels = new ImageData(width, height);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = 255 * data[c * plane + i]; // it rounds
    pixels.data[4 * i + 3] = 255;
  }
  contextOf(canvas).putImageData(pixels, 0, 0);
}

/** @param {HTMLCanvasElement} canvas */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser cannot draw pictures");
  return context;
}

/**
 * Draw curves over the steps, on a logarithmic axis.
 * @param {SVGElement} svg
 * @param {Record<string, number[]>} curves by class; only what is above 0 can be drawn
 */
export function drawCurves(svg, curves) {
  const width = svg.clientWidth || 600; // as many units as pixels: letters keep their size
  svg.setAttribute("viewBox", `0 0 ${width} 210`);
  const [left, right, top, bottom] = [44, width - 6, 10, 180];
  const steps = Math.max(...Object.values(curves).map((values) => values.length)) - 1;
  const total = curves.total.filter((value) => value > 0);
  const high = Math.log10(Math.max(...total, 1e-6));
  const low = Math.min(Math.log10(Math.min(...total, 1e6)), high) - 2; // parts are smaller
  /** @param {number} step */
  const x = (step) => left + ((right - left) * step) / Math.max(steps, 10);
  /** @param {number} value */
  const y = (value) => top + ((bottom - top) * (high - Math.log10(value))) / (high - low);

  const parts = [];
  for (let power = Math.floor(low); power <= high; power++) {
    for (const value of [1, 3].map((digit) => Number((digit * 10 ** power).toPrecision(1)))) {
      if (value < 10 ** low || value > 10 ** high) continue;
      const at = y(value).toFixed(1);
      parts.push(`<line x1="${left}" x2="${right}" y1="${at}" y2="${at}"/>`);
      parts.push(`<text x="${left - 8}" y="${at}" dy="4" text-anchor="end">${value}</text>`);
    }
  }
  parts.push(`<text x="${left}" y="${bottom + 22}">step 0</text>`);
  parts.push(`<text x="${x(steps)}" y="${bottom + 22}" text-anchor="end">${steps || ""}</text>`);
  for (const [name, values] of Object.entries(curves).reverse()) {
    const stride = Math.ceil(values.length / 600); // no more points than can be told apart
    const points = values.flatMap((value, step) => {
      const wanted = step % stride === 0 || step === values.length - 1;
      return wanted && value >= 10 ** low ? [`${x(step).toFixed(1)},${y(value).toFixed(1)}`] : [];
    });
    parts.push(`<polyline class="${name}" points="${points.join(" ")}"/>`);
  }
  svg.innerHTML = parts.join("");
  const [first, last] = [curves.total[0], curves.total[steps]].map((value) => value.toPrecision(3));
  svg.setAttribute("aria-label", `Loss curve: ${first} at the start, ${last} at step ${steps}`);
}
