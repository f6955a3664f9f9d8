// The view of an explorer. The picture arrives as bytes and is shown by one <img> that stays;
// alt text and a polite live region carry the words.

const QUIET = 500; // milliseconds without a change before a screen reader is told

const ICONS = {
  "fa-play": "Play",
  "fa-pause": "Pause",
  "fa-stop": "Stop, back to the first",
  "fa-retweet": "Repeat",
};

function make(tag, name, parent) {
  const node = document.createElement(tag);
  node.className = name;
  parent.append(node);
  return node;
}

// ipywidgets writes a label beside a slider but does not tie it to the handle or the number.
function tieLabels(root) {
  for (const label of root.querySelectorAll(".widget-label")) {
    const text = label.textContent.trim();
    const parts = label.parentElement.querySelectorAll("[role=slider], .widget-readout");
    for (const part of parts) {
      if (text && part.getAttribute("aria-label") !== text) part.setAttribute("aria-label", text);
    }
  }
  // A row of check boxes is one control.
  for (const row of root.querySelectorAll(".tracklab-ticks")) {
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", row.querySelector(".tracklab-name")?.textContent ?? "");
  }
  // The buttons that play have icons and no names.
  for (const icon of root.querySelectorAll("button > i.fa")) {
    const name = Object.keys(ICONS).find((kind) => icon.classList.contains(kind));
    const button = icon.parentElement;
    if (name && button.getAttribute("aria-label") !== ICONS[name]) {
      button.setAttribute("aria-label", ICONS[name]);
      button.title = ICONS[name];
    }
  }
}

// A slider and the buttons that play follow each other here. What the buttons hold is not sent to
// the kernel, which listens to the slider: a second message would double the way of each key.
async function tiePlayers(model, signal) {
  for (const [player, slider] of model.get("players")) {
    const [play, shown] = await Promise.all(
      [player, slider].map((id) => model.widget_manager.get_model(id)),
    );
    if (signal.aborted) return;
    const toSlider = () => {
      if (shown.get("value") === play.get("value")) return;
      shown.set("value", play.get("value"));
      shown.save_changes();
    };
    const toPlayer = () => play.set("value", shown.get("value"));
    toPlayer();
    play.on("change:value", toSlider);
    shown.on("change:value", toPlayer);
    signal.addEventListener("abort", () => {
      play.off("change:value", toSlider);
      shown.off("change:value", toPlayer);
    });
  }
}

// What a key typed here would write into.
const WRITES = "input:not([type=checkbox]), select, textarea, [contenteditable=true]";

// Buttons that set a control to a place worth going to, and what is still being computed. A
// button that changes its words stays, so that the one with the focus keeps it.
function jumpBar(model, el) {
  const bar = make("div", "tracklab-jumps", el);
  const group = make("div", "tracklab-group", bar);
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", "Jump to");
  const under = make("p", "tracklab-unfinished", bar);
  const progress = make("progress", "", under);
  progress.max = 1;
  progress.setAttribute("aria-label", "Still being computed");
  const words = make("span", "", under);

  async function jump([, , id, value]) {
    const control = await model.widget_manager.get_model(id);
    control.set("value", value);
    control.save_changes();
  }

  function jumps() {
    const wanted = model.get("jumps");
    while (group.children.length > wanted.length) group.lastChild.remove();
    wanted.forEach(([label, key], k) => {
      const button = group.children[k] ?? make("button", "jupyter-button tracklab-jump", group);
      button.type = "button";
      button.textContent = label;
      if (key) button.setAttribute("aria-keyshortcuts", key);
      else button.removeAttribute("aria-keyshortcuts");
      button.title = key ? `Jump there: key ${key}` : "Jump there";
      button.onclick = () => jump(model.get("jumps")[k]);
    });
    shown();
  }

  function unfinished() {
    const [text, share] = model.get("unfinished");
    under.hidden = !text;
    words.textContent = text ?? "";
    progress.value = share ?? 0;
    shown();
  }

  function shown() {
    // once there, it keeps its place: words must not jump as buttons come and go
    if (group.children.length || !under.hidden) bar.classList.add("tracklab-there");
  }

  function key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches(WRITES)) return;
    const found = model.get("jumps").find(([, own]) => own && own === event.key);
    if (!found) return;
    event.preventDefault();
    jump(found);
  }

  return { jumps, unfinished, key };
}

function render({ model, el }) {
  const tied = new AbortController();
  tiePlayers(model, tied.signal);
  el.classList.add("tracklab-screen");
  const figure = make("figure", "", el);
  const trouble = make("p", "tracklab-trouble", figure);
  trouble.setAttribute("role", "alert");
  const img = make("img", "", figure);
  img.draggable = false;
  const bar = jumpBar(model, figure); // below the picture, which so stays where it is
  const caption = make("figcaption", "", figure);
  const numbers = make("dl", "", figure);
  const voice = make("div", "tracklab-voice", el);
  voice.setAttribute("aria-live", "polite");

  let address = "";
  let timer = 0;

  function picture() {
    const bytes = model.get("picture");
    img.hidden = !bytes || bytes.byteLength === 0;
    if (img.hidden) return;
    const fresh = URL.createObjectURL(new Blob([bytes], { type: model.get("kind") }));
    img.src = fresh;
    if (address) URL.revokeObjectURL(address);
    address = fresh;
  }

  function words() {
    const text = model.get("caption");
    img.alt = text;
    caption.textContent = text;
    clearTimeout(timer);
    timer = setTimeout(() => { voice.textContent = text; }, QUIET);
    numbers.replaceChildren();
    for (const [name, value] of model.get("numbers")) {
      const pair = make("div", "", numbers);
      make("dt", "", pair).textContent = name;
      make("dd", "", pair).textContent = value;
    }
  }

  function error() {
    const text = model.get("error");
    trouble.textContent = text;
    trouble.hidden = !text;
    figure.classList.toggle("tracklab-old", Boolean(text));
  }

  function answered() {
    figure.dataset.drawing = model.get("drawing");
  }

  function busy() {
    figure.setAttribute("aria-busy", model.get("unfinished").length > 0);
  }

  function size() {
    const width = model.get("shown_width");
    img.style.width = width ? `${width}px` : "";
    img.style.imageRendering = model.get("sharp_pixels") ? "pixelated" : "";
  }

  const watched = {
    "change:picture": picture,
    "change:caption": words,
    "change:numbers": words,
    "change:error": error,
    "change:drawing": answered,
    "change:jumps": bar.jumps,
    "change:unfinished": () => { bar.unfinished(); busy(); },
    "change:shown_width": size,
    "change:sharp_pixels": size,
  };
  for (const [event, answer] of Object.entries(watched)) model.on(event, answer);
  for (const answer of [picture, words, error, answered, size, bar.jumps, bar.unfinished, busy]) {
    answer();
  }

  // The controls come into the page beside the view, in any order.
  const tie = () => {
    const root = el.closest(".tracklab-explorer") ?? el;
    tieLabels(root);
    keepKeys(root);
  };
  const changes = new MutationObserver(tie);
  const detach = whenAttached(el, () => {
    tie();
    const root = el.closest(".tracklab-explorer") ?? el;
    root.addEventListener("keydown", bar.key, { signal: tied.signal });
    const what = { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] };
    changes.observe(root, what);
  });

  return () => {
    detach();
    tied.abort();
    clearTimeout(timer);
    changes.disconnect();
    for (const [event, answer] of Object.entries(watched)) model.off(event, answer);
    if (address) URL.revokeObjectURL(address);
  };
}

export default { render };
