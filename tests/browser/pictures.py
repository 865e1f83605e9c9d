"""Small pictures: what the browser took, written as a PNG with a palette. A page has few colours."""

import base64
import struct
import zlib
from pathlib import Path

from playwright.async_api import Page

#: Reads a picture into a canvas and returns its size, its 256 commonest colours and one index a pixel; other colours
#: become the nearest of those.
_INDEXED = """
async (source) => {
  const image = await createImageBitmap(await (await fetch(source)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) || 0) + 1);
  const palette = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([colour]) => colour);
  const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
  const far = (a, b) => a.reduce((sum, part, place) => sum + (part - b[place]) ** 2, 0);
  const known = palette.map(parts);
  const places = new Map(palette.map((colour, place) => [colour, place]));
  const indices = new Uint8Array(pixels.length);
  pixels.forEach((pixel, at) => {
    if (!places.has(pixel)) {
      const wanted = parts(pixel);
      const nearer = (best, one, place) => (far(one, wanted) < far(known[best], wanted) ? place : best);
      places.set(pixel, known.reduce(nearer, 0));
    }
    indices[at] = places.get(pixel);
  });
  let text = "";
  for (let at = 0; at < indices.length; at += 32768) text += String.fromCharCode(...indices.subarray(at, at + 32768));
  return [image.width, image.height, known.flat(), btoa(text)];
}
"""


async def write_small(page: Page, taken: bytes, path: Path) -> None:
    """Write a PNG that the browser made as one with a palette of 256 colours. `page` may be any blank page."""
    source = "data:image/png;base64," + base64.b64encode(taken).decode()
    width, height, palette, indices = await page.evaluate(_INDEXED, source)
    rows = base64.b64decode(indices)
    lines = b"".join(b"\0" + rows[at : at + width] for at in range(0, width * height, width))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    body = [(b"IHDR", head), (b"PLTE", bytes(palette)), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in body))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
