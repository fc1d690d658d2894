import { grouped, isEdited } from './edits.js';
import { byId, make, say } from './markup.js';

const thumbSide = 96;

/** So many characters are within what files may call a layer, whatever the script. */
const longestName = 80;

/**
 * The list of layers, uppermost first, with a line above those of a group, which has its opacity. Says `select` and
 * `change` (of how a layer is shown), and `save` and `split` when somebody wants a layer as a file or split again;
 * `detail` is the layer. Says `edit` when a change is complete; `detail` is what was changed, or null.
 */
export class LayerList extends EventTarget {
  constructor() {
    super();
    this.list = byId('layer-list');
    this.rows = new Map();
    this.selected = null;
    byId('reset').addEventListener('click', () => {
      for (const layer of this.layers) layer.reset();
      this.layers.sort((one, other) => one.index - other.index);
      this.#arrange();
      this.#tell('change', null);
      this.#tell('edit', null);
    });
  }

  /** Shows layers, bottom first; moving one changes their order in this very array. */
  show(layers) {
    this.layers = layers;
    this.selected = null;
    this.rows = new Map(layers.map((layer) => [layer, this.#row(layer)]));
    this.#arrange();
  }

  /** Shows the layers after they and their order were changed elsewhere. */
  refresh() {
    const focused = document.activeElement;
    this.#arrange();
    // Rows are taken out and put in again, lines of groups are made anew.
    const again = this.list.contains(focused) || !focused.id ? focused : byId(focused.id);
    if (this.list.contains(again)) again.focus({ preventScroll: true });
  }

  /** Puts the rows into the order of the layers. */
  #arrange() {
    this.list.replaceChildren(...this.#lines(this.layers, 0));
    this.update();
  }

  #lines(layers, depth) {
    return grouped(layers, depth).reverse().flatMap((one) => (one.layers
      ? [this.#heading(one, depth), ...this.#lines(one.layers, depth + 1)] : [this.rows.get(one).item]));
  }

  /** The line above a group's layers. */
  #heading({ name, fade, layers }, depth) {
    const what = `fade ${depth} ${layers[0].index}`;
    const opacity = make('input', {
      type: 'range', min: 0, max: 100, value: Math.round(fade * 100), id: what.replaceAll(' ', '-'), title: 'Opacity',
      'aria-label': `Opacity of the group ${name}`,
      oninput: () => {
        for (const layer of layers) fadeAt(layer, depth, opacity.value / 100);
        this.update();
        this.#tell('change', null);
      },
      onchange: () => this.#tell('edit', what),
    });
    const item = make('li', { className: 'group hint' },
      make('span', { className: 'group-name', textContent: name }), opacity);
    item.style.setProperty('--depth', depth);
    return item;
  }

  /** Moves a layer by so many places, upwards if positive. */
  #move(layer, places, button) {
    const from = this.layers.indexOf(layer);
    const to = from + places;
    if (to < 0 || to >= this.layers.length) return;
    this.layers.splice(from, 1);
    this.layers.splice(to, 0, layer);
    this.#arrange();
    // The row was taken out and put in again; at the end of the list the other button goes on.
    const { up, down } = this.rows.get(layer);
    (button.disabled ? [up, down].find((one) => one !== button) : button).focus();
    this.#tell('change', layer);
    this.#tell('edit', null);
    say(`${layer.name}: place ${to + 1} of ${this.layers.length} from below`);
  }

  select(layer) {
    this.selected = layer;
    this.update();
    // Where the list does not scroll by itself, the picture would go out of sight.
    const panel = byId('results');
    if (layer && panel.scrollHeight > panel.clientHeight) {
      this.rows.get(layer)?.item.scrollIntoView({ block: 'nearest' });
    }
  }

  /** Puts the keyboard where the selected layer is. */
  focus() { this.rows.get(this.selected)?.pick.focus({ preventScroll: true }); }

  /** Shows the layers' state. */
  update() {
    for (const [layer, row] of this.rows) {
      const isSelected = layer === this.selected;
      row.item.classList.toggle('is-selected', isSelected);
      row.item.classList.toggle('is-hidden', !layer.isVisible);
      row.pick.setAttribute('aria-expanded', String(isSelected));
      row.more.hidden = !isSelected;
      row.eye.checked = layer.isVisible;
      row.eye.setAttribute('aria-label', `Show ${layer.name}`);
      row.title.textContent = layer.name;
      if (document.activeElement !== row.name) row.name.value = layer.name;
      row.opacity.value = Math.round(layer.opacity * 100);
      row.percent.textContent = `${Math.round(layer.opacity * 100)} %`;
      row.up.disabled = layer === this.layers.at(-1);
      row.down.disabled = layer === this.layers[0];
      if (document.activeElement !== row.x || !isSelected) row.x.value = layer.x;
      if (document.activeElement !== row.y || !isSelected) row.y.value = layer.y;
    }
    byId('reset').disabled = !isEdited(this.layers);
  }

  #row(layer) {
    const change = () => {
      this.update();
      this.#tell('change', layer);
    };
    const id = `layer-${layer.index}`;
    const edited = (what) => () => this.#tell('edit', `${what} ${layer.index}`);
    const eye = make('input', {
      type: 'checkbox', onchange: () => { layer.isVisible = eye.checked; change(); this.#tell('edit', null); },
    });
    const { title, name } = this.#name(layer, id, change);
    const size = layer.box ? `${layer.box.width} × ${layer.box.height}` : 'empty';
    const pick = make('button', {
      type: 'button', className: 'layer-pick', 'aria-controls': id,
      onclick: () => this.#tell('select', this.selected === layer ? null : layer),
      ondblclick: () => this.#rename(layer), onkeydown: (event) => event.key === 'F2' && this.#rename(layer),
    },
    make('span', { className: 'thumb checks' }, thumb(layer)),
    make('span', { className: 'layer-words' },
      title,
      make('span', { className: 'hint', textContent: size })));
    const opacity = make('input', {
      type: 'range', min: 0, max: 100, id: `${id}-opacity`,
      oninput: () => { layer.opacity = opacity.value / 100; change(); }, onchange: edited('opacity'),
    });
    const percent = make('output', {});
    percent.htmlFor = opacity.id;
    const place = (axis, words) => make('input', {
      type: 'number', step: 1, 'aria-label': words,
      oninput: ({ target }) => {
        if (Number.isNaN(target.valueAsNumber)) return;
        layer[axis] = Math.round(Math.min(1e4, Math.max(-1e4, target.valueAsNumber)));
        change();
      },
      onchange: ({ target }) => { target.value = layer[axis]; edited(axis)(); },
      // Text that is no number is no change.
      onblur: ({ target }) => { target.value = layer[axis]; },
    });
    const x = place('x', 'Moved right by pixels');
    const y = place('y', 'Moved down by pixels');
    const order = (text, words, places) => {
      const button = make('button', {
        type: 'button', className: 'secondary', textContent: text, 'aria-label': words,
        onclick: () => this.#move(layer, places, button),
      });
      return button;
    };
    const up = order('↑', 'Move above the next layer', 1);
    const down = order('↓', 'Move below the layer beneath', -1);
    const action = (text, wish, disabled = false) => make('button', {
      type: 'button', className: 'secondary', textContent: text, disabled,
      // A double click wants it once.
      onclick: (event) => event.detail < 2 && this.#tell(wish, layer),
    });
    const more = make('div', { className: 'layer-more', id },
      make('div', { className: 'line' }, make('label', { htmlFor: name.id, textContent: 'Name' }), name),
      make('div', { className: 'line' },
        make('label', { htmlFor: opacity.id, textContent: 'Opacity' }), opacity, percent),
      make('div', { className: 'place' }, make('span', { textContent: 'Moved' }),
        make('label', {}, 'x', x), make('label', {}, 'y', y), up, down),
      make('div', { className: 'row' }, action('View alone', 'alone'), action('Save PNG', 'save'),
        action('Split it again', 'split', !layer.box)));
    const item = make('li', { className: 'layer' },
      make('div', { className: 'layer-row' }, make('label', { className: 'eye' }, eye, make('span')), pick), more);
    item.style.setProperty('--depth', layer.groups.length);
    return { item, pick, more, eye, title, name, opacity, percent, x, y, up, down };
  }

  /** The layer's name, and the field that changes it. */
  #name(layer, id, change) {
    const name = make('input', {
      type: 'text', id: `${id}-name`, maxLength: longestName, autocomplete: 'off',
      onchange: () => {
        layer.name = name.value.trim() || layer.madeName;
        name.value = layer.name;
        change();
        this.#tell('edit', null);
      },
      onkeydown: (event) => {
        if (!['Enter', 'Escape'].includes(event.key)) return;
        // Else the key would press the button that the keyboard goes to.
        event.preventDefault();
        if (event.key === 'Escape') name.value = layer.name;
        this.rows.get(layer).pick.focus();
      },
    });
    return { title: make('span', { className: 'layer-name' }), name };
  }

  /** Puts the keyboard into a layer's name. */
  #rename(layer) {
    if (this.selected !== layer) this.#tell('select', layer);
    const { name } = this.rows.get(layer);
    name.focus();
    name.select();
  }

  #tell(name, layer) {
    this.dispatchEvent(new CustomEvent(name, { detail: layer }));
  }
}

/** Gives the group at `depth` around a layer an opacity. */
function fadeAt(layer, depth, fade) {
  layer.fades = layer.groups.map((name, level) => (level === depth ? fade : layer.fades[level] ?? 1));
}

function thumb(layer) {
  const { width, height } = layer.bitmap;
  const scale = Math.min(1, thumbSide / Math.max(width, height));
  const canvas = make('canvas', { width: Math.max(1, width * scale), height: Math.max(1, height * scale) });
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(layer.bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}
