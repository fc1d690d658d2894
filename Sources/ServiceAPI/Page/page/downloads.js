import { grouped, isEdited } from './edits.js';
import { byId, say } from './markup.js';
import { save, stem } from './picture.js';
import { Problem } from './problem.js';
import * as service from './service.js';

/** What the forms' names have at their end. */
const endings = { sheet: '-sheet.png' };

/** The buttons that save a run's layers. `current` gives the run, `blend` its blend as PNG. */
export function offerDownloads({ current, blend }) {
  offer('save-psd', (run) => layered(run, 'psd'), () => '.psd');
  offer('save-zip', (run) => layered(run, 'zip'), () => '-layers.zip');
  offer('save-blend', () => blend(), () => '-blend.png');
  const form = () => byId('other-form').value;
  offer('save-other', (run) => layered(run, form()), () => endings[form()] ?? `.${form()}`);

  function offer(id, file, ending) {
    const button = byId(id);
    button.addEventListener('click', async (event) => {
      // A double click wants one file, and so does who presses again while it is made.
      if (event.detail > 1 || button.hasAttribute('aria-busy')) return;
      const run = current();
      const name = `${stem(run.name)}${ending()}`;
      byId('save-error').hidden = true;
      button.setAttribute('aria-busy', 'true');
      try {
        save(await file(run), name);
        say('Saved');
      } catch (error) {
        const problem = Problem.around(error, 'The file could not be made');
        byId('save-error').textContent = `${problem.title}. ${problem.detail} ${adviceOn(problem)}`;
        byId('save-error').hidden = false;
      } finally {
        button.removeAttribute('aria-busy');
      }
    });
  }
}

const adviceOn = (problem) => (problem.status === 413
  ? 'Reset saves the layers as they were made, for which nothing is sent.' : problem.advice ?? '');

/** A file of the layers as they are shown. What nobody changed is there already; anything else is put together anew. */
function layered(run, form) {
  if (!isEdited(run.layers)) return asMade(run.jobId, form);
  const data = new FormData();
  data.append('manifest', new Blob([JSON.stringify(manifestOf(run))], { type: 'application/json' }), 'manifest.json');
  for (const layer of run.layers) data.append(fileOf(layer), layer.file, fileOf(layer));
  return service.recompose(data, form);
}

function asMade(jobId, form) {
  switch (form) {
    case 'psd': return service.psd(jobId);
    case 'zip': return service.zip(jobId);
    default: return service.result(jobId, form);
  }
}

/** What a layer's own file is called: by the name that somebody gave it, else by its number. */
export function layerFileName(run, { name, madeName, index }) {
  const own = name === madeName ? '' : name.replace(/[\\/:*?"<>|\p{Cc}]+/gu, ' ').trim().replace(/^\.+/, '');
  return `${stem(run.name)}-${own || `layer-${index}`}.png`;
}

const fileOf = (layer) => `layer_${layer.index}.png`;

/** What the service is told of the layers, in their order. */
function manifestOf({ layers, manifest: { width, height } }) {
  const groups = [];
  const described = (some, depth, group) => grouped(some, depth).flatMap((one) => {
    if (one.layers) {
      const id = groups.push({ id: groups.length + 1, name: one.name, group, opacity: one.fade });
      return described(one.layers, depth + 1, id);
    }
    const { name, x, y, opacity, isVisible } = one;
    return [{ file: fileOf(one), name, x, y, opacity, visible: isVisible, group }];
  });
  return { width, height, layers: described(layers, 0), groups };
}
