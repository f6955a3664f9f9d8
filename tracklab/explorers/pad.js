// A picture with one point on it that is moved by mouse, finger or keyboard. The point follows at
// once; the picture is the kernel's, and comes as fast as the kernel draws: while one is on its
// way, only the last place is kept.

const SVG = "http://www.w3.org/2000/svg";
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const STEP = 0.005; // of the area, an arrow
const LEAP = 10; // times as far with Ctrl
const PATIENCE = 400; // milliseconds after which a picture that never came is no longer waited for
const RADIUS = 9; // of the point, in pixels of the picture
const TARGET = 14; // of what catches the pointer: WCAG 2.2, 2.5.8

const clamp = (value) => Math.min(Math.max(value, 0), 1);
const rounded = (value) => Math.round(value * 1000) / 1000;

function make(tag, name, parent) {
  const node = document.createElementNS(SVG, tag);
  if (name) node.setAttribute("class", name);
  parent.append(node);
  return node;
}

function put(node, values) {
  for (const [name, value] of Object.entries(values)) node.setAttribute(name, value);
}

function render({ model, el }) {
  el.classList.add("tracklab-pad", "tracklab-live");
  const svg = make("svg", "", el);
  svg.setAttribute("role", "group");
  const picture = make("image", "", svg);
  const spot = make("g", "spot", svg);
  put(spot, { tabindex: 0, role: "application" });
  const target = make("circle", "target", spot);
  const rim = make("circle", "rim", spot);
  const dot = make("circle", "dot", spot);
  const how = document.createElement("div");
  how.className = "how";
  how.textContent =
    "Drag the ring, or click where it should be. By keyboard: Tab to the ring, arrows move it, Ctrl ten times as far.";
  el.append(how);

  let here = model.get("value"); // what is shown; the model's value follows
  let waiting = 0; // since when a picture is on its way
  let timer = 0; // not 0 while a place is kept that was not yet sent
  let address = "";
  let held = null; // the pointer that drags

  function show() {
    const [left, top, width, height] = model.get("area");
    const [x0, x1, y0, y1] = model.get("domain");
    const [cx, cy] = [left + here[0] * width, top + (1 - here[1]) * height];
    put(target, { cx, cy, r: TARGET });
    put(rim, { cx, cy, r: RADIUS });
    put(dot, { cx, cy, r: RADIUS });
    const [x, y] = [x0 + here[0] * (x1 - x0), y0 + here[1] * (y1 - y0)];
    spot.setAttribute("aria-label", `${model.get("label")}: x ${x.toFixed(2)}, y ${y.toFixed(2)}`);
  }

  function send() {
    clearTimeout(timer);
    timer = 0;
    const now = Date.now();
    if (waiting && now - waiting < PATIENCE) {
      timer = setTimeout(send, PATIENCE);
      return;
    }
    const [u, v] = model.get("value");
    if (u === here[0] && v === here[1]) return;
    waiting = now;
    model.set("value", here);
    model.save_changes();
  }

  function move(u, v) {
    here = [rounded(clamp(u)), rounded(clamp(v))];
    show();
    send();
  }

  function at(event) {
    const [height, width] = model.get("size");
    const [left, top, wide, tall] = model.get("area");
    const frame = svg.getBoundingClientRect();
    const x = ((event.clientX - frame.left) / frame.width) * width;
    const y = ((event.clientY - frame.top) / frame.height) * height;
    return [(x - left) / wide, 1 - (y - top) / tall];
  }

  function paint() {
    const [height, width] = model.get("size");
    put(svg, { viewBox: `0 0 ${width} ${height}`, width, height });
    put(picture, { x: 0, y: 0, width, height });
    const bytes = model.get("picture");
    const old = address;
    address = bytes?.byteLength ? URL.createObjectURL(new Blob([bytes], { type: "image/png" })) : "";
    if (address) picture.setAttribute("href", address);
    if (old) setTimeout(() => URL.revokeObjectURL(old), 1000); // still shown until the new one is there
    svg.setAttribute("aria-label", model.get("alt"));
    waiting = 0;
    if (timer) send();
    show();
  }

  svg.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    const [u, v] = at(event);
    if (u < -0.03 || u > 1.03 || v < -0.03 || v > 1.03) return; // beside the area
    event.preventDefault();
    spot.focus();
    held = event.pointerId;
    svg.setPointerCapture(held);
    move(u, v);
  });
  svg.addEventListener("pointermove", (event) => {
    if (event.pointerId === held) move(...at(event));
  });
  const release = (event) => { if (event.pointerId === held) held = null; };
  svg.addEventListener("pointerup", release);
  svg.addEventListener("pointercancel", release);
  spot.addEventListener("keydown", (event) => {
    if (!(event.key in ARROWS)) return;
    const step = STEP * (event.ctrlKey || event.metaKey ? LEAP : 1);
    const [du, dv] = ARROWS[event.key];
    move(here[0] + du * step, here[1] + dv * step);
    event.preventDefault(); // the page must not scroll
  });

  const moved = () => {
    // from Python: a reset, a button; what a learner still drags is newer
    if (held !== null || timer) return;
    here = model.get("value");
    show();
  };
  const watched = {
    "change:value": moved,
    "change:picture": paint,
    "change:domain": show,
    "change:alt": () => svg.setAttribute("aria-label", model.get("alt")),
  };
  for (const [event, answer] of Object.entries(watched)) model.on(event, answer);
  keepKeys(el);
  paint();
  const detach = whenAttached(el, show);

  return () => {
    clearTimeout(timer);
    detach();
    for (const [event, answer] of Object.entries(watched)) model.off(event, answer);
    if (address) URL.revokeObjectURL(address);
  };
}

export default { render };
