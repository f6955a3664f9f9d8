// The view of an explorer. The picture arrives as bytes and is shown by one <img> that stays;
// alt text and a polite live region carry the words.

const QUIET = 500; // milliseconds without a change before a screen reader is told

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
  for (const button of root.querySelectorAll(".widget-play button, .jupyter-widget-play button")) {
    if (!button.getAttribute("aria-label") && button.title) {
      button.setAttribute("aria-label", button.title);
    }
  }
}

// The still picture and its words stand before the live view, for readers without a kernel.
function stillBefore(el) {
  const own = el.closest(".jp-OutputArea-child");
  const words = own?.previousElementSibling;
  if (!words?.querySelector(".tracklab-still")) return [];
  const picture = words.previousElementSibling;
  const isPicture = picture?.querySelector(".jp-RenderedImage");
  return isPicture ? [words, picture] : [words];
}

function render({ model, el }) {
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
    "change:shown_width": size,
    "change:sharp_pixels": size,
  };
  for (const [event, answer] of Object.entries(watched)) model.on(event, answer);
  for (const answer of [picture, words, error, size]) answer();

  // The view is put into the page after it is rendered, and the controls beside it in any order.
  let still = [];
  const changes = new MutationObserver(() => tieLabels(el.closest(".tracklab-explorer") ?? el));
  const attached = setInterval(() => {
    if (!el.isConnected) return;
    clearInterval(attached);
    const root = el.closest(".tracklab-explorer") ?? el;
    tieLabels(root);
    changes.observe(root, { childList: true, subtree: true });
    still = stillBefore(el);
    for (const node of still) node.style.display = "none";
  }, 20);

  return () => {
    clearInterval(attached);
    clearTimeout(timer);
    changes.disconnect();
    for (const node of still) node.style.display = "";
    for (const [event, answer] of Object.entries(watched)) model.off(event, answer);
    if (address) URL.revokeObjectURL(address);
  };
}

export default { render };
