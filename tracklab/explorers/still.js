// Before a live view stand, as outputs of their own, a still picture and its words: for readers
// without a kernel. A live view hides them. (This file is put before each view's own.)

function stillBefore(el) {
  const words = el.closest(".jp-OutputArea-child")?.previousElementSibling;
  if (!words?.querySelector(".tracklab-still")) return [];
  const picture = words.previousElementSibling;
  return picture?.querySelector(".jp-RenderedImage") ? [words, picture] : [words];
}

// In command mode JupyterLab takes arrows and letters for itself (up and down go to another cell, b
// makes one), even from a list or a box that has the focus. These elements keep their keys; the
// mark must be on the element itself, not on one around it.
function keepKeys(root) {
  for (const node of root.querySelectorAll("input, select, button, [tabindex]")) {
    if (!node.dataset.lmSuppressShortcuts) node.dataset.lmSuppressShortcuts = "true";
  }
}

// Calls `then` when `el` is in the page; returns what undoes everything.
function whenAttached(el, then) {
  let still = [];
  const timer = setInterval(() => {
    if (!el.isConnected) return;
    clearInterval(timer);
    still = stillBefore(el);
    for (const node of still) node.style.display = "none";
    then();
  }, 20);
  return () => {
    clearInterval(timer);
    for (const node of still) node.style.display = "";
  };
}
