/** What went wrong, as the page shows it: the service's own words, and what can be done. */
export class Problem extends Error {
  /**
   * @param {{status?: number, type?: string, title: string, detail?: string, requestId?: string,
   *   retryAfterSeconds?: number, fitting?: {resolution: number, layers: number}}} facts `status` is 0 if there was
   *   no answer at all. `fitting` is the nearest job that the service has the memory for.
   */
  constructor({ status = 0, type = '', title, detail = '', requestId = '', retryAfterSeconds, fitting }) {
    super(title);
    Object.assign(this, { status, type, title, detail, requestId, retryAfterSeconds, fitting });
  }

  /** The problem that an answer describes; also for answers that are not the service's own, such as a proxy's. */
  static async of(response) {
    const header = (name) => response.headers.get(name) ?? '';
    const text = await response.text().catch(() => '');
    return Problem.from(response.status, header('content-type'), text, header('x-request-id'), header('retry-after'));
  }

  /** The same, from the parts of an answer. */
  static from(status, mediaType, text, requestId, retryAfter) {
    const retryAfterSeconds = /^\d+$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined;
    if (/[/+]json\b/.test(mediaType)) {
      try {
        const said = JSON.parse(text);
        if (typeof said.title === 'string') {
          return new Problem({
            status, type: String(said.type ?? ''), title: said.title, detail: String(said.detail ?? ''), requestId,
            retryAfterSeconds, fitting: said.fitting,
          });
        }
      } catch {
        // Falls through to what the status alone says.
      }
    }
    return new Problem({
      status, title: `The answer was ${status}`, requestId, retryAfterSeconds,
      detail: status === 502 || status === 504
        ? 'It came from a server in front of Mica, which could not reach it or waited too long.'
        : 'It holds no explanation, so it may come from something between this page and the service.',
    });
  }

  /** The problem of a job that failed; `failure` is the service's description. */
  static ofJob(failure) {
    return new Problem({
      status: failure?.status ?? 500, type: failure?.type, title: failure?.title ?? 'The job failed',
      detail: failure?.detail ?? 'The service gave no reason.',
    });
  }

  /** What was thrown, if it is a problem; otherwise one with this title that gives the browser's reason. */
  static around(error, title) {
    return error instanceof Problem ? error : new Problem({ status: 500, title, detail: String(error?.message ?? error) });
  }

  /** No answer at all. */
  static unreachable() {
    return new Problem({
      title: navigator.onLine ? 'The service does not answer' : 'You are offline',
      detail: navigator.onLine
        ? 'It may be restarting, or the connection to it is broken.'
        : 'This computer has no network connection at the moment.',
    });
  }

  /** True if the picture itself is what is wrong. */
  get isOfPicture() {
    return [413, 415].includes(this.status)
      || ['empty-picture', 'damaged-picture', 'picture-size'].some((name) => this.type.endsWith(`:${name}`));
  }

  /** True if the same request may succeed a little later. */
  get isPassing() {
    return this.status === 0 || [408, 429, 502, 503, 504].includes(this.status);
  }

  /** What the reader can do about it. */
  get advice() {
    switch (this.status) {
      case 0: return 'Try again when the connection is back. Nothing you set is lost.';
      case 401: return 'Enter an access key that the service knows.';
      case 403: return 'Ask whoever runs the service for a key that may do this.';
      case 404: return 'The service knows this job no longer. Run it again.';
      case 410: return 'Results are kept for a time only. Run it again with the same seed to get the same layers.';
      case 413: return 'Use a smaller picture.';
      case 415: return 'Save the picture as PNG, JPEG or WebP and choose it again.';
      case 422: return this.isOfPicture ? 'Choose another picture.' : 'Change what is named above and try again.';
      case 400: return 'Change what is named above and try again.';
      case 429: return 'Several of your pictures wait already. Cancel one, or try again when one is done.';
      case 503: return 'The service is busy or restarting. Try again in a moment.';
      case 504: return 'It took longer than allowed. Fewer layers, fewer steps or a smaller size are faster.';
      default: return 'Try again. If it happens again, tell whoever runs the service.';
    }
  }
}
