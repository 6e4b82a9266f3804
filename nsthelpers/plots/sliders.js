// A picture that answers to sliders without a kernel. sliders.py writes this function into each
// figure and calls it there, with what it has gathered and with the style sheet:
// {key, description, axes: [{name, labels}, ...], size: [width, height], sheet: data URI,
//  places: [[x, y, width, height] on the sheet, or null], captions: [text, ...]}.
(function (figure, style) {
  "use strict";
  const script = document.currentScript; // null where a page runs scripts in its own way
  const root = script
    ? script.closest(".nst-sliders")
    : document.querySelector(`.nst-sliders[data-key="${figure.key}"]:not(.nst-live)`);
  if (!root) return;
  root.classList.add("nst-live"); // at once: the next script looks for the next root

  function make(tag, name, parent, text = "") {
    const element = document.createElement(tag);
    element.className = `nst-${name}`;
    element.textContent = text; // never markup: labels and captions are anybody's
    parent.append(element);
    return element;
  }

  // A place for changing text that is as large as the largest one, so that nothing around it moves.
  function makeSteady(tag, name, parent, texts) {
    const box = make("div", `steady nst-${name}`, parent);
    for (const text of new Set(texts)) make("span", "unseen", box, text).ariaHidden = "true";
    return make(tag, "seen", box);
  }

  function build(sheet) {
    root.querySelectorAll(":scope > .nst-made").forEach((old) => old.remove()); // of a saved page
    root.querySelector(":scope > .nst-still").hidden = true;
    const main = make("div", "made nst-main", root);
    make("style", "style", main, style);
    root.insertBefore(main, root.querySelector(":scope > .nst-beside"));

    const [width, height] = figure.size;
    const frame = make("div", "frame", main);
    frame.style.maxWidth = `${1.75 * width}px`; // more would only show how few pixels there are
    const canvas = make("canvas", "canvas", frame);
    Object.assign(canvas, { width, height, role: "img" });
    const missing = make("span", "missing", frame, "not computed");
    const controls = make("div", "controls", main);
    // JupyterLab, and notebooks before it, would take the arrow keys for their own.
    controls.dataset.lmSuppressShortcuts = "true";
    controls.addEventListener("keydown", (event) => event.stopPropagation());
    const sliders = figure.axes.map((axis) => makeSlider(axis, controls));
    const caption = makeSteady("p", "caption", main, figure.captions);

    let timer = null;
    function stop() {
      clearInterval(timer);
      timer = null;
      caption.ariaLive = "polite";
      sliders.forEach(({ button }) => (button.ariaPressed = "false"));
    }

    function play(slider) {
      caption.ariaLive = "off"; // a voice could not keep up
      slider.button.ariaPressed = "true";
      const calm = matchMedia("(prefers-reduced-motion: reduce)");
      timer = setInterval(() => {
        if (calm.matches || !root.isConnected) return stop();
        slider.input.value = (Number(slider.input.value) + 1) % slider.labels.length;
        show();
      }, 800);
    }

    function show() {
      const settings = [];
      let index = 0; // the last axis runs fastest
      for (const { name, labels, input, output } of sliders) {
        const place = Number(input.value);
        index = index * labels.length + place;
        input.ariaValueText = output.textContent = labels[place];
        input.style.setProperty("--nst-part", place / (labels.length - 1));
        settings.push(`${name} ${labels[place]}`);
      }
      const place = figure.places[index];
      const pen = canvas.getContext("2d");
      pen.clearRect(0, 0, width, height);
      if (place) {
        const [x, y, w, h] = place;
        pen.drawImage(sheet, x, y, w, h, (width - w) >> 1, (height - h) >> 1, w, h);
      }
      missing.hidden = Boolean(place);
      caption.textContent = figure.captions[index];
      canvas.ariaLabel = [
        `${figure.description} Shown: ${settings.join(", ")}`,
        ...(place ? [] : [missing.textContent]),
        ...(figure.captions[index] ? [figure.captions[index]] : []),
      ].join("; ");
    }

    for (const slider of sliders) {
      slider.input.addEventListener("input", () => {
        stop();
        show();
      });
      slider.button.addEventListener("click", () => {
        const starts = slider.button.ariaPressed !== "true";
        stop();
        if (starts) play(slider);
      });
    }
    stop();
    show();
  }

  function makeSlider({ name, labels }, parent) {
    const label = make("label", "label", parent, name);
    const input = make("input", "range", parent);
    Object.assign(input, { type: "range", min: 0, max: labels.length - 1, step: 1, value: 0 });
    const output = makeSteady("output", "value", parent, labels);
    // Made here, or the same figure twice on a page would have the same names twice.
    input.id = `nst-${Math.random().toString(36).slice(2)}`;
    label.htmlFor = input.id;
    output.htmlFor = input.id;
    output.ariaLive = "off"; // the slider itself says its value
    const button = make("button", "play", parent);
    Object.assign(button, { type: "button", title: `Play: ${name}`, ariaLabel: `Play: ${name}` });
    return { name, labels, input, output, button };
  }

  const sheet = new Image();
  sheet.onload = () => build(sheet);
  sheet.src = figure.sheet;
});
