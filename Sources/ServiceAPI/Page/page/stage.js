import { grouped } from './edits.js';
import { byId } from './markup.js';

/** Steps of the zoom buttons; the factor is layer pixels to pixels of the page. */
const zoomFactors = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16];
/** From here on pixels are shown as squares. */
const sharpFactor = 4;
/** What a pointer must hit of a layer to take hold of it: alpha of 255. */
const leastAlpha = 64;
/** Pixels that a pointer may tremble without dragging. */
const dragThreshold = 3;
/** A finger rests on a layer for so long to take hold of it, and moves less than this; else it scrolls. */
const holdMilliseconds = 350;
const holdThreshold = 10;
/** The original is shown finer than the layers, up to this side. */
const originalSide = 2048;

/**
 * The sheet in the middle: a picture, or the layers of a run, blended, compared, or one of them. Says `select` and
 * `move`; `detail` is the layer. Says `edit` when a move is complete; `detail` is what was changed, or null.
 */
export class Stage extends EventTarget {
  constructor() {
    super();
    this.frame = byId('frame');
    this.sheet = byId('sheet');
    this.canvas = byId('canvas');
    this.context = this.canvas.getContext('2d', { willReadFrequently: false });
    this.split = byId('split');
    this.run = null;
    this.picture = null;
    this.selected = null;
    this.view = 'blend';
    /** Null fits the sheet into the frame. */
    this.zoom = null;
    this.frameRequest = 0;
    this.#listen();
  }

  /** Shows a bitmap; `isWaiting` dims it. Null shows nothing. */
  showPicture(bitmap, isWaiting = false) {
    this.run = null;
    this.selected = null;
    this.picture = bitmap;
    byId('tools').hidden = true;
    byId('compare').hidden = true;
    this.#show(Boolean(bitmap));
    if (!bitmap) return;
    this.sheet.classList.toggle('is-waiting', isWaiting);
    this.zoom = null;
    this.#resize(bitmap.width, bitmap.height);
    this.draw();
  }

  /** Shows the layers of a finished run; its bitmaps must be there. */
  showRun(run) {
    this.run = run;
    this.picture = null;
    this.#show(true);
    byId('tools').hidden = false;
    this.sheet.classList.remove('is-waiting');
    this.zoom = null;
    this.#resize(run.manifest.width, run.manifest.height);
    this.#prepareOriginal();
    const canCompare = Boolean(run.picture?.bitmap);
    const compare = document.querySelector('input[name="view"][value="compare"]');
    compare.disabled = !canCompare;
    compare.parentElement.title = canCompare ? '' : 'The original is not kept when the page is loaded again.';
    if (!canCompare && this.view === 'compare') this.setView('blend');
    else this.setView(this.view);
  }

  setView(view) {
    this.view = view;
    document.querySelector(`input[name="view"][value="${view}"]`).checked = true;
    if (view === 'single' && !this.selected && this.run) {
      this.#tell('select', this.run.layers.at(-1));
    }
    byId('compare').hidden = view !== 'compare';
    for (const id of ['original', 'divider']) byId(id).hidden = view !== 'compare';
    this.sheet.classList.toggle('is-comparing', view === 'compare');
    this.layout();
    this.draw();
    if (view === 'compare') this.#measureDifference();
  }

  select(layer) {
    this.selected = layer;
    this.draw();
  }

  /** Draws soon, once however often it is called. */
  draw() {
    this.frameRequest ||= requestAnimationFrame(() => {
      this.frameRequest = 0;
      this.#drawNow();
    });
  }

  /** Something about the layers changed. */
  update() {
    this.draw();
    if (this.view === 'compare') this.#measureDifference();
  }

  /** The layers as they are shown in the blend, as PNG. */
  blendFile() {
    const canvas = this.#sheetOf(this.run.manifest.width, this.run.manifest.height);
    this.#paint(canvas.getContext('2d'));
    return new Promise((done) => canvas.toBlob(done, 'image/png'));
  }

  /** Fits the sheet into its frame, or gives it the size of the zoom. */
  layout() {
    if (this.frame.hidden) return;
    const style = getComputedStyle(this.frame);
    const room = parseFloat(style.paddingLeft) * 2;
    const fit = Math.min(
      (this.frame.clientWidth - room) / this.width, (this.frame.clientHeight - room) / this.height);
    const factor = this.zoom ?? Math.max(fit, 0.01);
    this.factor = factor;
    this.sheet.style.width = `${Math.max(1, Math.floor(this.width * factor))}px`;
    this.sheet.style.height = `${Math.max(1, Math.floor(this.height * factor))}px`;
    this.sheet.classList.toggle('is-sharp', this.zoom !== null && factor >= sharpFactor);
    byId('zoom-text').textContent = this.zoom === null ? 'Fit' : `${Math.round(factor * 100)} %`;
  }

  #show(isShown) {
    this.frame.hidden = !isShown;
    byId('view').classList.toggle('is-filled', isShown);
  }

  // Drawing

  #resize(width, height) {
    Object.assign(this, { width, height });
    this.canvas.width = width;
    this.canvas.height = height;
    byId('view').style.setProperty('--aspect', width / height);
    this.layout();
  }

  #drawNow() {
    this.context.clearRect(0, 0, this.width, this.height);
    if (this.picture) {
      this.context.drawImage(this.picture, 0, 0);
    } else if (this.run && this.view === 'single') {
      if (this.selected?.bitmap) this.context.drawImage(this.selected.bitmap, 0, 0);
    } else if (this.run) {
      this.#paint(this.context);
    }
    this.#drawOutline();
    this.#describe();
  }

  #paint(context, layers = this.run.layers, depth = 0) {
    for (const one of grouped(layers, depth)) {
      if (one.layers && one.fade === 1) {
        this.#paint(context, one.layers, depth + 1);
      } else if (one.layers) {
        // As a whole, or what is below would show through each of its layers.
        const sheet = this.#sheetOf(this.width, this.height);
        this.#paint(sheet.getContext('2d'), one.layers, depth + 1);
        context.globalAlpha = one.fade;
        context.drawImage(sheet, 0, 0);
      } else if (one.isVisible && one.bitmap) {
        context.globalAlpha = one.opacity;
        context.drawImage(one.bitmap, one.x, one.y);
      }
    }
    context.globalAlpha = 1;
  }

  #drawOutline() {
    const outline = byId('outline');
    const layer = this.run && this.view === 'blend' && this.selected?.isVisible ? this.selected : null;
    outline.hidden = !layer?.box;
    this.sheet.classList.toggle('is-movable', Boolean(layer));
    if (outline.hidden) return;
    const { x, y, width, height } = layer.box;
    const set = (name, value, whole) => { outline.style[name] = `${(value / whole) * 100}%`; };
    set('left', x + layer.x, this.width);
    set('top', y + layer.y, this.height);
    set('width', width, this.width);
    set('height', height, this.height);
  }

  #describe() {
    let text = 'The picture';
    if (this.run) {
      const { layers } = this.run;
      const shown = layers.filter((layer) => layer.isVisible).length;
      text = this.view === 'single' ? `${this.selected?.name ?? 'No layer'} alone`
        : this.view === 'compare' ? 'The original, and beside it the layers blended'
          : `${shown} of ${layers.length} layers, blended`;
      if (this.view === 'blend' && this.selected) text += `. Selected: ${this.selected.name}`;
    }
    this.canvas.setAttribute('aria-label', text);
  }

  #sheetOf(width, height) {
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(width);
    canvas.height = Math.round(height);
    return canvas;
  }

  #prepareOriginal() {
    const holder = byId('original');
    holder.replaceChildren();
    const bitmap = this.run.picture?.bitmap;
    if (!bitmap) return;
    const scale = Math.min(1, originalSide / Math.max(bitmap.width, bitmap.height));
    const canvas = this.#sheetOf(bitmap.width * scale, bitmap.height * scale);
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    holder.append(canvas);
  }

  /** How far the blend is from the original, on average over colours, both on white. */
  #measureDifference() {
    clearTimeout(this.measuring);
    this.measuring = setTimeout(() => {
      if (!this.run?.picture?.bitmap || this.view !== 'compare') return;
      const pixels = (paint) => {
        const context = this.#sheetOf(this.width, this.height).getContext('2d', { willReadFrequently: true });
        context.fillStyle = '#ffffff';
        context.fillRect(0, 0, this.width, this.height);
        context.imageSmoothingQuality = 'high';
        paint(context);
        return context.getImageData(0, 0, this.width, this.height).data;
      };
      const original = pixels((context) =>
        context.drawImage(this.run.picture.bitmap, 0, 0, this.width, this.height));
      const blend = pixels((context) => this.#paint(context));
      let sum = 0;
      for (let index = 0; index < blend.length; index += 4) {
        for (let channel = 0; channel < 3; channel += 1) {
          sum += Math.abs(blend[index + channel] - original[index + channel]);
        }
      }
      const mean = sum / (blend.length * 0.75);
      byId('difference').textContent =
        `Blended, the layers differ from the original by ${((mean / 255) * 100).toFixed(1)}\u00a0% on average.`;
    }, 120);
  }

  // Pointer and keys

  #listen() {
    new ResizeObserver(() => this.layout()).observe(this.frame);
    for (const input of document.querySelectorAll('input[name="view"]')) {
      input.addEventListener('change', () => this.setView(input.value));
    }
    byId('backdrop').addEventListener('change', (event) => { this.sheet.dataset.backdrop = event.target.value; });
    for (const button of document.querySelectorAll('[data-zoom]')) {
      button.addEventListener('click', () => this.#zoomTo(button.dataset.zoom));
    }
    this.frame.addEventListener('wheel', (event) => {
      if (!event.ctrlKey || !this.run) return;
      event.preventDefault();
      this.#zoomTo(event.deltaY < 0 ? 'in' : 'out', event);
    }, { passive: false });
    this.split.addEventListener('input', () => this.#setSplit(this.split.value));
    this.#setSplit(50);
    this.canvas.addEventListener('pointerdown', (event) => this.#pointerDown(event));
    this.canvas.addEventListener('keydown', (event) => this.#keyDown(event));
    // A browser scrolls by the first move of a finger that nobody prevents.
    this.canvas.addEventListener('touchmove', (event) => this.isHolding && event.preventDefault(), { passive: false });
    // The menu of a long touch would end what it began.
    this.canvas.addEventListener('contextmenu', (event) => this.isTouched && event.preventDefault());
  }

  /** What is at `at` of the window stays there, as far as the frame can scroll; without it, what is in the middle. */
  #zoomTo(step, at = middle(this.frame)) {
    const before = this.sheet.getBoundingClientRect();
    if (step === 'fit') this.zoom = null;
    else if (step === 'in') this.zoom = zoomFactors.find((factor) => factor > this.factor * 1.01) ?? this.factor;
    else this.zoom = zoomFactors.findLast((factor) => factor < this.factor * 0.99) ?? this.factor;
    this.layout();
    const after = this.sheet.getBoundingClientRect();
    this.frame.scrollLeft += after.left + ((at.clientX - before.left) / before.width) * after.width - at.clientX;
    this.frame.scrollTop += after.top + ((at.clientY - before.top) / before.height) * after.height - at.clientY;
  }

  #setSplit(percent) {
    this.split.value = percent;
    this.split.setAttribute('aria-valuetext', `${Math.round(percent)} percent original`);
    this.sheet.style.setProperty('--split', `${percent}%`);
  }

  /** The place of a pointer in layer pixels. */
  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * this.width,
      y: ((event.clientY - box.top) / box.height) * this.height,
    };
  }

  #pointerDown(event) {
    this.isTouched = event.pointerType !== 'mouse';
    if (!this.run || event.button !== 0) return;
    if (this.view === 'compare') this.#dragSplit(event);
    else if (this.view === 'blend') this.#dragLayer(event);
  }

  #dragSplit(event) {
    const move = (at) => this.#setSplit(Math.min(100, Math.max(0, (this.#place(at).x / this.width) * 100)));
    move(event);
    this.#follow(event, move);
  }

  #dragLayer(event) {
    const start = this.#place(event);
    const hit = this.#layerAt(start);
    const isSelected = this.selected && (hit === this.selected || this.#alpha(this.selected, start) >= leastAlpha);
    const layer = isSelected ? this.selected : hit;
    // A finger may be about to scroll; it selects when it is lifted where it was.
    if (!this.isTouched && layer !== this.selected) this.#tell('select', layer);
    if (!layer && !this.isTouched) return;
    // The bottom layer covers everything: it is moved only by who selected it before.
    const canMove = isSelected || (layer && layer !== this.run.layers[0]);
    const from = { x: layer?.x, y: layer?.y };
    let isDragging = false;
    let hasLeft = false;
    const holding = !this.isTouched || !canMove ? 0 : setTimeout(() => {
      this.isHolding = true;
      this.sheet.classList.add('is-held');
      if (layer !== this.selected) this.#tell('select', layer);
    }, holdMilliseconds);
    this.#follow(event, (at) => {
      const place = this.#place(at);
      const distance = Math.hypot(at.clientX - event.clientX, at.clientY - event.clientY);
      if (this.isTouched && !this.isHolding) {
        hasLeft ||= distance > holdThreshold;
        if (hasLeft) clearTimeout(holding);
        return;
      }
      isDragging ||= canMove && distance > dragThreshold;
      if (!isDragging) return;
      layer.x = from.x + Math.round(place.x - start.x);
      layer.y = from.y + Math.round(place.y - start.y);
      this.#moved(layer);
    }, (isCancelled) => {
      clearTimeout(holding);
      const wasHeld = this.isHolding;
      this.isHolding = false;
      this.sheet.classList.remove('is-held');
      if (isDragging) this.#tell('edit', null);
      else if (!isCancelled && !hasLeft && !wasHeld && hit !== this.selected) this.#tell('select', hit);
    });
  }

  /** Calls back while the pointer is down, wherever it goes; `end` hears whether the browser took it for itself. */
  #follow(event, move, end = () => {}) {
    const { pointerId } = event;
    this.canvas.setPointerCapture(pointerId);
    const listening = new AbortController();
    const options = { signal: listening.signal };
    this.canvas.addEventListener('pointermove', (at) => at.pointerId === pointerId && move(at), options);
    for (const name of ['pointerup', 'pointercancel']) {
      this.canvas.addEventListener(name, (at) => {
        if (at.pointerId !== pointerId) return;
        listening.abort();
        end(name === 'pointercancel');
      }, options);
    }
  }

  #keyDown(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (!step || !this.run || event.ctrlKey || event.metaKey || event.altKey) return;
    const factor = event.shiftKey ? 10 : 1;
    if (this.view === 'compare' && step[0]) {
      this.#setSplit(Math.min(100, Math.max(0, Number(this.split.value) + step[0] * factor)));
    } else if (this.view === 'blend' && this.selected) {
      this.selected.x += step[0] * factor;
      this.selected.y += step[1] * factor;
      this.#moved(this.selected);
      this.#tell('edit', `place ${this.selected.index}`);
    } else {
      return;
    }
    event.preventDefault();
  }

  #moved(layer) {
    this.draw();
    this.#tell('move', layer);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** The uppermost visible layer that has something at a place. */
  #layerAt(place) {
    return this.run.layers.findLast((layer) => layer.isVisible && this.#alpha(layer, place) >= leastAlpha) ?? null;
  }

  #alpha(layer, { x, y }) {
    if (!layer.bitmap) return 0;
    this.probe ??= this.#sheetOf(1, 1).getContext('2d', { willReadFrequently: true });
    this.probe.clearRect(0, 0, 1, 1);
    this.probe.drawImage(layer.bitmap, layer.x - Math.floor(x), layer.y - Math.floor(y));
    const own = this.probe.getImageData(0, 0, 1, 1).data[3] * layer.opacity;
    return layer.fades.reduce((alpha, fade) => alpha * fade, own);
  }
}

/** The middle of an element, as a pointer there would say it. */
function middle(element) {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { clientX: left + width / 2, clientY: top + height / 2 };
}
