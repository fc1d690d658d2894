import { layerFileName, offerDownloads } from './page/downloads.js';
import { Estimate } from './page/estimate.js';
import { History } from './page/history.js';
import { LayerList } from './page/layers.js';
import { limitsOf, tooLarge } from './page/limits.js';
import { byId, duration, say } from './page/markup.js';
import { Picture, pictureOf, save } from './page/picture.js';
import { Problem } from './page/problem.js';
import { Run } from './page/run.js';
import * as service from './page/service.js';
import { Settings } from './page/settings.js';
import { Stage } from './page/stage.js';
import { showFacts, showProblem, showProgress, showService, titleOf } from './page/status.js';

const readyEveryMilliseconds = 15_000;
/** A service that is away may be back at any moment, and who waits for it looks at the page. */
const awayEveryMilliseconds = 4_000;
/** The longer side of a picture that was too large and is made smaller. */
const shrunkSide = 4096;
/** So many times as long as it is wide, a picture gets no better by being made smaller. */
const mostAspect = 200;
/** Who presses twice does not want two jobs. */
const doublePressMilliseconds = 700;

const settings = new Settings();
const stage = new Stage();
const list = new LayerList();
const history = new History();
const estimate = new Estimate(() => (model && settings.isValid ? { picture, values: settings.read() } : null));

/** The picture that was chosen last. */
let picture = null;
/** The run on the stage; null shows the picture. */
let current = null;
/** What the stage shows of the current run, so that it is not set up again for each word of progress. */
let shown = '';
let shownBitmap = null;
let lastStart = { picture: null, at: 0 };

// A picture comes in

/** Ends when the picture that was chosen last is read, which takes a while for a large one. */
let choosing = Promise.resolve();
let choices = 0;

/** `others` are the files that came with it and are left out. */
function choose(file, { name, others = 0 } = {}) {
  choosing = read(file, name, others);
  return choosing;
}

async function read(file, name, others) {
  choices += 1;
  const choice = choices;
  byId('file-error').hidden = true;
  byId('drop').setAttribute('aria-busy', 'true');
  try {
    const chosen = await Picture.of(file, name);
    // Another one was chosen while this one was read.
    if (choice !== choices) return;
    take(chosen);
    if (others) {
      byId('file-hint').textContent += `. One at a time: ${others} more ${others === 1 ? 'is' : 'are'} left out`;
      say(byId('file-hint').textContent);
    }
  } catch (error) {
    if (choice !== choices) return;
    const problem = Problem.around(error, 'The file could not be read');
    byId('file-error').textContent = `${problem.title}. ${problem.detail}`;
    byId('file-error').hidden = false;
    byId('file').focus();
  } finally {
    if (choice === choices) byId('drop').removeAttribute('aria-busy');
  }
}

function take(chosen) {
  picture = chosen;
  const { thumb } = picture;
  byId('drop').classList.add('is-filled');
  byId('drop-picture').style.backgroundImage = thumb ? `url(${thumb})` : '';
  byId('file-name').textContent = picture.name;
  byId('file-name').title = picture.name;
  byId('file-hint').textContent = picture.description;
  say(`${picture.name} is chosen`);
  estimate.update();
  open(null);
}

byId('file').addEventListener('change', (event) => {
  const file = event.target.files[0];
  // The same file may be chosen again after it was changed.
  event.target.value = '';
  if (file) choose(file);
});

// Browsers open their dialog on the space key only, and would send the form on this one.
byId('file').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter') return;
  event.preventDefault();
  byId('file').click();
});

addEventListener('paste', (event) => {
  const { file, others } = pictureOf(event.clipboardData);
  if (!file?.type.startsWith('image/')) return;
  event.preventDefault();
  choose(file, { name: file.name && file.name !== 'image.png' ? file.name : 'pasted.png', others });
});

let dragDepth = 0;
const dragsFile = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
addEventListener('dragenter', (event) => {
  if (!dragsFile(event)) return;
  dragDepth += 1;
  byId('curtain').hidden = false;
});
addEventListener('dragleave', (event) => {
  if (!dragsFile(event)) return;
  dragDepth -= 1;
  byId('curtain').hidden = dragDepth > 0 ? byId('curtain').hidden : true;
});
addEventListener('dragover', (event) => dragsFile(event) && event.preventDefault());
addEventListener('drop', (event) => {
  if (!dragsFile(event)) return;
  event.preventDefault();
  dragDepth = 0;
  byId('curtain').hidden = true;
  const { file, others } = pictureOf(event.dataTransfer);
  if (file) choose(file, { others });
});

byId('example').addEventListener('click', async () => {
  const image = await fetch('page/example.svg').then((answer) => answer.blob()).catch(() => null);
  if (!image) return;
  await choose(image, { name: 'market.svg' });
  byId('submit').focus();
});

// Runs

byId('settings').addEventListener('submit', async (event) => {
  event.preventDefault();
  await choosing;
  if (!picture) {
    byId('file-error').textContent = 'Choose a picture first.';
    byId('file-error').hidden = false;
    byId('file').focus();
    return;
  }
  const isDouble = current?.isActive && lastStart.picture === picture
    && performance.now() - lastStart.at < doublePressMilliseconds;
  if (isDouble || !settings.check()) return;
  lastStart = { picture, at: performance.now() };
  start(picture, settings.read());
});

function start(chosen, values) {
  begin(new Run({ name: chosen.name, thumb: chosen.thumb, settings: values, picture: chosen }),
    tooLarge(chosen, limitsOf(model)));
}

/** Splits a layer of a result again: it becomes a group of that result. */
function startSplit(run, source, values) {
  begin(new Run({ name: run.name, thumb: run.thumb, settings: values, picture: run.picture, source }));
  // The button that was pressed is hidden now.
  byId('cancel').focus();
}

function begin(run, problem = null) {
  watch(run);
  history.add(run);
  open(run);
  if (problem) run.refuse(problem);
  else run.start();
  // Below the form on a narrow screen, the stage may be out of sight.
  byId('view').scrollIntoView({ block: 'nearest' });
}

function watch(run) {
  let wasConnected = run.isConnected;
  run.addEventListener('change', () => {
    // The rest of the page must not say anything else than the run does.
    if (run.isConnected !== wasConnected) lookAfter();
    wasConnected = run.isConnected;
    if (run === current) show();
    else if (run.state === 'done') run.release();
  });
}

/** Puts a run on the stage, or the chosen picture. */
function open(run) {
  if (run !== current) current?.release();
  current = run;
  shown = '';
  history.open(run);
  show();
}

async function show() {
  const run = current;
  const hadFocus = document.activeElement === byId('cancel');
  document.title = titleOf(run);
  showProgress(run);
  showTrouble(run);
  const isDone = run?.state === 'done';
  byId('results').hidden = !isDone;
  document.querySelector('.desk').classList.toggle('has-result', isDone);
  if (!isDone) showFacts(null);
  const bitmap = run?.preview ?? run?.picture?.bitmap ?? run?.sketch ?? (run ? null : picture?.bitmap) ?? null;
  byId('empty').hidden = Boolean(run || picture);
  const key = isDone ? 'done' : run?.state ?? 'picture';
  if (!isDone && (key !== shown || bitmap !== shownBitmap)) {
    stage.showPicture(bitmap, Boolean(run) && !run.preview);
    shownBitmap = bitmap;
  }
  if (isDone && shown !== 'done') {
    shown = 'done';
    await run.prepare();
    if (run !== current) return;
    showResult(run, hadFocus);
  }
  shown = key;
}

function showResult(run, hadFocus) {
  list.show(run.layers);
  stage.showRun(run);
  select(run.newest);
  // Browsers take the focus from a button that was hidden, but not at once.
  if (hadFocus && [document.body, byId('cancel')].includes(document.activeElement)) list.focus();
  showFacts(run);
  byId('save-error').hidden = true;
  byId('again').disabled = !run.picture && !run.source;
  byId('again').title = byId('again').disabled
    ? 'The picture is not kept when the page is loaded again. Choose it anew.' : '';
  showEdits();
  const count = run.layers.length;
  say(`Done: ${count} ${count === 1 ? 'layer' : 'layers'}`);
}

function select(layer) {
  list.select(layer);
  stage.select(layer);
}

let countdown = 0;

function showTrouble(run) {
  clearTimeout(countdown);
  const problem = run?.state === 'cancelled'
    ? new Problem({
      title: 'Cancelled', detail: run.jobId ? 'This job was stopped. Nothing of it is kept.'
        : run.mayBeThere ? 'The service did not answer, so it may do the job all the same.' : 'Nothing more is sent.',
    }) : run?.problem;
  if (!problem || !['failed', 'paused', 'cancelled'].includes(run.state)) {
    showProblem(null);
    return;
  }
  const actions = [];
  const isRefused = [400, 413, 415, 422].includes(problem.status);
  const { width = 0, height = 0 } = run.picture ?? {};
  const isThread = Math.max(width, height) > mostAspect * Math.min(width, height);
  if (problem.status === 413 && run.picture?.bitmap && !isThread) {
    actions.push({ text: 'Make it smaller', isPrimary: true, run: () => shrink(run) });
  }
  if (run.isSourceGone) {
    if (run.picture) {
      actions.push({ text: 'Run the picture again', isPrimary: true, run: () => start(run.picture, run.settings) });
    }
  } else if (isRefused && problem.isOfPicture) {
    actions.push({ text: 'Choose another picture', run: () => byId('file').click() });
  } else if (isRefused) {
    const fits = problem.fitting && (run.picture || run.source);
    if (fits) actions.push(fittingAction(run));
    actions.push({ text: 'Change the settings', isPrimary: !fits, run: () => settings.focusOn(problem) });
  } else if (run.picture || run.manifestIsKnown) {
    actions.push({
      text: run.state === 'cancelled' ? 'Run it again' : 'Try again', isPrimary: true, run: () => run.retry(),
    });
  }
  if (run.state === 'paused') {
    actions.push(run.isCancelling ? { text: 'Stop trying', run: () => run.giveUp() }
      : { text: 'Cancel', run: () => run.cancel() });
  }
  let note = run.state === 'cancelled' ? '' : null;
  if (run.isSourceGone) {
    note = 'A layer can be split while its result is kept, and this one is gone. '
      + 'Run the picture again, and split the layer of the new result.';
  }
  if (run.state === 'paused') {
    const seconds = Math.ceil((run.retryAt - performance.now()) / 1000);
    note = `${run.isCancelling ? 'The job is cancelled as soon as the service answers. ' : ''}${
      seconds > 0 ? `It is tried again in ${duration(seconds)}.` : 'Trying again.'}`;
    countdown = setTimeout(() => run === current && show(), 1000);
  }
  byId('problem').classList.toggle('is-calm', run.state !== 'failed');
  showProblem(problem, { actions, note, focus: byId('problem').hidden && run.state === 'failed' });
}

/** Of a job that does not fit the service's memory: the nearest one that does. */
function fittingAction(run) {
  const { resolution, layers } = run.problem.fitting;
  const values = { ...run.settings, resolution: String(resolution), layers: String(layers) };
  return {
    text: `Use ${resolution} pixels and ${layers} ${layers === 1 ? 'layer' : 'layers'}`, isPrimary: true,
    run: () => {
      settings.write(values);
      estimate.update();
      if (run.source) startSplit(run, run.source, values);
      else start(run.picture, values);
    },
  };
}

async function shrink(run) {
  const { side, pixels } = limitsOf(model);
  take(await run.picture.shrunk(Math.min(shrunkSide, side), pixels));
  start(picture, run.settings);
}

function reopen(run) {
  if (run.picture) take(run.picture);
  settings.write(run.settings);
  estimate.update();
  open(run);
}

history.addEventListener('open', ({ detail: run }) => reopen(run));
for (const name of ['input', 'change']) byId('settings').addEventListener(name, () => estimate.update());
byId('cancel').addEventListener('click', () => current?.cancel());
byId('again').addEventListener('click', () => {
  const { seed, ...values } = current?.settings ?? {};
  if (current?.source) startSplit(current, current.source, values);
  else if (current?.picture) start(current.picture, values);
});

// Layers

list.addEventListener('select', ({ detail }) => select(detail));
stage.addEventListener('select', ({ detail }) => select(detail));
list.addEventListener('change', () => stage.update());
stage.addEventListener('move', () => list.update());
list.addEventListener('alone', ({ detail }) => { select(detail); stage.setView('single'); });
list.addEventListener('save', ({ detail: layer }) => save(layer.file, layerFileName(current, layer)));
list.addEventListener('split', ({ detail: layer }) => {
  if (!settings.check()) return;
  const { jobId, layers, arrangement } = current;
  const source = { jobId, index: layer.index, layer: layer.name, count: layers.length, arrangement };
  startSplit(current, source, settings.read());
});

// What was done to layers is taken back and done again

for (const source of [list, stage]) {
  source.addEventListener('edit', ({ detail: what }) => {
    current.edits.note(what);
    showEdits();
    history.update();
  });
}

function showEdits() {
  byId('undo').disabled = !current.edits.canUndo;
  byId('redo').disabled = !current.edits.canRedo;
}

function takeBack(isAgain) {
  if (current?.state !== 'done') return;
  const focused = document.activeElement;
  current.edits[isAgain ? 'redo' : 'undo']();
  list.refresh();
  stage.update();
  showEdits();
  history.update();
  // A button with nothing left to do loses the keyboard.
  if (focused.disabled) {
    if (list.selected && !focused.matches('#undo, #redo')) list.focus();
    else byId(isAgain ? 'undo' : 'redo').focus();
  }
  say(isAgain ? 'Done again' : 'Taken back');
}

byId('undo').addEventListener('click', () => takeBack(false));
byId('redo').addEventListener('click', () => takeBack(true));
/** Fields that take back what is typed in them by themselves. */
const textFields = 'textarea, input:not([type="range"], [type="checkbox"], [type="radio"])';
addEventListener('keydown', (event) => {
  const letter = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || event.altKey || !['y', 'z'].includes(letter)) return;
  if (current?.state !== 'done' || keyDialog.open || event.target.matches?.(textFields)) return;
  event.preventDefault();
  takeBack(letter === 'y' || event.shiftKey);
});

offerDownloads({ current: () => current, blend: () => stage.blendFile() });

// The access key

const keyDialog = byId('key-dialog');

function showKeyButton() {
  byId('key-button').hidden = !service.key.value && !needsKey;
}

/** Opens the dialog; true if a new key came of it. */
function askForKey(isRefused) {
  byId('key').value = '';
  byId('key').setCustomValidity('');
  byId('key-error').hidden = !isRefused;
  byId('key-error').textContent = 'The key that was used is not accepted.';
  byId('key-forget').hidden = !service.key.value;
  keyDialog.returnValue = '';
  keyDialog.showModal();
  return new Promise((done) => {
    keyDialog.addEventListener('close', () => {
      const value = byId('key').value.trim();
      const isNew = keyDialog.returnValue === 'use' && value !== '';
      if (isNew) service.key.value = value;
      byId('key').value = '';
      showKeyButton();
      done(isNew);
      if (isNew && !model) connect();
    }, { once: true });
  });
}

service.key.ask = askForKey;
// Browsers refuse to send anything else in a header.
byId('key').addEventListener('input', ({ target }) => target.setCustomValidity(
  /^[!-~]*$/.test(target.value.trim()) ? ''
    : 'A key has only letters, digits and signs of ASCII: no spaces, no typographic quotes.'));
byId('key-button').addEventListener('click', async () => { if (await askForKey(false)) connect(); });
byId('key-cancel').addEventListener('click', () => keyDialog.close());
byId('key-forget').addEventListener('click', () => {
  service.key.value = '';
  keyDialog.close();
});

// The service

let model = null;
let needsKey = false;
let isThere = true;
let nextLook = 0;

/** Learns the model's defaults; asks for a key if the service wants one. */
async function connect() {
  try {
    model = await service.model();
    settings.takeDefaults(model);
    estimate.update();
    showService('ready', model.id);
  } catch (problem) {
    if (problem.status) showService('busy', problem.status === 401 ? 'Needs an access key' : problem.title);
    needsKey = problem.status === 401;
  }
  showKeyButton();
}

/** Asks now and then whether the service is there. */
async function lookAfter() {
  clearTimeout(nextLook);
  try {
    const isReady = await service.isReady();
    isThere = true;
    if (!isReady) showService('busy', 'Stopping');
    else if (model) showService('ready', model.id);
    else if (!needsKey) connect();
  } catch {
    isThere = false;
    showService('away', 'No connection');
  }
  byId('offline').hidden = isThere;
  byId('offline').textContent = isThere ? ''
    : `${Problem.unreachable().title}. Jobs may go on without it; this page does when the connection is back.`;
  // A page that nobody sees asks nothing.
  nextLook = setTimeout(() => (document.hidden
    ? document.addEventListener('visibilitychange', lookAfter, { once: true }) : lookAfter()),
  isThere ? readyEveryMilliseconds : awayEveryMilliseconds);
}

addEventListener('online', lookAfter);
addEventListener('offline', lookAfter);
addEventListener('beforeunload', (event) => {
  if (history.runs.some((run) => run.state === 'sending' || run.state === 'paused')) event.preventDefault();
});

// The time that is left goes by between two words of progress too.
setInterval(() => current?.isActive && showProgress(current), 1_000);

// Before anything is asked, so that a run begun meanwhile joins those of before and does not take their place.
for (const run of history.restore()) watch(run);
await connect();
lookAfter();
// After a reload, the page shows what it showed last unless somebody has begun something else by now.
if (history.runs.length && !current && !picture) reopen(history.runs[0]);
