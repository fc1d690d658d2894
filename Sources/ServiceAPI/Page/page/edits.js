/** Steps that can be taken back; older ones stay as they are. */
const mostSteps = 100;
/** Changes of the same thing that follow each other so closely are one step. */
const pauseMilliseconds = 800;

/** True if the layers are not shown as they were made. */
export const isEdited = (layers) => layers.some((layer) => layer.isChanged)
  || layers.some((layer, place) => place > 0 && layers[place - 1].index > layer.index);

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

  /** Takes note that something was changed. `what` names it; null is always a step of its own. */
  note(what = null) {
    const now = performance.now();
    const goesOn = what !== null && what === this.last.what && now - this.last.at < pauseMilliseconds && this.canUndo;
    this.states.length = this.place + (goesOn ? 0 : 1);
    this.states.push(this.#state());
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
