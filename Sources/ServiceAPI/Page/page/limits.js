import { Problem } from './problem.js';

/** The most that the service takes of a picture, as far as it is known. */
export const limitsOf = (model) => ({ upload_bytes: Infinity, pixels: Infinity, side: Infinity, ...model?.limits });

/** What the service would say after the upload of a picture is told before it; null if it takes the picture. */
export function tooLarge({ file, width, height }, { upload_bytes: bytes, pixels, side }) {
  const refuse = (title, detail) => new Problem({ status: 413, title, detail });
  if (Math.max(width, height) > side) {
    return refuse('A side of the picture is too long',
      `It has ${width} × ${height} pixels. This service takes up to ${side} on a side.`);
  }
  if (width * height > pixels) {
    return refuse('The picture has too many pixels',
      `It has ${width} × ${height}. This service takes up to ${Math.floor(pixels / 1e6)} million.`);
  }
  if (file.size > bytes) {
    return refuse('The file is too large', `It has ${(file.size / 1e6).toFixed(1)} MB. This service takes up to `
      + `${Math.floor(bytes / 1e6)} MB.`);
  }
  return null;
}
