/** Steps that can be taken back; older ones stay as they are. */
const mostSteps = 100;
/** Changes of the same thing that follow each other so closely are one step. */
const pauseMilliseconds = 800;

/** True if the layers are not shown as they were made. */
export const isEdited = (layers) => layers.some((layer) => layer.isChanged)
  || layers.some((layer, place) => place > 0 && layers[place - 1].index > layer.index);

/** How layers are shown, bottom first, as plain data. */
export const arrangementOf = (layers) => layers.map((layer) => ({ index: layer.index, ...layer.shown }));

/** Shows layers as an arrangement says, in its order; one of other layers says nothing. */
export function arrange(layers, arrangement) {
  const known = new Map(layers.map((layer) => [layer.index, layer]));
  const named = new Set(arrangement?.map(({ index }) => index));
  if (arrangement?.length !== layers.length || named.size !== layers.length) return;
  if (![...named].every((index) => known.has(index))) return;
  layers.splice(0, layers.length, ...arrangement.map(({ index, ...shown }) => Object.assign(known.get(index), shown)));
}

/**
 * An arrangement once layer `index` is `count` layers, which are where it was and are shown as it was: their group has
 * its opacity, since of layers that are seen through one would see the other.
 */
export const arrangementAfterSplit = (arrangement, index, count) => arrangement.flatMap((place) => {
  if (place.index !== index) return [{ ...place, index: place.index + (place.index > index ? count - 1 : 0) }];
  const { name, opacity, fades = [], ...shown } = place;
  return Array.from({ length: count }, (_, above) => (
    { ...shown, opacity: 1, fades: [...fades, opacity], index: index + above }));
});

/**
 * Layers, bottom first, as those of no group below `depth`, and as `{name, fade, layers}` those of one, whose opacity
 * is `fade`. Those of a group are neighbours, so a layer in between makes two groups of it.
 */
export function grouped(layers, depth = 0) {
  const found = [];
  for (const layer of layers) {
    const name = layer.groups[depth];
    const fade = layer.fades[depth] ?? 1;
    const last = found.at(-1);
    if (name === undefined) found.push(layer);
    else if (last?.layers && last.name === name && last.fade === fade) last.layers.push(layer);
    else found.push({ name, fade, layers: [layer] });
  }
  return found;
}

/** What somebody did to the layers of a run, to be taken back and done again. */
export class Edits {
  /** @param {Layer[]} layers bottom first; taking back changes this very array. */
  constructor(layers) {
    this.layers = layers;
    this.states = [this.#state()];
    this.place = 0;
    this.last = { what: null, at: 0 };
  }

  get canUndo() { return this.place > 0; }
  get canRedo() { return this.place < this.states.length - 1; }

  /** Takes note that something was changed, if it was. `what` names it; null is always a step of its own. */
  note(what = null) {
    const now = performance.now();
    const state = this.#state();
    if (JSON.stringify(state.map(plain)) === JSON.stringify(this.states[this.place].map(plain))) return;
    const goesOn = what !== null && what === this.last.what && now - this.last.at < pauseMilliseconds && this.canUndo;
    this.states.length = this.place + (goesOn ? 0 : 1);
    this.states.push(state);
    if (this.states.length > mostSteps + 1) this.states.shift();
    this.place = this.states.length - 1;
    this.last = { what, at: now };
  }

  undo() { if (this.canUndo) this.#restore(this.place - 1); }
  redo() { if (this.canRedo) this.#restore(this.place + 1); }

  #state() {
    return this.layers.map((layer) => ({ layer, shown: layer.shown }));
  }

  #restore(place) {
    this.place = place;
    this.last.what = null;
    const state = this.states[place];
    this.layers.splice(0, this.layers.length, ...state.map(({ layer }) => layer));
    for (const { layer, shown } of state) Object.assign(layer, shown);
  }
}

const plain = ({ layer, shown }) => [layer.index, shown];
