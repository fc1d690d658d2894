import { byId, make } from './markup.js';

/** What the published model was trained for. */
const knownSizes = [640, 1024];
const custom = 'custom';

/** The form: how a picture is to be split. Fields that are left empty take the model's own values. */
export class Settings {
  constructor() {
    this.form = byId('settings');
    this.sizes = byId('sizes');
    this.defaults = {};
    this.#showSizes();
    for (const button of this.form.querySelectorAll('[data-step]')) {
      button.addEventListener('click', () => this.#step(button));
    }
    this.sizes.addEventListener('change', () => this.#sizeChosen());
    byId('layers-auto').addEventListener('change', () => this.#countChosen());
    byId('steps').addEventListener('input', () => this.#stepsChosen());
    byId('seed-clear').addEventListener('click', () => { byId('seed').value = ''; byId('seed').focus(); });
    byId('seed').addEventListener('input', () => this.#checkSeed());
    // A field that is folded away cannot be pointed at.
    byId('advanced').addEventListener('invalid', () => { byId('advanced').open = true; }, true);
  }

  /** Fills in what the model does by default. */
  takeDefaults({ defaults = {}, captioner }) {
    this.defaults = defaults;
    const show = (id, value) => { if (value !== undefined) byId(id).placeholder = String(value); };
    for (const [id, name] of [['layers', 'layers'], ['steps', 'num_inference_steps']]) {
      if (byId(id).value === '' && defaults[name] !== undefined) byId(id).value = defaults[name];
    }
    show('guidance', defaults.true_cfg_scale);
    show('reuse', defaults.first_block_cache);
    show('negative', defaults.negative_prompt?.trim() || 'nothing');
    byId('prompt').placeholder = captioner ? 'Empty: the model describes it itself' : '';
    this.#showSizes();
    this.#stepsChosen();
  }

  /** True if every field can be sent; points at one that cannot otherwise. */
  check() {
    this.#checkSeed();
    return this.form.reportValidity();
  }

  /** True if every field can be sent; points at none. */
  get isValid() { return !this.form.querySelector(':invalid'); }

  /** Puts the keyboard into the field that a refusal names, or the first one. */
  focusOn({ detail }) {
    const named = this.form.elements[/^\w+/.exec(detail)?.[0]];
    const field = named?.focus ? named : byId('layers').disabled ? byId('layers-auto') : byId('layers');
    if (byId('advanced').contains(field)) byId('advanced').open = true;
    field.focus();
  }

  /** What is to be sent, by the names of the service. */
  read() {
    const values = {};
    const data = new FormData(this.form);
    for (const [name, value] of data) {
      if (typeof value === 'string' && value.trim() !== '' && name !== 'size') values[name] = value.trim();
    }
    // A number may be written as 1e3, which the service does not read.
    const number = (field) => String(field.valueAsNumber);
    for (const name of Object.keys(values)) {
      if (this.form.elements[name].type === 'number') values[name] = number(this.form.elements[name]);
    }
    const size = data.get('size');
    const resolution = size === custom ? number(byId('resolution')) : size;
    if (resolution) values.resolution = resolution;
    if (byId('layers-auto').checked) values.layers = 'auto';
    return values;
  }

  /** Shows the settings of a run of before. */
  write(values) {
    const isAutomatic = values.layers === 'auto';
    // A field for numbers has no word for it, and would be empty.
    const shown = isAutomatic ? { ...values, layers: this.defaults.layers } : values;
    for (const field of this.form.elements) {
      if (field.name && field.name !== 'size' && field.type !== 'file') field.value = shown[field.name] ?? '';
    }
    byId('layers-auto').checked = isAutomatic;
    this.#countChosen();
    this.#showSizes(values.resolution);
    this.#stepsChosen();
  }

  /** A single step has none before it of which anything could be used again. */
  #stepsChosen() {
    const steps = byId('steps').valueAsNumber || this.defaults.num_inference_steps || 1;
    byId('reuse-field').hidden = steps < 2;
    byId('reuse').disabled = steps < 2;
  }

  #countChosen() {
    const isAutomatic = byId('layers-auto').checked;
    for (const part of byId('layers').parentElement.children) part.disabled = isAutomatic;
    if (!isAutomatic && byId('layers').value === '') byId('layers').value = this.defaults.layers ?? '';
  }

  #showSizes(wanted = this.sizes.querySelector('input:checked')?.value) {
    const own = this.defaults.resolution;
    const sizes = [...new Set([own, ...knownSizes].filter(Boolean))].sort((a, b) => a - b).map(String);
    const isKnown = !wanted || wanted === custom || sizes.includes(wanted);
    const chosen = isKnown ? wanted || (own ? String(own) : '') : custom;
    const chip = (value, text, title) => {
      const input = make('input', { type: 'radio', name: 'size', value, checked: value === chosen });
      return make('label', { title }, input, make('span', { textContent: text }));
    };
    this.sizes.replaceChildren(
      ...sizes.map((size) => chip(size, size, size === String(own) ? 'The model’s own size' : '')),
      chip(custom, 'Other', ''));
    if (!isKnown) byId('resolution').value = wanted;
    this.#sizeChosen();
  }

  #sizeChosen() {
    const isCustom = this.sizes.querySelector('input:checked')?.value === custom;
    byId('custom-size').hidden = !isCustom;
    // A hidden field must not keep the form from being sent.
    byId('resolution').disabled = !isCustom;
    byId('resolution').required = isCustom;
  }

  #step(button) {
    const input = button.parentElement.querySelector('input');
    const by = Number(button.dataset.step) * (input.id === 'steps' && Number(input.value) >= 10 ? 5 : 1);
    const value = Number(input.value || this.defaults[input.name] || 0) + by;
    input.value = Math.min(Number(input.max), Math.max(Number(input.min), value));
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }

  #checkSeed() {
    const text = byId('seed').value.trim();
    const isSeed = text === '' || (/^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n);
    byId('seed').setCustomValidity(isSeed ? '' : 'A whole number from 0 to 18446744073709551615');
  }
}
