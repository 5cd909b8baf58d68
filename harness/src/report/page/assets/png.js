// The timeline as it is seen, as a picture that the page makes by itself.

import { el } from "./dom.js";
import { paintTimeline } from "./paint.js";
import { theme } from "./theme.js";

// A canvas by itself has no ground: elsewhere the picture needs that of the page.
export function pictureOf(view) {
  const canvas = el("canvas");
  paintTimeline(canvas, view);
  const paint = canvas.getContext("2d");
  paint.setTransform(1, 0, 0, 1, 0, 0);
  paint.globalCompositeOperation = "destination-over";
  paint.fillStyle = theme().paper;
  paint.fillRect(0, 0, canvas.width, canvas.height);
  return canvas;
}

// Hands the picture to the reader as a file of this name.
export function savePicture(view, name) {
  pictureOf(view).toBlob((picture) => {
    if (picture === null) {
      alert("This browser makes no picture as large as the timeline is: make the window smaller.");
      return;
    }
    const address = URL.createObjectURL(picture);
    el("a", { href: address, download: name }).click();
    URL.revokeObjectURL(address);
  }, "image/png");
}
