import { byId, duration, make, say } from './markup.js';

const stageNames = {
  decode_picture: 'Reading the picture',
  caption: 'Looking at the picture',
  encode_prompt: 'Reading the words',
  encode_image: 'Encoding the picture',
  modulation: 'Preparing the steps',
  denoise: 'Making the layers',
  decode: 'Decoding the layers',
  write: 'Writing the files',
};

/** What a run does now: title, detail, share from 0 to 1 or null if it is not known, seconds left or null. */
function describe(run) {
  const ahead = run.position === 1 ? '1 job is ahead of it' : `${run.position} jobs are ahead of it`;
  switch (run.state) {
    case 'sending':
      if (run.source) return { title: `Splitting ${run.source.layer} again`, share: null, detail: '' };
      return { title: 'Sending the picture', share: run.sent, detail: `${Math.round(run.sent * 100)} %` };
    case 'queued':
      return {
        title: 'Waiting in line', share: null,
        detail: run.position === null ? '' : run.position === 0 ? 'It is the next' : ahead,
        left: secondsUntil(run.startsAt), until: 'starts in about',
      };
    case 'loading':
      return {
        title: 'Loading the layers', share: run.layerCount ? run.loadedCount / run.layerCount : null,
        detail: run.layerCount ? `${run.loadedCount} of ${run.layerCount}` : '',
      };
    default: {
      const { stage, step, total, fraction = null } = run.progress ?? {};
      const unit = stage === 'denoise' ? 'Step' : stage === 'decode' ? 'Layer' : '';
      return {
        title: stageNames[stage] ?? 'Working', share: fraction,
        detail: unit && total ? `${unit} ${Math.min(step + 1, total)} of ${total}` : '',
        left: secondsUntil(run.endsAt), until: 'about',
      };
    }
  }
}

/** Null if the moment is not known or has passed: it was a guess then. */
function secondsUntil(moment) {
  const left = moment === null ? 0 : (moment - performance.now()) / 1000;
  return left >= 0.5 ? left : null;
}

/** A word for the window's title; the page may be behind others. */
export function titleOf(run) {
  const name = 'Mica: a picture into layers';
  switch (run?.state) {
    case undefined: return name;
    case 'queued': return `Waiting · ${name}`;
    case 'running': return `${Math.round((run.progress?.fraction ?? 0) * 100)} % · ${name}`;
    case 'done': return `Done · ${name}`;
    case 'failed': return `Failed · ${name}`;
    default: return name;
  }
}

/** Shows the progress of a run that is under way; hides it for any other. */
export function showProgress(run) {
  const isShown = Boolean(run?.isActive) && run.state !== 'paused';
  byId('progress').hidden = !isShown;
  if (!isShown) return;
  const { title, detail, share, left = null, until } = describe(run);
  byId('progress-title').textContent = run.isCancelling ? 'Cancelling' : title;
  byId('progress-detail').textContent =
    run.note || (run.isConnected ? detail : 'No connection; the job may go on without it.');
  byId('progress-time').textContent =
    left === null || !run.isConnected || run.isCancelling ? '' : `${until} ${duration(left)}${until === 'about' ? ' left' : ''}`;
  byId('cancel').disabled = run.isCancelling;
  const bar = byId('progress-bar');
  if (share === null) bar.removeAttribute('value');
  else bar.value = share;
  const quarter = share === null ? '' : `, ${Math.floor(share * 4) * 25} percent`;
  say(run.state === 'queued' ? `${title}. ${detail}` : `${title}${run.state === 'running' ? quarter : ''}`);
}

/**
 * Shows what went wrong, and what to do: `actions` are `{text, run, isPrimary}`. `note` stands in for the advice.
 * Null hides it.
 */
export function showProblem(problem, { actions = [], note = null, focus = false } = {}) {
  const card = byId('problem');
  card.hidden = !problem;
  if (!problem) return;
  const set = (id, words) => {
    if (byId(id).textContent !== words) byId(id).textContent = words;
    byId(id).hidden = !words;
  };
  set('problem-title', problem.title);
  set('problem-detail', problem.detail);
  set('problem-advice', note ?? problem.advice);
  set('problem-reference', problem.requestId && problem.status >= 500 ? `Request ${problem.requestId}` : '');
  // Buttons stay while their words do: a focused one must not vanish.
  const row = byId('problem-actions');
  if ([...row.children].map((button) => button.textContent).join() !== actions.map(({ text }) => text).join()) {
    row.replaceChildren(...actions.map(({ text, isPrimary }) =>
      make('button', { type: 'button', className: isPrimary ? 'primary' : 'secondary', textContent: text })));
  }
  actions.forEach(({ run }, index) => { row.children[index].onclick = run; });
  if (focus) card.focus({ preventScroll: false });
}

/** The state of the service in the bar: ready, busy, away or nothing. */
export function showService(state, words) {
  byId('service').dataset.state = state;
  byId('service-text').textContent = words;
}

/** A line about a finished run, with its seed to copy. */
export function showFacts(run) {
  const facts = byId('facts');
  facts.hidden = !run;
  if (!run) return;
  const { manifest } = run;
  const used = manifest.parameters ?? {};
  const seconds = Object.values(manifest.seconds ?? {}).reduce((sum, value) => sum + value, 0);
  const reused = manifest.reused_passes ?? 0;
  const copy = make('button', {
    type: 'button', className: 'quiet', textContent: 'copy', 'aria-label': 'Copy the seed',
    onclick: async () => {
      await navigator.clipboard?.writeText(String(manifest.seed)).catch(() => {});
      copy.textContent = 'copied';
      say('Seed copied');
    },
  });
  facts.replaceChildren(
    `${manifest.width} × ${manifest.height}, ${used.num_inference_steps ?? '?'} step${
      used.num_inference_steps === 1 ? '' : 's'}`
    + `${seconds ? `, ${seconds < 10 ? `${seconds.toFixed(1)} s` : duration(seconds)}` : ''}${
      reused ? `, ${reused} pass${reused === 1 ? '' : 'es'} reused` : ''}, seed ${manifest.seed} `,
    ...(navigator.clipboard ? [copy] : []),
    ...(manifest.caption ? [make('br'), `The model saw: ${manifest.caption}`] : []));
}
