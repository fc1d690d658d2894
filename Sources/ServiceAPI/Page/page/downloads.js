import { isEdited } from './edits.js';
import { byId, say } from './markup.js';
import { save, stem } from './picture.js';
import { Problem } from './problem.js';
import * as service from './service.js';

/** What the forms' names have at their end. */
const endings = { sheet: '-sheet.png' };

/** The buttons that save a run's layers. `current` gives the run, `blend` its blend as PNG. */
export function offerDownloads({ current, blend }) {
  offer('save-psd', (run) => layered(run, 'psd'), () => '.psd');
  offer('save-zip', (run) => service.zip(run.jobId), () => '-layers.zip');
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
  if (!isEdited(run.layers)) return form === 'psd' ? service.psd(run.jobId) : service.result(run.jobId, form);
  const data = new FormData();
  data.append('manifest', new Blob([JSON.stringify(manifestOf(run))], { type: 'application/json' }), 'manifest.json');
  for (const layer of run.layers) data.append(fileOf(layer), layer.file, fileOf(layer));
  return service.recompose(data, form);
}

const fileOf = (layer) => `layer_${layer.index}.png`;

/** The layers in their order. Those of a group are neighbours there, so a layer in between makes two groups of it. */
function manifestOf({ layers, manifest: { width, height } }) {
  const groups = [];
  let around = [];
  const described = layers.map((layer) => {
    const parted = layer.groups.findIndex((name, depth) => groups[around[depth] - 1]?.name !== name);
    around = around.slice(0, parted < 0 ? layer.groups.length : parted);
    for (const name of layer.groups.slice(around.length)) {
      groups.push({ id: groups.length + 1, name, group: around.at(-1) });
      around = [...around, groups.length];
    }
    const { name, x, y, opacity, isVisible } = layer;
    return { file: fileOf(layer), name, x, y, opacity, visible: isVisible, group: around.at(-1) };
  });
  return { width, height, groups, layers: described };
}
