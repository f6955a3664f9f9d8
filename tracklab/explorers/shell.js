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

function render({ model, el }) {
  const tied = new AbortController();
  tiePlayers(model, tied.signal);
  el.classList.add("tracklab-screen");
  const figure = make("figure", "", el);
  const trouble = make("p", "tracklab-trouble", figure);
  trouble.setAttribute("role", "alert");
  const img = make("img", "", figure);
  img.draggable = false;
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
    "change:shown_width": size,
    "change:sharp_pixels": size,
  };
  for (const [event, answer] of Object.entries(watched)) model.on(event, answer);
  for (const answer of [picture, words, error, answered, size]) answer();

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
