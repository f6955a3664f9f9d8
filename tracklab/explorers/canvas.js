// Boxes on a picture: one SVG in the image's own pixels, so that what is drawn is what is meant.

const SVG = "http://www.w3.org/2000/svg";
const CORNERS = { nw: [0, 1], ne: [2, 1], se: [2, 3], sw: [0, 3] }; // places in x1, y1, x2, y2
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HANDLE = 7; // half a corner handle's side on screen, in pixels
const TARGET = 24; // a side of what catches the pointer at a corner, in pixels: WCAG 2.2, 2.5.8
const QUIET = 500; // milliseconds without a change before a screen reader is told
const LEAP = 10; // pixels an arrow moves with Ctrl

let count = 0;

function make(tag, name, parent) {
  const node = document.createElementNS(SVG, tag);
  if (name) node.setAttribute("class", name);
  parent.append(node);
  return node;
}

function put(node, values) {
  for (const [name, value] of Object.entries(values)) node.setAttribute(name, value);
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const tenth = (value) => Math.round(value * 10) / 10;

// The box moved by (dx, dy), whole, as far as the picture's border lets it.
function moved([x1, y1, x2, y2], dx, dy, [height, width]) {
  dx = clamp(dx, -x1, width - x2);
  dy = clamp(dy, -y1, height - y2);
  return [x1 + dx, y1 + dy, x2 + dx, y2 + dy].map(tenth);
}

// The box between two points, at least `smallest` wide and high, inside the picture.
function between([ax, ay], [bx, by], [height, width], smallest) {
  const side = (a, b, most) => {
    const low = clamp(Math.min(a, b), 0, most - smallest);
    return [low, clamp(Math.max(a, b), low + smallest, most)];
  };
  const [x1, x2] = side(ax, bx, width);
  const [y1, y2] = side(ay, by, height);
  return [x1, y1, x2, y2].map(tenth);
}

// The box with one corner at (x, y). A corner stops before it passes the opposite one.
function resized(box, corner, x, y, [height, width], smallest) {
  const out = between(box.slice(0, 2), box.slice(2), [height, width], smallest);
  const [i, j] = CORNERS[corner];
  out[i] = i === 0 ? clamp(x, 0, out[2] - smallest) : clamp(x, out[0] + smallest, width);
  out[j] = j === 1 ? clamp(y, 0, out[3] - smallest) : clamp(y, out[1] + smallest, height);
  return out.map(tenth);
}

// Where a corner catches the pointer: from `low`, `side` long. It reaches into the box by a quarter
// of the box's side at most, so that the middle of a small box still moves it.
function reach(corner, opposite, side, most) {
  const inward = Math.min(side / 2, Math.abs(opposite - corner) / 4);
  const low = opposite > corner ? corner - (side - inward) : corner - inward;
  return clamp(low, 0, Math.max(0, most - side));
}

function render({ model, el }) {
  el.classList.add("tracklab-canvas", "tracklab-live");
  const own = `tracklab-canvas-${++count}`;
  const svg = make("svg", "", el);
  svg.setAttribute("role", "group");
  const picture = make("image", "", svg);
  const ground = make("rect", "ground", svg);
  const rules = make("path", "rules", svg);
  const layer = make("g", "", svg);
  const pair = comparison(svg, layer, own, make, put);
  const bar = document.createElement("div");
  bar.className = "bar";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "jupyter-button";
  button.textContent = "Draw a new box";
  const how = document.createElement("span");
  how.className = "how";
  how.id = `${own}-how`;
  const where = document.createElement("span");
  where.className = "where";
  const voice = document.createElement("div");
  voice.className = "voice";
  voice.setAttribute("aria-live", "polite");
  bar.append(button, how, where);
  el.append(pair.numbers, bar, voice);

  let address = "";
  let drag = null; // { kind, index, corner, start, before, pointer }
  let parts = [];
  let timer = 0;

  const size = () => model.get("size");
  const boxes = () => model.get("boxes");
  const name = (k) => model.get("labels")[k] ?? `box ${k + 1}`;

  function setBoxes(value) {
    model.set("boxes", value);
    model.save_changes();
  }

  function change(k, box) {
    setBoxes(boxes().map((other, i) => (i === k ? box : other)));
  }

  function point(event) {
    const [height, width] = size();
    const frame = svg.getBoundingClientRect();
    return [
      ((event.clientX - frame.left) / frame.width) * width,
      ((event.clientY - frame.top) / frame.height) * height,
    ];
  }

  function ground_() {
    const [height, width] = size();
    const scale = model.get("shown_scale");
    put(svg, { viewBox: `0 0 ${width} ${height}`, width: width * scale, height: height * scale });
    put(ground, { x: 0, y: 0, width, height });
    const step = model.get("rules");
    const lines = (most) => (step ? [...Array(Math.ceil(most / step)).keys()].slice(1) : []);
    const d = [
      ...lines(width).map((k) => `M ${k * step} 0 V ${height}`),
      ...lines(height).map((k) => `M 0 ${k * step} H ${width}`),
    ];
    put(rules, { d: d.join(" ") });
    put(picture, { x: 0, y: 0, width, height, preserveAspectRatio: "none" });
    const bytes = model.get("image");
    const has = bytes && bytes.byteLength > 0;
    ground.style.fillOpacity = has ? 0 : 1;
    if (address) URL.revokeObjectURL(address);
    address = has ? URL.createObjectURL(new Blob([bytes], { type: "image/png" })) : "";
    if (has) picture.setAttribute("href", address);
    else picture.removeAttribute("href");
    svg.setAttribute("aria-label", model.get("alt"));
  }

  function mode() {
    const can = model.get("draw_new");
    el.classList.toggle("comparing", model.get("compare"));
    button.hidden = !can;
    button.style.display = can ? "" : "none";
    el.classList.toggle("drawing", can);
    how.textContent =
      (can ? "Drag on the picture to draw a box. " : "Drag a box or its corners. ") +
      "By keyboard: Tab to a box, arrows move it, Shift and arrows resize it, Ctrl in steps of ten.";
  }

  function build() {
    layer.replaceChildren();
    parts = boxes().map((_, k) => {
      const color = model.get("colors")[k % model.get("colors").length];
      const group = make("g", "box", layer);
      put(group, { tabindex: 0, role: "application", "aria-describedby": how.id });
      const rim = make("rect", "rim", group);
      const edge = make("rect", "edge", group);
      put(edge, { stroke: color, fill: color, "stroke-dasharray": ["none", "8 4", "2 4"][k % 3] });
      const text = make("text", "", group);
      text.setAttribute("fill", color);
      const handles = Object.keys(CORNERS).map((corner) => {
        const handle = make("rect", `handle ${corner}`, group);
        put(handle, { stroke: color, "data-corner": corner });
        return handle;
      });
      const targets = Object.keys(CORNERS).map((corner) => {
        const target = make("rect", `target ${corner}`, group);
        put(target, { "data-corner": corner });
        return target;
      });
      group.addEventListener("pointerdown", (event) => {
        if (event.button > 0) return;
        event.preventDefault();
        event.stopPropagation();
        const { index, corner } = under(point(event)) ?? { index: k };
        parts[index].group.focus();
        grab(event, { kind: corner ? "resize" : "move", index, corner });
      });
      group.addEventListener("keydown", (event) => key(event, k));
      return { group, rim, edge, text, handles, targets };
    });
    keepKeys(el);
    place();
  }

  function place() {
    if (parts.length !== boxes().length) return build();
    const unit = size()[1] / (svg.getBoundingClientRect().width || size()[1]); // image pixels a screen pixel
    boxes().forEach((box, k) => {
      const { group, rim, edge, text, handles, targets } = parts[k];
      const [x1, y1, x2, y2] = box;
      for (const rect of [rim, edge]) put(rect, { x: x1, y: y1, width: x2 - x1, height: y2 - y1 });
      const above = y1 > 24 * unit;
      put(text, { x: x1, y: above ? y1 - 10 * unit : y1 + 22 * unit, "font-size": 13 * unit, "stroke-width": 3 * unit });
      text.textContent = name(k);
      for (const handle of handles) {
        const [i, j] = CORNERS[handle.dataset.corner];
        const half = HANDLE * unit;
        put(handle, { x: box[i] - half, y: box[j] - half, width: 2 * half, height: 2 * half });
      }
      const [height, width] = size();
      const side = TARGET * unit;
      for (const target of targets) {
        const [i, j] = CORNERS[target.dataset.corner];
        const x = reach(box[i], box[2 - i], side, width);
        const y = reach(box[j], box[4 - j], side, height);
        put(target, { x, y, width: side, height: side });
      }
      group.setAttribute("aria-label", `${name(k)}: x ${x1} to ${x2}, y ${y1} to ${y2} pixels`);
    });
    let text = boxes()
      .map(([x1, y1, x2, y2], k) => `${name(k)}: ${x1}, ${y1} to ${x2}, ${y2}`)
      .join("; ");
    if (model.get("compare") && boxes().length === 2) {
      text += `; ${pair.show(...boxes(), model.get("threshold"), unit)}`;
    } else pair.hide();
    if (where.textContent === text) return;
    where.textContent = text;
    clearTimeout(timer);
    // the words of an explorer around the canvas tell more: two voices at once tell nothing
    if (el.closest(".tracklab-explorer")) return;
    timer = setTimeout(() => { voice.textContent = text; }, QUIET);
  }

  // What is meant at a point: the nearest corner that reaches so far, else the smallest box around
  // it. A small box under a large one can so be caught; of two alike it is the upper one.
  function under([x, y]) {
    const inside = (node) => {
      const [left, top, width, height] = ["x", "y", "width", "height"].map((n) => +node.getAttribute(n));
      return x >= left && x <= left + width && y >= top && y <= top + height;
    };
    const found = [];
    boxes().forEach((box, index) => {
      for (const target of parts[index].targets.filter(inside)) {
        const [i, j] = CORNERS[target.dataset.corner];
        const away = Math.hypot(box[i] - x, box[j] - y);
        found.push({ index, corner: target.dataset.corner, rank: [0, away] });
      }
      if (inside(parts[index].edge)) found.push({ index, rank: [1, areaOf(box)] });
    });
    const order = (a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1] || b.index - a.index;
    return found.sort(order)[0];
  }

  function grab(event, what) {
    drag = { ...what, start: point(event), before: boxes(), pointer: event.pointerId };
    svg.setPointerCapture(event.pointerId);
  }

  function addBox(box) {
    const most = model.get("most");
    const kept = boxes().slice(0, most - 1);
    setBoxes([...kept, box]);
    return kept.length;
  }

  svg.addEventListener("pointerdown", (event) => {
    if (event.button > 0 || !model.get("draw_new")) return;
    event.preventDefault();
    grab(event, { kind: "draw", index: -1 });
  });

  svg.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    const [x, y] = point(event);
    const [x0, y0] = drag.start;
    const smallest = model.get("smallest");
    if (drag.kind === "draw") {
      const box = between(drag.start, [x, y], size(), smallest);
      if (drag.index >= 0) change(drag.index, box);
      else if (Math.hypot(x - x0, y - y0) >= smallest / 2) drag.index = addBox(box); // not a mere click
      return;
    }
    const before = drag.before[drag.index];
    if (drag.kind === "move") change(drag.index, moved(before, x - x0, y - y0, size()));
    else {
      const [i, j] = CORNERS[drag.corner];
      const corner = [before[i] + x - x0, before[j] + y - y0];
      change(drag.index, resized(before, drag.corner, ...corner, size(), smallest));
    }
  });

  function release(event) {
    if (!drag || event.pointerId !== drag.pointer) return;
    const { kind, index } = drag;
    drag = null;
    if (kind === "draw" && index >= 0) parts[index]?.group.focus();
  }
  svg.addEventListener("pointerup", release);
  svg.addEventListener("pointercancel", release);

  function key(event, k) {
    if (event.key === "Escape" && drag) {
      setBoxes(drag.before);
      drag = null;
    } else if ((event.key === "Delete" || event.key === "Backspace") && model.get("draw_new")) {
      setBoxes(boxes().filter((_, i) => i !== k));
      button.focus();
    } else if (event.key in ARROWS) {
      const step = event.ctrlKey || event.metaKey ? LEAP : 1;
      const [dx, dy] = ARROWS[event.key].map((way) => way * step);
      const box = boxes()[k];
      if (event.shiftKey) {
        const corner = [box[2] + dx, box[3] + dy];
        change(k, resized(box, "se", ...corner, size(), model.get("smallest")));
      } else change(k, moved(box, dx, dy, size()));
    } else return;
    event.preventDefault(); // the page must not scroll
  }

  button.addEventListener("click", () => {
    const [height, width] = size();
    const k = addBox([width * 0.35, height * 0.35, width * 0.65, height * 0.65].map(tenth));
    parts[k]?.group.focus();
  });

  const watched = {
    "change:boxes": place,
    "change:labels": place,
    "change:image": ground_,
    "change:size": ground_,
    "change:alt": ground_,
    "change:draw_new": mode,
    "change:rules": ground_,
    "change:threshold": place,
    "change:compare": () => { mode(); place(); },
  };
  for (const [event, answer] of Object.entries(watched)) model.on(event, answer);
  ground_();
  mode();
  build();
  const wider = new ResizeObserver(place); // labels and handles keep their size on screen
  wider.observe(svg);
  const detach = whenAttached(el, place);

  return () => {
    wider.disconnect();
    clearTimeout(timer);
    detach();
    for (const [event, answer] of Object.entries(watched)) model.off(event, answer);
    if (address) URL.revokeObjectURL(address);
  };
}

export default { render };
