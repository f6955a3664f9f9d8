// Two boxes compared in the browser, so that areas and numbers follow the pointer at once. The
// equations are those of `tracklab.boxes`; a test holds the two together. (This file is put before
// the canvas's own.)

const SAME = 1e-6; // an IoU this little below the threshold is at it: float32 knows no more

const areaOf = ([x1, y1, x2, y2]) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
const centerOf = ([x1, y1, x2, y2]) => [(x1 + x2) / 2, (y1 + y2) / 2];

function compared(a, b) {
  const shared = [0, 1, 2, 3].map((i) => (i < 2 ? Math.max : Math.min)(a[i], b[i]));
  const hull = [0, 1, 2, 3].map((i) => (i < 2 ? Math.min : Math.max)(a[i], b[i]));
  const intersection = areaOf(shared);
  // |a or b| = |a| + |b| - |a and b|
  const union = areaOf(a) + areaOf(b) - intersection;
  // IoU = |a and b| / |a or b|
  const iou = union > 0 ? intersection / union : 0;
  // GIoU = IoU - (|hull| - |a or b|) / |hull|
  const giou = iou - (areaOf(hull) > 0 ? (areaOf(hull) - union) / areaOf(hull) : 0);
  const [[ax, ay], [bx, by]] = [centerOf(a), centerOf(b)];
  return { shared, hull, intersection, union, iou, giou, distance: Math.hypot(bx - ax, by - ay) };
}

// The areas of two boxes, drawn below them, and a list of numbers. `make` and `put` are the
// canvas's own; `show(a, b, threshold, unit)` brings both up to date, `hide()` takes them away.
function comparison(svg, before, own, make, put) {
  const layer = make("g", "areas", svg);
  svg.insertBefore(layer, before);
  const defs = make("defs", "", layer);
  const patterns = ["both", "either"].map((kind) => {
    const pattern = make("pattern", kind, defs);
    put(pattern, { id: `${own}-${kind}`, width: 7, height: 7, patternUnits: "userSpaceOnUse" });
    put(make("rect", "", pattern), { width: 7, height: 7 });
    const lines = kind === "both" ? "M 0 0 H 7 M 0 0 V 7" : "M 0 0 H 7";
    put(make("path", "", pattern), { d: lines });
    return pattern;
  });
  const either = make("path", "", layer);
  const both = make("rect", "", layer);
  put(either, { fill: `url(#${own}-either)` });
  put(both, { fill: `url(#${own}-both)` });
  const hull = make("rect", "hull", layer);
  const line = make("line", "between", layer);
  const dots = [make("circle", "center", layer), make("circle", "center", layer)];

  const numbers = document.createElement("dl");
  numbers.className = "numbers";
  const entry = (key, name, swatch) => {
    const pair = document.createElement("div");
    const [term, value] = ["dt", "dd"].map((tag) => document.createElement(tag));
    if (swatch) term.append(Object.assign(document.createElement("span"), { className: swatch }));
    term.append(name);
    value.dataset.key = key;
    pair.append(term, value);
    numbers.append(pair);
    return value;
  };
  const shown = {
    iou: entry("iou", "IoU = shared / either", ""),
    giou: entry("giou", "GIoU", ""),
    hit: entry("hit", "counts as", ""),
    intersection: entry("intersection", "shared", "swatch both"),
    union: entry("union", "covered by either", "swatch either"),
    distance: entry("distance", "centres apart", "swatch between"),
    hull: entry("hull", "smallest box around both", "swatch hull"),
  };

  const rect = (node, [x1, y1, x2, y2]) =>
    put(node, { x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1) });
  const write = (key, value, text) => {
    shown[key].dataset.value = value;
    shown[key].textContent = text;
  };
  const signed = (value) => value.toFixed(3).replace("-", "\u2212");

  function show(a, b, threshold, unit) {
    layer.style.display = "";
    numbers.hidden = false;
    const found = compared(a, b);
    patterns.forEach((pattern, k) => put(pattern, {
      patternTransform: `scale(${unit}) rotate(${k ? -45 : 45})`,
    }));
    const outline = ([x1, y1, x2, y2]) => `M ${x1} ${y1} H ${x2} V ${y2} H ${x1} Z`;
    put(either, { d: `${outline(a)} ${outline(b)}` });
    rect(both, found.shared);
    rect(hull, found.hull);
    const [from, to] = [centerOf(a), centerOf(b)];
    put(line, { x1: from[0], y1: from[1], x2: to[0], y2: to[1] });
    [from, to].forEach(([x, y], k) => put(dots[k], { cx: x, cy: y, r: 4 * unit }));
    write("iou", found.iou, found.iou.toFixed(3));
    write("giou", found.giou, signed(found.giou));
    write("intersection", found.intersection, `${found.intersection.toFixed(0)} px\u00b2`);
    write("union", found.union, `${found.union.toFixed(0)} px\u00b2`);
    write("distance", found.distance, `${found.distance.toFixed(1)} px`);
    write("hull", areaOf(found.hull), `${areaOf(found.hull).toFixed(0)} px\u00b2`);
    const hit = found.iou >= threshold - SAME;
    write("hit", hit ? 1 : 0, `${hit ? "\u2713 a hit" : "\u2717 a miss"} at ${threshold.toFixed(2)}`);
    return `IoU ${found.iou.toFixed(3)}, GIoU ${signed(found.giou)}`;
  }

  function hide() {
    layer.style.display = "none";
    numbers.hidden = true;
  }
  hide();
  return { numbers, show, hide };
}
