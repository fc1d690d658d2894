import { Edits, arrange, arrangementAfterSplit, arrangementOf, isEdited } from './edits.js';
import { Problem } from './problem.js';
import * as service from './service.js';

/** Browsers open six connections to a host; streams must leave some for everything else. */
const mostStreams = 3;
/** Streams that may break one after the other before the job is asked for again and again instead. */
const mostBrokenStreams = 3;
const pollMilliseconds = 1_500;
/** So much of an upload may have arrived before a browser has told that it was sent. */
const inFlightBytes = 4 << 20;
/** A job that is to be cancelled is asked to stop for so long while nobody answers. */
const cancelMilliseconds = 300_000;
/** Times that a busy service is asked again before a person has to say so. */
const mostRetries = 5;
/** Too early, an estimate of the time left is a guess. */
const leastShareForEstimate = 0.06;
/** Statuses after which nobody knows whether the service took a request: no answer, or a proxy's. */
const unknownOutcomes = [0, 502, 504];
const stagesBeforeSteps = [undefined, 'decode_picture', 'caption', 'encode_prompt', 'encode_image', 'modulation'];

/**
 * A layer of a result, and how it is shown. `x` and `y` are pixels that it was moved by, `fades` the opacities of the
 * groups around it, which its neighbours in them have too.
 */
class Layer {
  constructor(description) {
    Object.assign(this, { index: description.index, box: description.box ?? null });
    /** Names of the groups around it, outermost first. */
    this.groups = description.groups ?? [];
    /** The name that it was made with. */
    this.madeName = description.name;
    this.file = null;
    this.bitmap = null;
    this.reset();
  }

  reset() {
    const fades = this.groups.map(() => 1);
    Object.assign(this, { name: this.madeName, isVisible: true, opacity: 1, x: 0, y: 0, fades });
  }

  /** How it is shown, by the names of its properties. */
  get shown() {
    const { name, isVisible, opacity, x, y, fades } = this;
    return { name, isVisible, opacity, x, y, fades };
  }

  get isChanged() {
    return this.name !== this.madeName || !this.isVisible || this.opacity !== 1 || this.x !== 0 || this.y !== 0
      || this.fades.some((fade) => fade !== 1);
  }
}

/**
 * One picture with its settings on the way to its layers, or one layer of a result on the way to a group of layers.
 * Says `change` when anything did.
 *
 * `state`: sending, paused (will be sent again), queued, running, loading (of layers), done, failed, cancelled.
 */
export class Run extends EventTarget {
  static streamCount = 0;

  /**
   * @param {{name: string, thumb: string, settings: object, picture?: Picture,
   *   source?: {jobId: string, index: number, layer: string, count: number, arrangement?: object[]},
   *   drawnSeed?: string, arrangement?: object[]}} facts `source` is the layer that is split again, of a result with
   *   `count` layers that were shown as its `arrangement` says. `drawnSeed` and `arrangement` are those of before the
   *   page was loaded again.
   */
  constructor({
    name, thumb, settings, picture = null, source = null, drawnSeed = randomSeed(), arrangement = null,
  }) {
    super();
    Object.assign(this, { name, thumb, settings, picture, source });
    /** The seed unless the settings have one: it is sent too, so that a run can be repeated. */
    this.drawnSeed = drawnSeed;
    this.keptArrangement = arrangement;
    /** True while the service may have received all of the upload and made a job whose name is not known yet. */
    this.mayBeThere = false;
    this.jobId = null;
    this.state = 'sending';
    /** Share of the upload that is done. */
    this.sent = 0;
    this.position = null;
    /** When it may begin, by `performance.now()`. */
    this.startsAt = null;
    this.progress = null;
    /** A bitmap of the picture as it is by now. */
    this.preview = null;
    /** A small bitmap of the picture, after the page was loaded again: there is no larger one then. */
    this.sketch = null;
    this.problem = null;
    this.isConnected = true;
    this.isCancelling = false;
    /** A word to who watches. */
    this.note = '';
    this.manifest = null;
    /** Bottom first. */
    this.layers = [];
    /** What was done to them, for taking it back. */
    this.edits = null;
    this.loadedCount = 0;
    /** When the job last began to run, and when it may be done, by `performance.now()`; null if not known. */
    this.startedAt = null;
    this.endsAt = null;
  }

  get isActive() { return ['sending', 'paused', 'queued', 'running', 'loading'].includes(this.state); }
  /** The layer to look at first: the uppermost of those that were made that holds something. */
  get newest() {
    const { index, count } = this.source ?? {};
    const last = index + this.layers.length - count;
    const made = this.layers.filter((layer) => !this.source || (layer.index >= index && layer.index <= last));
    return made.findLast((layer) => layer.box) ?? made.at(-1);
  }
  /** True if the result that the layer is of is kept no longer. */
  get isSourceGone() { return Boolean(this.source) && !this.jobId && [404, 410].includes(this.problem?.status); }
  get seed() { return this.manifest?.seed ?? this.settings.seed ?? this.drawnSeed; }
  /** How the layers are shown if that is not how they come by themselves, else null. */
  get arrangement() {
    if (!this.layers.length) return this.keptArrangement;
    // A result that began with another one's edits would have them again.
    return isEdited(this.layers) || this.source?.arrangement ? arrangementOf(this.layers) : null;
  }

  /** Sends the picture and sees it through. */
  start() {
    this.#attempt(async () => {
      await this.#send();
      await this.#follow();
      await this.#load();
    });
  }

  /** Goes on with a job of before the page was loaded again. */
  resume(jobId) {
    this.jobId = jobId;
    this.state = 'queued';
    if (this.thumb && !this.picture && !this.sketch) this.#takeBitmap('sketch', this.thumb);
    this.#attempt(async () => {
      await this.#follow();
      await this.#load();
    });
  }

  /** Tries again from where it failed. */
  retry() {
    if (this.state === 'paused') {
      this.wake?.();
    } else if (this.manifestIsKnown && this.problem?.status !== 410 && this.problem?.status !== 404) {
      this.#attempt(() => this.#load());
    } else if (this.jobId && this.problem?.status === 0) {
      this.resume(this.jobId);
    } else {
      this.jobId = null;
      this.keptArrangement = null;
      this.start();
    }
  }

  /** Ends it before it began. */
  refuse(problem) {
    this.problem = problem;
    this.state = 'failed';
    this.#changed();
  }

  /** Stops it, here and there. */
  async cancel() {
    if (!this.jobId && this.mayBeThere) {
      // The answer says which job is to be stopped. Where it was lost, the upload is repeated and gives the same job.
      this.#cancelling();
      this.wake?.();
      return;
    }
    if (!this.jobId || this.state === 'loading') {
      this.#abort();
      return;
    }
    this.#cancelling();
    for (let tries = 0; this.isCancelling; tries += 1) {
      try {
        // A job that was still there ends as cancelled, which its events tell; one that had ended is gone.
        const answer = await service.cancel(this.jobId);
        if (answer.status === 204) this.#abort();
        return;
      } catch (problem) {
        if (problem.status === 404) this.#abort();
        this.isCancelling = problem.isPassing && performance.now() < this.cancelBy;
        this.note = this.isCancelling ? 'It is cancelled as soon as the service answers.'
          : `It could not be cancelled: ${problem.title}`;
        this.#changed();
      }
      if (this.isCancelling) await this.#wait(pauseSeconds(tries) * 1000).catch(() => {});
      // It has ended by itself: its result is there to be seen.
      if (!this.isActive || this.state === 'loading') this.isCancelling = false;
    }
  }

  /** Stops asking for the end of a job that may be there. */
  giveUp() { this.#abort(); }

  /** Frees the memory that only showing it needs. */
  release() {
    for (const layer of this.layers) {
      layer.bitmap?.close();
      layer.bitmap = null;
    }
  }

  /** Makes the bitmaps that `release` freed. */
  async prepare() {
    await Promise.all(this.layers.map(async (layer) => {
      if (layer.file && !layer.bitmap) layer.bitmap = await createImageBitmap(layer.file);
    }));
  }

  // The way of a job

  async #attempt(work) {
    this.aborter = new AbortController();
    this.problem = null;
    this.isCancelling = false;
    this.cancelBy = null;
    this.note = '';
    try {
      await work();
    } catch (error) {
      if (this.state === 'cancelled') return;
      if (error.name === 'AbortError') {
        this.state = 'cancelled';
      } else {
        this.problem = Problem.around(error, 'This page has a fault');
        this.state = 'failed';
      }
      this.#changed();
    }
  }

  #cancelling() {
    this.isCancelling = true;
    /** Until when it is tried, by `performance.now()`. */
    this.cancelBy ??= performance.now() + cancelMilliseconds;
    this.note = '';
    this.#changed();
  }

  #abort() {
    this.state = 'cancelled';
    this.aborter?.abort();
    this.#changed();
  }

  async #send() {
    const idempotencyKey = randomId();
    const bytes = this.source ? 0 : this.picture.file.size;
    this.mayBeThere = bytes < inFlightBytes;
    for (let retries = 0; ; retries += 1) {
      this.state = 'sending';
      this.sent = 0;
      this.#changed();
      try {
        const form = new FormData();
        const values = { ...this.settings, seed: this.settings.seed ?? this.drawnSeed };
        for (const [name, value] of Object.entries(values)) form.append(name, value);
        if (!this.source) form.append('image', this.picture.file, 'picture');
        const job = await service.submit(form, {
          idempotencyKey, source: this.source, signal: this.aborter.signal,
          onSent: (share) => {
            this.sent = share;
            this.mayBeThere ||= bytes * (1 - share) < inFlightBytes;
            this.#changed();
          },
        });
        this.jobId = job.id;
        this.problem = null;
        this.#takeJob(job);
        if (this.isCancelling) await this.cancel();
        return;
      } catch (error) {
        // A browser may lose a connection before it has told that all was sent.
        if (error instanceof Problem) this.mayBeThere = unknownOutcomes.includes(error.status);
        const isOver = !this.mayBeThere || performance.now() > this.cancelBy;
        if (this.isCancelling && isOver) throw new DOMException('cancelled', 'AbortError');
        if (!(error instanceof Problem) || !error.isPassing) throw error;
        // A service that is away is waited for; one that is there and yet takes nothing is not.
        const isAway = error.status === 0 && !(await service.isReady().catch(() => false));
        if (retries >= mostRetries && !isAway && !this.isCancelling) throw error;
        await this.#pauseAfter(error, retries);
      }
    }
  }

  async #pauseAfter(problem, retries) {
    const seconds = problem.retryAfterSeconds ?? pauseSeconds(retries);
    this.problem = problem;
    this.state = 'paused';
    this.retryAt = performance.now() + seconds * 1000;
    this.#changed();
    await this.#wait(seconds * 1000);
    this.problem = null;
  }

  /** Follows the job until it has ended; throws unless it succeeded. */
  async #follow() {
    this.ended = null;
    let broken = 0;
    while (!this.ended) {
      // Events do not say for how long the job has been running.
      await this.#poll();
      if (!this.ended && broken < mostBrokenStreams && Run.streamCount < mostStreams) {
        if (!(await this.#followEvents())) broken += 1;
        else broken = 0;
      }
      if (!this.ended) await this.#wait(pollMilliseconds);
    }
    const { state, failure } = this.ended;
    if (state === 'cancelled') throw new DOMException('cancelled', 'AbortError');
    if (state === 'failed') throw Problem.ofJob(failure);
    if (state === 'expired') {
      throw new Problem({
        status: 410, title: 'The result is gone', detail: 'It was kept for its time and then removed.' });
    }
  }

  /** True if the stream told anything. */
  async #followEvents() {
    let hasTold = false;
    Run.streamCount += 1;
    try {
      for await (const event of service.events(this.jobId, this.aborter.signal)) {
        hasTold = true;
        this.#connected(true);
        this.#take(event);
      }
    } catch (error) {
      if (!(error instanceof Problem) || isFinal(error)) throw error;
    } finally {
      Run.streamCount -= 1;
    }
    return hasTold;
  }

  async #poll() {
    try {
      this.#takeJob(await service.snapshot(this.jobId, this.aborter.signal));
      this.#connected(true);
    } catch (error) {
      if (!(error instanceof Problem) || isFinal(error)) throw error;
      this.#connected(false);
    }
  }

  #take({ name, data }) {
    switch (name) {
      case 'waiting':
        this.#takePlace(data);
        break;
      case 'progress':
        this.#takeProgress(data);
        break;
      case 'preview':
        this.#takeBitmap('preview', data.image);
        break;
      case 'ended':
        this.#takeJob(data);
        break;
      default:
        return;
    }
    this.#changed();
  }

  #takePlace({ position = null, estimated_start_seconds: seconds = null }) {
    this.state = 'queued';
    this.position = position;
    this.startsAt = seconds === null ? null : performance.now() + seconds * 1000;
    // A job that the service was stopped in waits once more, and begins from its start.
    Object.assign(this, { startedAt: null, endsAt: null, progress: null });
  }

  #takeProgress(progress, runningSeconds = null) {
    const now = performance.now();
    this.state = 'running';
    if (runningSeconds !== null) this.startedAt = now - runningSeconds * 1000;
    this.startedAt ??= now;
    // Asked again, a job may have got no further; its pace is known when it has.
    if (this.endsAt !== null && progress?.fraction === this.progress?.fraction) return;
    this.progress = progress;
    const { stage, step, fraction = 0 } = progress ?? {};
    // What comes before the steps goes at another pace than they do.
    const isPaced = stage === 'denoise' ? step > 0 : !stagesBeforeSteps.includes(stage);
    this.endsAt = isPaced && fraction > leastShareForEstimate
      ? this.startedAt + (now - this.startedAt) / fraction : null;
  }

  async #takeBitmap(name, url) {
    try {
      const image = new Image();
      image.src = url;
      await image.decode();
      this[name] = await createImageBitmap(image);
      this.#changed();
    } catch {
      // Something to look at is a favour; the job goes on without it.
    }
  }

  #takeJob(job) {
    if (job.state === 'queued') {
      this.#takePlace(job);
    } else if (job.state === 'running') {
      this.#takeProgress(job.progress ?? this.progress, job.timings?.running_seconds);
    } else {
      this.ended = job;
    }
    this.#changed();
  }

  async #load() {
    this.manifestIsKnown = true;
    this.state = 'loading';
    this.#changed();
    const { signal } = this.aborter;
    const manifest = await service.manifest(this.jobId, signal);
    const layers = manifest.layers.filter((layer) => layer.image === 1).map((description) => new Layer(description));
    this.loadedCount = 0;
    this.layerCount = layers.length;
    await Promise.all(layers.map(async (layer) => {
      layer.file = await service.layer(this.jobId, layer.index, signal);
      layer.bitmap = await createImageBitmap(layer.file);
      this.loadedCount += 1;
      this.#changed();
    }));
    arrange(layers, this.keptArrangement ?? this.#carried(layers.length));
    this.manifest = manifest;
    this.layers = layers;
    this.edits = new Edits(layers);
    this.preview = null;
    this.sketch = null;
    this.state = 'done';
    this.#changed();
  }

  /** What was done to the layers before one of them was split. */
  #carried(count) {
    const { arrangement, index, count: before } = this.source ?? {};
    return arrangement ? arrangementAfterSplit(arrangement, index, count - before + 1) : null;
  }

  /** Ends early when the connection is back, when somebody wants it, and when the run is cancelled. */
  #wait(milliseconds) {
    return new Promise((resolve, reject) => {
      const { signal } = this.aborter;
      const end = () => {
        clearTimeout(timer);
        removeEventListener('online', end);
        signal.removeEventListener('abort', end);
        this.wake = null;
        if (signal.aborted) reject(new DOMException('cancelled', 'AbortError'));
        else resolve();
      };
      const timer = setTimeout(end, milliseconds);
      this.wake = end;
      addEventListener('online', end);
      signal.addEventListener('abort', end);
    });
  }

  #connected(isConnected) {
    if (this.isConnected === isConnected) return;
    this.isConnected = isConnected;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** How long to wait after so many tries. */
const pauseSeconds = (tries) => Math.min(30, 2 ** (tries + 1));

/** True if asking again would give the same answer. */
const isFinal = (problem) => [401, 403, 404, 410].includes(problem.status);

/** `crypto.randomUUID` exists in secure contexts only; a service in the house may be reached by plain HTTP. */
function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A seed that is short enough to be told to somebody. */
const randomSeed = () => String(crypto.getRandomValues(new Uint32Array(1))[0]);
