import { byId, make } from './markup.js';
import { Run } from './run.js';

const storageName = 'mica-runs';
const mostKept = 30;

/** The runs since the page was opened, newest first. Says `open`; `detail` is the run. */
export class History extends EventTarget {
  constructor() {
    super();
    this.runs = [];
    this.buttons = new Map();
  }

  add(run) {
    this.runs.unshift(run);
    this.runs.splice(mostKept).forEach((old) => this.buttons.delete(old));
    run.addEventListener('change', () => this.update());
    this.#build();
  }

  open(run) {
    this.opened = run;
    this.update();
  }

  update() {
    byId('history').hidden = !this.runs.length;
    for (const run of this.runs) {
      const button = this.buttons.get(run);
      if (run === this.opened) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
      const state = stateText(run);
      const place = button.querySelector('.run-state');
      if (place.textContent !== state) place.textContent = state;
    }
    this.#keep();
  }

  /** Takes up the runs of before the page was loaded again, where they were, and gives them. */
  restore() {
    let kept = [];
    try {
      kept = JSON.parse(sessionStorage.getItem(storageName) ?? '[]');
    } catch {
      // What cannot be read is as good as nothing.
    }
    return kept.reverse().map((facts) => {
      const run = new Run(facts);
      this.add(run);
      run.resume(facts.jobId);
      return run;
    });
  }

  #build() {
    byId('runs').replaceChildren(...this.runs.map((run) => {
      if (!this.buttons.has(run)) this.buttons.set(run, this.#button(run));
      return make('li', {}, this.buttons.get(run));
    }));
    this.update();
  }

  #button(run) {
    const picture = make('span', { className: 'thumb checks' });
    if (run.thumb) picture.append(make('img', { src: run.thumb, alt: '' }));
    return make('button', {
      type: 'button', className: 'run', onclick: () => this.dispatchEvent(new CustomEvent('open', { detail: run })),
    }, picture, make('span', {}, make('strong', { textContent: nameOf(run) }),
      make('span', { className: 'run-state hint' })));
  }

  #keep() {
    const kept = this.runs.filter((run) => run.jobId && run.state !== 'cancelled')
      .map(({ name, thumb, settings, jobId, source, drawnSeed, arrangement }) =>
        ({ name, thumb, settings, jobId, source, drawnSeed, arrangement: arrangement ?? undefined }));
    const text = JSON.stringify(kept);
    if (text === this.kept) return;
    this.kept = text;
    try {
      sessionStorage.setItem(storageName, text);
    } catch {
      // Then the history ends with the page.
    }
  }
}

const nameOf = (run) => (run.source ? `${run.name} › ${run.source.layer}` : run.name);

function stateText(run) {
  switch (run.state) {
    case 'sending': return 'sending';
    case 'paused': return run.isCancelling ? 'cancelling' : 'will be tried again';
    case 'queued': return 'waiting';
    case 'running': return `${Math.round((run.progress?.fraction ?? 0) * 100)} %`;
    case 'loading': return 'loading';
    case 'failed': return 'failed';
    case 'cancelled': return 'cancelled';
    default: {
      const count = run.layers.length;
      return `${count} ${count === 1 ? 'layer' : 'layers'}, seed ${run.seed}`;
    }
  }
}
