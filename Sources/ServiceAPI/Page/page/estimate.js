import { byId, duration } from './markup.js';
import * as service from './service.js';

/** Whoever types is not asked about after each letter. */
const pauseMilliseconds = 400;

/** A line beside the button: what the service expects a job of these settings to take. */
export class Estimate {
  /** @param {() => {picture: Picture, values: object} | null} wanted what would be sent now; null if nothing could. */
  constructor(wanted) {
    this.wanted = wanted;
    this.line = byId('estimate');
  }

  /** Asks anew, soon. */
  update() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#ask(), pauseMilliseconds);
  }

  async #ask() {
    this.aborter?.abort();
    const aborter = new AbortController();
    this.aborter = aborter;
    const words = await this.#words(aborter.signal);
    if (aborter.signal.aborted) return;
    this.line.textContent = words;
    this.line.hidden = !words;
  }

  async #words(signal) {
    const wanted = this.wanted();
    if (!wanted?.picture?.bitmap) return '';
    const { width, height } = wanted.picture;
    // Time and memory do not depend on it.
    const { seed, ...values } = wanted.values;
    try {
      const plan = await service.plan({ ...values, width, height }, signal);
      if (!plan.fits) return 'This needs more memory than the service has for it. A smaller size needs less.';
      return `Takes about ${duration(Math.max(1, plan.seconds))} once it begins.`;
    } catch {
      // A favour only: what is wrong with the settings is said when they are sent.
      return '';
    }
  }
}
