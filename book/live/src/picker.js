/**
 * Pictures to choose from.
 * @module
 */

/** @typedef {(role: string, name: string, bitmap: Promise<ImageBitmap>) => void} Choose */

const here = new URL("../", import.meta.url);

/**
 * Thumbnails to choose from, and a place for a picture of one's own.
 * @param {string} role what is chosen, and the element's id
 * @param {{name: string, title: string, credit: string}[]} samples
 * @param {string} initial
 * @param {Choose} choose told what is chosen, the first one as well
 * @returns {{take: (picture: File) => void, clear: () => void}} choose a file; choose nothing
 */
export function picker(role, samples, initial, choose) {
  const fieldset = /** @type {HTMLElement} */ (document.getElementById(role));
  /** @type {HTMLInputElement[]} */
  const radios = [];
  for (const sample of samples) {
    const input = Object.assign(document.createElement("input"), { type: "radio", name: role });
    const image = Object.assign(document.createElement("img"), {
      src: `pictures/${sample.name}.small.webp`, alt: sample.title, title: sample.title,
    });
    const get = async () => {
      const address = new URL(`pictures/${sample.name}.webp`, here);
      const response = await fetch(address).catch(() => undefined);
      if (!response?.ok) throw new Error(`${sample.title} could not be had; try again online.`);
      return createImageBitmap(await response.blob());
    };
    input.addEventListener("change", () => choose(role, sample.name, get()));
    input.checked = sample.name === initial;
    if (input.checked) choose(role, sample.name, get());
    const label = document.createElement("label");
    label.append(input, image);
    fieldset.append(label);
    radios.push(input);
  }
  const file = Object.assign(document.createElement("input"), { type: "file", accept: "image/*" });
  const own = document.createElement("span");
  own.className = "own";
  own.textContent = "your own";
  file.setAttribute("aria-label", `${role} of your own, from a file`);
  const clear = () => {
    for (const radio of radios) radio.checked = false;
    own.classList.remove("taken");
    file.value = ""; // so that the same file can be chosen again
  };
  const take = (/** @type {File} */ picture) => {
    clear();
    own.textContent = picture.name.slice(0, 24);
    own.classList.add("taken");
    const bitmap = createImageBitmap(picture).catch(() => {
      const expected = "choose a JPEG, PNG or WebP file";
      throw new Error(`${picture.name} is no picture that this browser can read; ${expected}.`);
    });
    choose(role, picture.name.replace(/\.\w+$/, ""), bitmap);
  };
  file.addEventListener("change", () => file.files?.[0] && take(file.files[0]));
  fieldset.addEventListener("change", ({ target }) => {
    if (target !== file) own.classList.remove("taken");
  });
  const label = document.createElement("label");
  label.append(file, own);
  fieldset.append(label);
  return { take, clear };
}
