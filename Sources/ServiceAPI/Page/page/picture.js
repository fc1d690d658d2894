import { Problem } from './problem.js';
import * as service from './service.js';

/** What the service reads; anything else that this browser can show is turned into PNG first. */
const readable = [
  { type: 'image/png', begins: [0x89, 0x50, 0x4e, 0x47] },
  { type: 'image/jpeg', begins: [0xff, 0xd8, 0xff] },
  { type: 'image/webp', begins: [0x52, 0x49, 0x46, 0x46], then: [8, 0x57, 0x45, 0x42, 0x50] },
];
/** Files of layers, which the service makes one picture of: PSD, PSB, and in a ZIP OpenRaster and its own results. */
const layered = [[0x38, 0x42, 0x50, 0x53], [0x50, 0x4b, 0x03, 0x04]];
const thumbSide = 144;
/** So far into a file it is looked whether it is an animation. */
const headBytes = 65_536;

/** A picture that somebody chose: the file to send and a bitmap to show. */
export class Picture {
  /**
   * Reads a file. `bitmap` is null if only the service may be able to read it.
   * Throws a `Problem` if it is no picture at all.
   */
  static async of(file, name = file.name || 'picture.png') {
    const head = new Uint8Array(await file.slice(0, headBytes).arrayBuffer());
    if (!head.length) {
      throw new Problem({ status: 400, title: 'The file is empty', detail: `“${name}” has no bytes.` });
    }
    const isReadable = readable.some(({ begins, then }) =>
      begins.every((byte, index) => head[index] === byte)
      && (!then || then.slice(1).every((byte, index) => head[then[0] + index] === byte)));
    if (layered.some((begins) => begins.every((byte, index) => head[index] === byte))) {
      const flat = await service.recompose(file.slice(0, file.size, 'application/octet-stream'), 'png');
      return new Picture(flat, name, await decode(flat), `converted from ${/[^.]*$/.exec(name)[0].toUpperCase()}`);
    }
    const bitmap = await decode(file);
    if (isReadable && bitmap && isAnimated(head)) {
      return new Picture(await encode(bitmap), name, bitmap, 'the first picture of an animation');
    }
    if (isReadable) return new Picture(file, name, bitmap, '');
    if (!bitmap) {
      throw new Problem({
        status: 415, title: 'This is not a picture that can be read',
        detail: `“${name}” is none of PNG, JPEG and WebP, and this browser cannot convert it.`,
      });
    }
    const kind = (file.type.split('/')[1] ?? 'file').replace(/\+.*/, '').toUpperCase();
    return new Picture(await encode(bitmap), name, bitmap, `converted from ${kind}`);
  }

  constructor(file, name, bitmap, note) {
    Object.assign(this, { file, name, bitmap, note });
  }

  get width() { return this.bitmap?.width ?? 0; }
  get height() { return this.bitmap?.height ?? 0; }

  /** A line about it. */
  get description() {
    const size = this.file.size < 1e6 ? `${Math.max(1, Math.round(this.file.size / 1e3))} kB`
      : `${(this.file.size / 1e6).toFixed(1)} MB`;
    return [this.bitmap ? `${this.width} × ${this.height}` : '', size, this.note].filter(Boolean).join(', ');
  }

  /** A small copy as a `data:` URL; empty if there is no bitmap. */
  get thumb() {
    if (!this.bitmap) return '';
    const scale = Math.min(1, thumbSide / Math.min(this.width, this.height));
    return draw(this.bitmap, this.width * scale, this.height * scale).toDataURL('image/webp', 0.8);
  }

  /** A copy whose longer side is at most `side`, and that has no more than so many pixels. */
  async shrunk(side, pixels) {
    const scale = Math.min(
      1, side / Math.max(this.width, this.height), Math.sqrt(pixels / (this.width * this.height)));
    const canvas = draw(this.bitmap, Math.floor(this.width * scale), Math.floor(this.height * scale));
    const isPhoto = this.file.type === 'image/jpeg';
    const file = await new Promise((done) => canvas.toBlob(done, isPhoto ? 'image/jpeg' : 'image/png', 0.95));
    return new Picture(file, this.name, await decode(file), 'made smaller');
  }
}

/** A file's name as the start of another's. */
export const stem = (name) => name.replace(/^.*[\\/]/, '').replace(/\.[^.]*$/, '') || 'picture';

/** Offers a file for saving. */
export function save(file, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser needs the address until it has begun to save.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The first picture of a drop or paste, or null, and how many more files there are. */
export function pictureOf(transfer) {
  const files = [...(transfer?.files ?? [])];
  const file = files.find((one) => one.type.startsWith('image/')) ?? files[0] ?? null;
  return { file, others: Math.max(0, files.length - 1) };
}

/** The service takes none: in a WebP a bit says so, in a PNG a chunk before those of the pixels. */
function isAnimated(head) {
  const text = new TextDecoder('latin1').decode(head);
  if (text.startsWith('RIFF')) return text.slice(12, 16) === 'VP8X' && (head[20] & 2) !== 0;
  const [control, pixels] = ['acTL', 'IDAT'].map((name) => text.indexOf(name));
  return text.slice(1, 4) === 'PNG' && control > 0 && (pixels < 0 || control < pixels);
}

async function decode(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    // Pictures without a size of their own (SVG) are read by an element only.
    const image = new Image();
    image.src = URL.createObjectURL(file);
    try {
      await image.decode();
      return await createImageBitmap(draw(image, image.naturalWidth || 1024, image.naturalHeight || 1024));
    } catch {
      return null;
    } finally {
      URL.revokeObjectURL(image.src);
    }
  }
}

function draw(image, width, height) {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const encode = (bitmap) => new Promise((done) => draw(bitmap, bitmap.width, bitmap.height).toBlob(done, 'image/png'));
