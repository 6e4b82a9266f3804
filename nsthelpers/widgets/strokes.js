// Strokes over a picture, by mouse, finger, pen or keys.
//
// Python sends the picture, and takes the strokes: a list of {side, width, points}, each point
// [down, across] in shares of the height and the width, each width a share of the long side.

const COLOURS = { "in front": "rgb(0, 158, 115)", behind: "rgb(214, 94, 0)" };
const APART = 0.004; // a point nearer than this to the last one is left out
const STEP = 0.02; // of the cross, by one press of an arrow key
const WIDE = 440; // pixels of the page that a picture may take
const TALL = 360;
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function render({ model, el }) {
  let strokes = model.get("strokes");
  let known = strokes; // to Python
  let picture = null; // as it was last decoded
  let side = "in front";
  let pointer = null; // that is drawing now
  let joined = false; // whether the next point by key goes on from the last
  let waiting = false; // for Python, which takes its time over a mask
  let cross = null;

  const canvas = element("canvas", { tabIndex: 0 });
  canvas.setAttribute("role", "application");
  canvas.setAttribute(
    "aria-label",
    "The photograph. Draw strokes on it; or move a cross by the arrow keys, join its place to a " +
      "stroke by Enter, and end the stroke by Escape.",
  );
  const brush = element("input", { type: "range", min: 0.01, max: 0.12, step: 0.005, value: 0.03 });
  const sides = Object.keys(COLOURS).map((name) => {
    const button = element("button", { type: "button", textContent: name });
    button.style.setProperty("--nst-side", COLOURS[name]);
    button.addEventListener("click", () => choose(name));
    return button;
  });
  const undo = element("button", { type: "button", textContent: "undo" });
  const clear = element("button", { type: "button", textContent: "clear" });
  const said = element("p");
  said.setAttribute("aria-live", "polite");
  const width = element("label", {}, "brush ", brush);
  const tools = element("div", { className: "nst-tools" }, ...sides, width, undo, clear);
  tools.setAttribute("role", "toolbar");
  tools.setAttribute("aria-label", "Strokes");
  const root = element("div", { className: "nst-strokes" }, tools, canvas, said);
  root.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab's keys are not meant here
  root.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(root);

  function choose(name) {
    side = name;
    joined = false;
    for (const button of sides) button.setAttribute("aria-pressed", button.textContent === side);
  }

  // One message at a time: what is drawn while Python works goes together in the next.
  function send() {
    if (waiting || pointer !== null || strokes === known) return;
    waiting = true;
    known = strokes;
    model.set("strokes", strokes);
    model.save_changes();
    draw();
  }

  function change(made) {
    strokes = made;
    draw();
    send();
  }

  function begin(point) {
    strokes = [...strokes, { side, width: Number(brush.value), points: [point] }];
  }

  function goOn(point) {
    const last = strokes.at(-1);
    const [down, across] = last.points.at(-1);
    if (Math.hypot(point[0] - down, point[1] - across) < APART) return;
    strokes = [...strokes.slice(0, -1), { ...last, points: [...last.points, point] }];
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    const shares = [
      (event.clientY - box.top) / box.height,
      (event.clientX - box.left) / box.width,
    ];
    return shares.map((share) => Number(Math.min(1, Math.max(0, share)).toFixed(4)));
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return; // a second finger, another button
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    pointer = event.pointerId;
    joined = false;
    cross = null;
    begin(place(event));
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const each of moves.length ? moves : [event]) goOn(place(each));
    draw();
  });
  for (const ending of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(ending, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      send();
    });
  }
  canvas.addEventListener("keydown", (event) => {
    if (ARROWS[event.key]) {
      const at = cross ?? [0.5, 0.5];
      const moved = ARROWS[event.key].map((by, axis) => at[axis] + STEP * by);
      cross = moved.map((share) => Number(Math.min(1, Math.max(0, share)).toFixed(4)));
    } else if (event.key === "Enter" || event.key === " ") {
      cross ??= [0.5, 0.5];
      joined ? goOn(cross) : begin(cross);
      joined = true;
      change(strokes);
    } else if (event.key === "Escape") {
      joined = false;
    } else {
      return;
    }
    event.preventDefault();
    draw();
  });
  canvas.addEventListener("blur", () => {
    cross = null;
    draw();
  });
  undo.addEventListener("click", () => {
    joined = false;
    change(strokes.slice(0, -1));
  });
  clear.addEventListener("click", () => {
    joined = false;
    change([]);
  });

  function draw() {
    undo.disabled = clear.disabled = !strokes.length;
    const count = strokes.length === 1 ? "1 stroke" : `${strokes.length} strokes`;
    said.textContent = waiting ? `${count}; looking for the edges …` : count;
    if (!picture) return;
    const context = canvas.getContext("2d");
    const { width, height } = canvas;
    context.drawImage(picture, 0, 0, width, height);
    context.lineCap = context.lineJoin = "round";
    context.globalAlpha = 0.8;
    for (const stroke of strokes) {
      context.strokeStyle = COLOURS[stroke.side];
      context.lineWidth = stroke.width * Math.max(width, height);
      context.beginPath();
      for (const [down, across] of [stroke.points[0], ...stroke.points]) {
        context.lineTo(across * width, down * height); // a single point is a dot
      }
      context.stroke();
    }
    context.globalAlpha = 1;
    if (!cross) return;
    for (const [colour, thick] of [["black", 8], ["white", 3]]) {
      context.strokeStyle = colour;
      context.lineWidth = thick;
      context.beginPath();
      for (const [x, y] of [[20, 0], [0, 20]]) {
        context.moveTo(cross[1] * width - x, cross[0] * height - y);
        context.lineTo(cross[1] * width + x, cross[0] * height + y);
      }
      context.stroke();
    }
  }

  async function show() {
    const data = model.get("picture");
    if (!data?.byteLength) return;
    const decoded = await createImageBitmap(new Blob([data]));
    if (data !== model.get("picture")) return; // a later one is on its way
    picture = decoded;
    const scale = Math.min(WIDE / picture.width, TALL / picture.height);
    canvas.style.width = `${Math.round(scale * picture.width)}px`;
    // Twice as fine as the page, so that strokes are smooth.
    canvas.width = Math.round(2 * scale * picture.width);
    canvas.height = Math.round(2 * scale * picture.height);
    draw();
  }

  function taken() {
    waiting = false;
    send();
    draw();
  }

  function received() {
    const told = model.get("strokes");
    const echo = JSON.stringify(told) === JSON.stringify(known); // equal, but another list
    if (waiting || pointer !== null || echo) return;
    strokes = known = told;
    draw();
  }

  const heard = { "change:picture": show, "change:strokes": received, "change:taken": taken };
  for (const [event, answer] of Object.entries(heard)) model.on(event, answer);
  choose(side);
  draw();
  show();
  model.set("shown", true);
  model.save_changes();
  return () => {
    for (const [event, answer] of Object.entries(heard)) model.off(event, answer);
  };
}

export default { render };
