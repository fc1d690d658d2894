import { Problem } from './problem.js';

/** All addresses are relative to the page's, so that the service may stand below a path of a proxy. */
const root = new URL('.', document.baseURI);
const keyName = 'mica-key';
/** A stream that is silent for so long is dead: the service sends a comment every 15 seconds. */
const silenceMilliseconds = 40_000;
/** The present state comes at once, unless something on the way holds streams back. */
const firstSilenceMilliseconds = 8_000;

/** The access key. It is kept for this tab only. */
export const key = {
  get value() {
    try {
      return sessionStorage.getItem(keyName) ?? '';
    } catch {
      return this.fallback ?? '';
    }
  },
  set value(text) {
    this.fallback = text;
    try {
      if (text) sessionStorage.setItem(keyName, text);
      else sessionStorage.removeItem(keyName);
    } catch {
      // Storage may be forbidden; then the key lasts as long as the page.
    }
  },
  /** Set by the page: asks the person for a key, and gives true if there is a new one. */
  ask: async (_isRefused) => false,
};

let asking = null;

/** Asks once, however many requests were refused at the same time. */
function askForKey(refused) {
  if (key.value !== refused) return Promise.resolve(true);
  asking ??= key.ask(refused !== '').finally(() => { asking = null; });
  return asking;
}

const authorization = (value) => (value ? { Authorization: `Bearer ${value}` } : {});

/** Seeds have 64 bits, numbers of JavaScript 53: they are read as text. */
export const parseJSON = (text) => JSON.parse(text.replace(/("seed"\s*:\s*)(\d+)/g, '$1"$2"'));

/** One request; throws a `Problem` unless the answer is a success. */
async function request(path, options = {}) {
  for (;;) {
    const used = key.value;
    let response;
    try {
      response = await fetch(new URL(path, root), {
        ...options, headers: { ...authorization(used), ...options.headers }, cache: 'no-store',
      });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw Problem.unreachable();
    }
    if (response.ok) return response;
    const problem = await Problem.of(response);
    if (problem.status !== 401 || !(await askForKey(used))) throw problem;
  }
}

/** The body of an answer; a connection that breaks in it is a `Problem` too. */
async function read(response, how) {
  try {
    return await response[how]();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw Problem.unreachable();
  }
}

const json = async (path, options) => parseJSON(await read(await request(path, options), 'text'));
const blob = async (path, options) => read(await request(path, options), 'blob');

const job = (id) => `v1/jobs/${encodeURIComponent(id)}`;

/** The model, its defaults and the limits. */
export const model = async (signal) => (await json('v1/models', { signal })).data[0];
/** A job as it is now. */
export const snapshot = (id, signal) => json(job(id), { signal });
/** What a result says of itself. */
export const manifest = (id, signal) => json(`${job(id)}/manifest`, { signal });
/** A layer's PNG; 1 is the bottom. */
export const layer = (id, index, signal) => blob(`${job(id)}/layers/${index}.png`, { signal });
export const psd = (id) => blob(`${job(id)}/layers.psd`);
export const zip = (id) => blob(`${job(id)}/layers.zip`);
/** The layers in another form: `ora`, `psb`, `pptx`, `sheet`. */
export const result = (id, form) => blob(`${job(id)}/result?format=${form}`);
/** Layers that a form describes, or a file of layers, in another form; `png` is flat. */
export const recompose = (body, form) => blob(`v1/recompose?format=${form}`, { method: 'POST', body });
/**
 * What a job would take: its parameters, with the `width` and `height` of its picture. They go as a body: addresses are
 * logged on the way, and a prompt may be longer than one.
 */
export function plan(values, signal) {
  const body = new FormData();
  for (const [name, value] of Object.entries(values)) body.append(name, value);
  return json('v1/plan', { method: 'POST', body, signal });
}
/** Cancels a job that has not ended, and removes one that has. */
export const cancel = (id) => request(job(id), { method: 'DELETE' });

/** True if the service takes requests, false if it is stopping; throws if it does not answer. */
export async function isReady() {
  const response = await fetch(new URL('readyz', root), { cache: 'no-store' });
  // Of a server in front that cannot reach it.
  if ([502, 504].includes(response.status)) throw Problem.unreachable();
  return response.ok;
}

/**
 * Sends a picture and its settings, or the settings for splitting layer `source.index` of job `source.jobId` again,
 * and gives the job. `onSent` hears the share that is uploaded, 0 to 1. The same `idempotencyKey` never makes two jobs,
 * so an upload may be repeated when its answer was lost.
 */
export async function submit(form, { source, ...options }) {
  const path = source ? `${job(source.jobId)}/layers/${source.index}/layers` : 'v1/jobs';
  for (;;) {
    const used = key.value;
    const answer = await upload(form, path, used, options);
    if (answer.status >= 200 && answer.status < 300) return parseJSON(answer.responseText);
    const header = (name) => answer.getResponseHeader(name) ?? '';
    const problem = Problem.from(
      answer.status, header('content-type'), answer.responseText, header('x-request-id'), header('retry-after'));
    if (problem.status !== 401 || !(await askForKey(used))) throw problem;
  }
}

/** `fetch` tells nothing about what is sent, `XMLHttpRequest` does. */
function upload(form, path, keyValue, { idempotencyKey, onSent, signal }) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open('POST', new URL(path, root));
    sending.setRequestHeader('Accept', 'application/json, application/problem+json');
    sending.setRequestHeader('Prefer', 'respond-async');
    sending.setRequestHeader('Idempotency-Key', idempotencyKey);
    for (const [name, value] of Object.entries(authorization(keyValue))) sending.setRequestHeader(name, value);
    sending.upload.onprogress = (event) => event.lengthComputable && onSent?.(event.loaded / event.total);
    sending.upload.onload = () => onSent?.(1);
    sending.onload = () => resolve(sending);
    sending.onerror = () => reject(Problem.unreachable());
    sending.onabort = () => reject(new DOMException('cancelled', 'AbortError'));
    signal?.addEventListener('abort', () => sending.abort(), { once: true });
    if (signal?.aborted) reject(new DOMException('cancelled', 'AbortError'));
    else sending.send(form);
  });
}

/**
 * A job's events as they come: `{name, data}`. `EventSource` cannot send a key, so the stream is read here.
 * Ends when the stream does; throws a `Problem` if there is no stream or it falls silent.
 */
export async function* events(id, signal) {
  const silence = new AbortController();
  const stop = () => silence.abort();
  signal?.addEventListener('abort', stop, { once: true });
  let timer = setTimeout(stop, firstSilenceMilliseconds);
  try {
    const response = await request(`${job(id)}/events`, {
      signal: silence.signal, headers: { Accept: 'text/event-stream' },
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(stop, silenceMilliseconds);
      // A chunk may end between CR and LF: the LF then opens an empty line too many, which means nothing.
      const blocks = (text + value).split(/\r\n\r\n|\n\n|\r\r/);
      text = blocks.pop();
      for (const block of blocks) {
        const event = parseEvent(block);
        if (event) yield event;
      }
    }
  } catch (error) {
    if (signal?.aborted || error instanceof Problem) throw error;
    throw Problem.unreachable();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    silence.abort();
  }
}

/** One event of a stream; null for a comment. */
function parseEvent(block) {
  let name = 'message';
  const data = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') name = value;
    if (field === 'data') data.push(value);
  }
  if (!data.length) return null;
  try {
    return { name, data: parseJSON(data.join('\n')) };
  } catch {
    return null;
  }
}
