/// The files of the page, each under the path that it is served at; `make page` writes this file.
enum PageDocument {
    static let texts: [(path: String, text: String)] = [
        (
            "/",
            #"""
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="Splits a picture into layers that can be edited one by one.">
<title>Mica: a picture into layers</title>
<link rel="icon" href="page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="page.css">
<script type="module" src="page.js"></script>
</head>
<body>
<a class="skip" href="#stage-heading">Skip to the picture</a>

<header class="bar">
  <div class="brand">
    <img src="page/icon.svg" alt="" width="28" height="28">
    <h1>Mica</h1>
    <span class="claim">a picture into layers</span>
  </div>
  <p class="service" id="service"><span class="dot" aria-hidden="true"></span>
    <span id="service-text">Connecting</span></p>
  <button type="button" class="quiet" id="key-button" hidden>Access key</button>
</header>

<p class="banner" id="offline" role="status" hidden></p>
<noscript><p class="banner">This page needs JavaScript. Without it, the service can be used from a command line:
  <code>curl -F image=@photo.jpg 'ADDRESS/v1/layers?format=zip' -o layers.zip</code>, where ADDRESS is that of this
  page.</p></noscript>

<main class="desk">

  <form class="panel settings" id="settings" aria-labelledby="settings-heading" novalidate>
    <h2 id="settings-heading" class="unseen">Picture and settings</h2>
    <div class="fields">
      <div class="drop" id="drop">
        <input class="unseen" type="file" id="file" accept="image/*,.psd,.psb,.ora" aria-describedby="file-hint">
        <label for="file" id="file-label">
          <span class="drop-picture" id="drop-picture" aria-hidden="true"></span>
          <span class="drop-words">
            <strong id="file-name">Choose a picture</strong>
            <span id="file-hint" class="hint">or drop or paste one: PNG, JPEG, WebP, PSD</span>
          </span>
        </label>
      </div>
      <p class="field-error" id="file-error" role="alert" hidden></p>

      <div class="pair">
        <div class="field">
          <label for="layers">Layers</label>
          <div class="stepper">
            <button type="button" data-step="-1" aria-label="One layer fewer" tabindex="-1">−</button>
            <input id="layers" name="layers" type="number" inputmode="numeric" min="1" max="16" step="1">
            <button type="button" data-step="1" aria-label="One layer more" tabindex="-1">+</button>
          </div>
        </div>
        <div class="field">
          <label for="steps">Steps</label>
          <div class="stepper">
            <button type="button" data-step="-1" aria-label="Fewer steps" tabindex="-1">−</button>
            <input id="steps" name="num_inference_steps" type="number" inputmode="numeric" min="1" max="1000" step="1"
              aria-describedby="steps-hint">
            <button type="button" data-step="1" aria-label="More steps" tabindex="-1">+</button>
          </div>
        </div>
      </div>
      <label class="check"><input id="layers-auto" type="checkbox"> As many layers as the picture has</label>
      <p class="hint under" id="steps-hint">More steps take longer; the number that is filled in suits the model.</p>

      <fieldset class="field">
        <legend>Size</legend>
        <div class="chips" id="sizes"></div>
        <div class="custom-size" id="custom-size" hidden>
          <label for="resolution">Side of the square with the same area, in pixels</label>
          <input id="resolution" type="number" inputmode="numeric" min="64" max="2048" step="1"
            placeholder="64 to 2048">
        </div>
      </fieldset>

      <div class="field">
        <label for="prompt">What it shows <span class="optional">optional</span></label>
        <textarea id="prompt" name="prompt" rows="3" aria-describedby="prompt-hint"></textarea>
        <p class="hint" id="prompt-hint">A few words on the picture as a whole, hidden parts included.</p>
      </div>

      <details class="advanced" id="advanced">
        <summary>Advanced</summary>
        <div class="fields">
          <div class="field">
            <label for="fit">The layers’ size</label>
            <select id="fit" name="fit">
              <option value="">The picture’s own, sharp</option><option value="model">The model’s</option>
            </select>
          </div>
          <div class="field">
            <label for="clean-up">Clean transparency, no specks</label>
            <select id="clean-up" name="clean_up">
              <option value="">Yes</option><option value="false">No</option>
            </select>
          </div>
          <div class="field">
            <label for="seed">Seed</label>
            <div class="with-button">
              <input id="seed" name="seed" type="text" inputmode="numeric" autocomplete="off" placeholder="random"
                aria-describedby="seed-hint">
              <button type="button" id="seed-clear" class="quiet">Random</button>
            </div>
            <p class="hint" id="seed-hint">The same seed and settings give the same layers.</p>
          </div>
          <div class="field">
            <label for="negative">What to steer away from</label>
            <textarea id="negative" name="negative_prompt" rows="2"></textarea>
          </div>
          <div class="field">
            <label for="guidance">Guidance scale</label>
            <input id="guidance" name="true_cfg_scale" type="number" inputmode="decimal" min="0" max="100" step="0.1"
              aria-describedby="guidance-hint">
            <p class="hint" id="guidance-hint">1 turns guidance off: twice as fast, prompts count less.</p>
          </div>
          <div class="field">
            <label for="normalize">Guidance keeps its strength</label>
            <select id="normalize" name="cfg_normalize">
              <option value="">As the model does</option><option value="true">Yes</option>
              <option value="false">No</option>
            </select>
          </div>
          <div class="field" id="reuse-field" hidden>
            <label for="reuse">Reuse between steps</label>
            <input id="reuse" name="first_block_cache" type="number" inputmode="decimal" min="0" max="1" step="any"
              placeholder="off" aria-describedby="reuse-hint">
            <p class="hint" id="reuse-hint">Where the model’s first block adds nearly what it added a step before, the
              other blocks are spared. 0.05 to 0.2 are usual: faster, and the layers change a little.</p>
          </div>
          <div class="field">
            <label for="language">Language of the caption</label>
            <select id="language" name="caption_language">
              <option value="">As the model does</option><option value="en">English</option>
              <option value="zh">Chinese</option>
            </select>
          </div>
          <div class="pair">
            <div class="field">
              <label for="generator">Noise of a</label>
              <select id="generator" name="generator">
                <option value="">default</option><option value="cpu">CPU</option>
                <option value="cuda">CUDA device</option>
              </select>
            </div>
            <div class="field">
              <label for="dtype">drawn as</label>
              <select id="dtype" name="dtype">
                <option value="">default</option><option value="float32">float32</option>
                <option value="bfloat16">bfloat16</option>
              </select>
            </div>
          </div>
        </div>
      </details>
    </div>
    <div class="go">
      <button type="submit" class="primary" id="submit" aria-describedby="estimate">Split into layers</button>
      <p class="hint" id="estimate" hidden></p>
    </div>
  </form>

  <section class="stage" aria-labelledby="stage-heading">
    <h2 id="stage-heading" class="unseen" tabindex="-1">The picture</h2>

    <div class="tools" id="tools" hidden>
      <div class="segments" role="radiogroup" aria-label="View">
        <label><input type="radio" name="view" value="blend" checked><span>Blend</span></label>
        <label><input type="radio" name="view" value="compare"><span>Compare</span></label>
        <label><input type="radio" name="view" value="single"><span>One layer</span></label>
      </div>
      <div class="tool-group">
        <label class="unseen" for="backdrop">Behind the layers</label>
        <select id="backdrop">
          <option value="checks">Checkerboard</option>
          <option value="white">White</option>
          <option value="black">Black</option>
          <option value="green">Green</option>
        </select>
        <div class="zoom" role="group" aria-label="Zoom">
          <button type="button" data-zoom="out" aria-label="Zoom out">−</button>
          <button type="button" data-zoom="fit" id="zoom-text" aria-label="Fit the picture in">Fit</button>
          <button type="button" data-zoom="in" aria-label="Zoom in">+</button>
        </div>
      </div>
    </div>

    <div class="view" id="view">
      <div class="empty" id="empty">
        <svg class="empty-art" viewBox="0 0 400 215" aria-hidden="true">
          <g transform="translate(20 62) skewY(-12)">
            <rect width="150" height="150" rx="6" fill="#9fd6e6"/>
            <path d="M0 98c30-14 55-8 80-3s45-9 70 0v49a6 6 0 0 1-6 6H6a6 6 0 0 1-6-6z" fill="#7fb069"/>
            <path d="M0 117c40-9 90 0 150-7v34a6 6 0 0 1-6 6H6a6 6 0 0 1-6-6z" fill="#5f9654"/>
          </g>
          <g transform="translate(122 62) skewY(-12)">
            <rect class="glass" width="150" height="150" rx="6"/>
            <circle cx="118" cy="42" r="16" fill="#f6a623"/>
            <path d="M76 98h60v30H76z" fill="#b5651d"/>
            <path d="M70 76h72l-7 18H77z" fill="#d7263d"/>
            <path d="M84 76h13l-2 18H84zM110 76h13l1 18h-12z" fill="#fff4e0"/>
            <circle cx="38" cy="78" r="9" fill="#8d5524"/>
            <path d="M26 90q12-6 24 0l4 28H22zM28 118h8v24h-8zM40 118h8v24h-8z" fill="#2d6cdf"/>
          </g>
          <g transform="translate(224 62) skewY(-12)">
            <rect class="glass" width="150" height="150" rx="6"/>
            <text x="12" y="32" font-family="DejaVu Sans, Verdana, sans-serif" font-weight="700" font-size="22"
              fill="#d7263d">MARKET</text>
            <text x="12" y="139" font-family="DejaVu Sans, Verdana, sans-serif" font-weight="700" font-size="10.5"
              class="ink">8 to 14 h, Old Square</text>
          </g>
        </svg>
        <p class="empty-title">Every part of a picture on a layer of its own</p>
        <p class="hint">Choose a picture, press <em>Split into layers</em>, then move, hide and blend them here, or take
          them along as a PSD for Photoshop, GIMP or Krita.</p>
        <button type="button" class="secondary" id="example">Try an example picture</button>
      </div>

      <div class="sheet-frame" id="frame" hidden>
        <div class="sheet" id="sheet" data-backdrop="checks">
          <canvas id="canvas" tabindex="0" role="img" aria-label="The picture"
            aria-describedby="canvas-hint"></canvas>
          <div class="original" id="original" hidden></div>
          <div class="divider" id="divider" aria-hidden="true" hidden></div>
          <div class="outline" id="outline" aria-hidden="true" hidden></div>
        </div>
      </div>
      <p class="unseen" id="canvas-hint">Arrow keys move the selected layer by one pixel, with Shift by ten.</p>

      <div class="progress-card" id="progress" hidden>
        <div class="progress-head">
          <strong id="progress-title">Sending</strong>
          <span id="progress-time" class="hint"></span>
        </div>
        <progress id="progress-bar" max="1" aria-labelledby="progress-title"></progress>
        <div class="progress-foot">
          <span id="progress-detail" class="hint"></span>
          <button type="button" class="quiet" id="cancel">Cancel</button>
        </div>
      </div>

      <div class="problem" id="problem" role="alert" tabindex="-1" hidden>
        <h3 id="problem-title"></h3>
        <p id="problem-detail"></p>
        <p id="problem-advice" class="advice"></p>
        <p id="problem-reference" class="hint"></p>
        <div class="row" id="problem-actions"></div>
      </div>
    </div>

    <div class="compare" id="compare" hidden>
      <span aria-hidden="true">Original</span>
      <input type="range" id="split" min="0" max="100" step="0.5" value="50"
        aria-label="How much of the original to show">
      <span aria-hidden="true">Layers</span>
      <output id="difference" class="hint" for="split"></output>
    </div>
    <p class="facts" id="facts" hidden></p>

    <section class="history" id="history" aria-labelledby="history-heading" hidden>
      <h2 id="history-heading">This session</h2>
      <ul id="runs"></ul>
    </section>
  </section>

  <aside class="panel results" id="results" aria-labelledby="layers-heading" hidden>
    <div class="results-head">
      <h2 id="layers-heading">Layers</h2>
      <button type="button" class="quiet" id="undo" aria-keyshortcuts="Control+Z" title="Ctrl+Z">Undo</button>
      <button type="button" class="quiet" id="redo" aria-keyshortcuts="Control+Shift+Z"
        title="Ctrl+Shift+Z">Redo</button>
      <button type="button" class="quiet" id="reset">Reset</button>
    </div>
    <p class="hint touch-hint">Hold a finger on a layer of the picture to move it.</p>
    <ul class="layers" id="layer-list"></ul>
    <section class="save" aria-labelledby="save-heading">
      <h2 id="save-heading">Download</h2>
      <button type="button" class="primary" id="save-psd">PSD, all layers</button>
      <div class="pair">
        <button type="button" class="secondary" id="save-zip">ZIP of PNGs</button>
        <button type="button" class="secondary" id="save-blend">Blend as PNG</button>
      </div>
      <div class="with-button">
        <select id="other-form" aria-label="Another form">
          <option value="ora">OpenRaster (ORA)</option>
          <option value="psb">PSB, a large PSD</option>
          <option value="pptx">PowerPoint slide</option>
          <option value="sheet">Contact sheet (PNG)</option>
        </select>
        <button type="button" class="secondary" id="save-other">Save</button>
      </div>
      <p class="hint">The files hold what you see: hidden, moved, faded, renamed, in your order. In the ZIP,
        manifest.json says so beside the PNGs.</p>
      <p class="field-error" id="save-error" role="alert" hidden></p>
      <button type="button" class="secondary wide" id="again">Again with another seed</button>
    </section>
  </aside>
</main>

<div class="curtain" id="curtain" aria-hidden="true" hidden><p>Drop the picture here</p></div>
<p class="unseen" id="live" role="status" aria-live="polite"></p>

<dialog id="key-dialog" aria-labelledby="key-heading">
  <form method="dialog" id="key-form">
    <h2 id="key-heading">Access key</h2>
    <p id="key-reason">This service asks for a key. Whoever runs it can give you one.</p>
    <label for="key">Key</label>
    <input id="key" name="key" type="password" autocomplete="off" spellcheck="false" required>
    <p class="field-error" id="key-error" role="alert" hidden></p>
    <p class="hint">It stays in this tab and is forgotten when the tab is closed.</p>
    <div class="row end">
      <button type="button" class="quiet" id="key-forget" hidden>Forget it</button>
      <button type="button" class="secondary" id="key-cancel">Cancel</button>
      <button type="submit" class="primary" value="use">Use this key</button>
    </div>
  </form>
</dialog>
</body>
</html>

"""#
        ),
        (
            "/page.css",
            #"""
/* Colours first: everything below uses these names only. */
:root {
  color-scheme: light dark;
  --ground: #f4f4f5;
  --panel: #ffffff;
  --stage: #e8e8e9;
  --line: #dcdce0;
  --control: #ffffff;
  --control-line: #84848a;
  --ink: #1c1d22;
  --soft: #5b5d66;
  --accent: #2f4fd0;
  --accent-strong: #2440b0;
  --on-accent: #ffffff;
  --tint: #e9edfc;
  --danger: #b3261e;
  --danger-tint: #fdecea;
  --good: #16803c;
  --busy: #b26a00;
  --check-a: #ffffff;
  --check-b: #d9d9dc;
  --shadow: 0 1px 2px rgb(20 22 40 / 8%), 0 6px 24px rgb(20 22 40 / 8%);
  --radius: 10px;
}

@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131418;
    --panel: #1b1d22;
    --stage: #0e0f12;
    --line: #2e3139;
    --control: #23262d;
    --control-line: #737884;
    --ink: #eceef2;
    --soft: #a6abb7;
    --accent: #93a8ff;
    --accent-strong: #b1c0ff;
    --on-accent: #10142a;
    --tint: #262d49;
    --danger: #ff9d94;
    --danger-tint: #3a1d1b;
    --good: #62d18a;
    --busy: #f3b35b;
    --check-a: #b4b6bd;
    --check-b: #999ba3;
    --shadow: 0 1px 2px rgb(0 0 0 / 40%), 0 8px 28px rgb(0 0 0 / 45%);
  }
}

*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0;
  min-height: 100vh;
  display: flex;
  flex-direction: column;
  background: var(--ground);
  color: var(--ink);
  font: 15px/1.45 Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
h1, h2, h3, p, ul { margin: 0; padding: 0; }
ul { list-style: none; }
h1 { font-size: 18px; letter-spacing: -.01em; }
h2 { font-size: 14px; font-weight: 650; }
h3 { font-size: 16px; font-weight: 650; }
a { color: var(--accent); }
.unseen {
  position: absolute; width: 1px !important; height: 1px; min-height: 0 !important; margin: -1px; padding: 0;
  overflow: hidden; clip-path: inset(50%); white-space: nowrap; border: 0;
}
.hint { color: var(--soft); font-size: 13px; }
.optional { color: var(--soft); font-weight: 400; font-size: 13px; }
.field-error { color: var(--danger); font-size: 13.5px; overflow-wrap: anywhere; }
.skip { position: absolute; left: 8px; top: -60px; z-index: 20; padding: 8px 14px; background: var(--panel);
  border-radius: 8px; box-shadow: var(--shadow); }
.skip:focus { top: 8px; }

/* Controls */
button, input, select, textarea { font: inherit; color: inherit; }
button, select { cursor: pointer; }
input:not([type="range"], [type="radio"], [type="checkbox"]), select, textarea {
  width: 100%; min-height: 38px; padding: 7px 10px;
  background: var(--control); border: 1px solid var(--control-line); border-radius: 8px;
}
textarea { resize: vertical; min-height: 64px; display: block; }
::placeholder { color: var(--soft); opacity: 1; }
input[type="range"] { width: 100%; min-width: 0; accent-color: var(--accent); height: 24px; margin: 0; }
button {
  min-height: 38px; padding: 7px 14px; border-radius: 8px; border: 1px solid transparent; background: none;
  font-weight: 550; transition: background-color .12s, border-color .12s;
}
.primary { background: var(--accent); color: var(--on-accent); }
.primary:enabled:hover { background: var(--accent-strong); }
.secondary { border-color: var(--control-line); background: var(--control); }
.secondary:enabled:hover { border-color: var(--accent); color: var(--accent); }
.quiet { color: var(--accent); padding-inline: 10px; min-height: 32px; }
.quiet:enabled:hover { background: var(--tint); }
.wide { width: 100%; }
button:disabled { opacity: .55; cursor: default; }
:focus { outline: none; }
:focus-visible, .chips input:focus-visible + span, .segments input:focus-visible + span,
.drop input:focus-visible + label, .eye input:focus-visible + span {
  outline: 2px solid var(--accent); outline-offset: 2px;
}
.row { display: flex; flex-wrap: wrap; gap: 8px; }
.end { justify-content: flex-end; }

/* The bar on top */
.bar { display: flex; align-items: center; gap: 16px; padding: 9px 18px; min-height: 54px;
  background: var(--panel); border-bottom: 1px solid var(--line); }
.brand { display: flex; align-items: center; gap: 10px; flex: 1; min-width: 0; }
.brand img { display: block; }
.claim { color: var(--soft); white-space: nowrap; padding-top: 2px; }
.service { display: flex; align-items: center; gap: 8px; color: var(--soft); font-size: 13px; min-width: 0; }
#service-text { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.dot { width: 9px; height: 9px; border-radius: 50%; background: var(--soft); flex: none; }
.service[data-state="ready"] .dot { background: var(--good); }
.service[data-state="busy"] .dot { background: var(--busy); }
.service[data-state="away"] .dot { background: var(--danger); }
.banner { padding: 9px 18px; background: var(--danger-tint); color: var(--danger); font-size: 14px; }

/* The three columns */
.desk { flex: 1; display: grid; grid-template-columns: 312px minmax(0, 1fr); min-height: 0; }
.desk.has-result { grid-template-columns: 312px minmax(0, 1fr) 312px; }
.panel { background: var(--panel); display: flex; flex-direction: column; min-width: 0; }
/* Of the stage, which is as high as the page: the form beside it may be lower. */
.stage, .results { border-left: 1px solid var(--line); }
@media (min-width: 1000px) {
  body { height: 100vh; height: 100dvh; }
  .desk { overflow: hidden; }
  .settings .fields:first-of-type, .results { overflow-y: auto; }
  .settings { min-height: 0; }
}
.settings > .fields { flex: 1; padding: 18px; }
.fields { display: flex; flex-direction: column; gap: 18px; }
.go { padding: 14px 18px; border-top: 1px solid var(--line); background: var(--panel); }
.go .primary { width: 100%; min-height: 44px; font-weight: 620; }
.go .hint { margin-top: 8px; text-align: center; text-wrap: balance; }
.field { border: 0; margin: 0; padding: 0; min-width: 0; }
.field > label, .field > legend, .custom-size label { display: block; padding: 0; margin-bottom: 6px;
  font-weight: 550; }
.field .hint { margin-top: 6px; }
.hint.under { margin-top: -12px; }
.check { display: flex; gap: 8px; align-items: center; margin: -6px 0 14px; font-size: 14px; cursor: pointer; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; }
.with-button { display: flex; gap: 6px; }
.with-button :is(input, select) { flex: 1; min-width: 0; }
.drop[aria-busy="true"] { cursor: progress; opacity: .6; }
.stepper { display: flex; }
.stepper input { text-align: center; border-radius: 0; -moz-appearance: textfield; appearance: textfield;
  min-width: 0; }
.stepper input::-webkit-inner-spin-button { appearance: none; margin: 0; }
.stepper button { flex: none; width: 36px; padding: 0; border: 1px solid var(--control-line);
  background: var(--control); }
.stepper button:first-child { border-radius: 8px 0 0 8px; border-right: 0; }
.stepper button:last-child { border-radius: 0 8px 8px 0; border-left: 0; }
.stepper button:hover { background: var(--tint); }
.stepper input:focus-visible { position: relative; outline-offset: 0; }
.chips { display: flex; flex-wrap: wrap; gap: 6px; }
.chips input, .segments input, .eye input { position: absolute; opacity: 0; width: 1px; height: 1px; min-height: 0; }
.chips label { position: relative; flex: 1 1 auto; }
.chips span { display: block; text-align: center; padding: 7px 10px; border: 1px solid var(--control-line);
  border-radius: 8px;
  background: var(--control); cursor: pointer; }
.chips span:hover { border-color: var(--accent); }
.chips input:checked + span { background: var(--tint); border-color: var(--accent); color: var(--accent-strong);
  box-shadow: inset 0 0 0 1px var(--accent); font-weight: 550; }
.custom-size { margin-top: 12px; }
.advanced summary { cursor: pointer; font-weight: 550; padding: 4px 0; border-radius: 6px; }
.advanced .fields { padding-top: 14px; }

.drop label { display: flex; flex-direction: column; align-items: center; gap: 10px; padding: 22px 14px;
  cursor: pointer;
  border: 1.5px dashed var(--control-line); border-radius: var(--radius); text-align: center; }
.drop label:hover { border-color: var(--accent); background: var(--tint); }
.drop-words { display: flex; flex-direction: column; gap: 2px; min-width: 0; max-width: 100%; }
.drop-words strong { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.drop-picture { display: block; width: 40px; height: 40px; border-radius: 8px;
  background: var(--tint) center / contain no-repeat; }
.drop-picture::before { content: "+"; display: block; text-align: center; font-size: 24px; line-height: 38px;
  color: var(--accent); }
.drop.is-filled label { flex-direction: row; text-align: left; border-style: solid; border-color: var(--line);
  padding: 10px; }
.drop.is-filled .drop-picture { width: 68px; height: 68px; flex: none; background-color: var(--check-a); }
.drop.is-filled .drop-picture::before { content: none; }

/* The stage */
.stage { display: flex; flex-direction: column; min-width: 0; min-height: 0; background: var(--stage); }
.tools { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 8px 14px;
  padding: 10px 16px; }
.tool-group { display: flex; gap: 10px; align-items: center; }
.tool-group select { width: auto; min-height: 36px; padding: 5px 8px; }
.segments, .zoom { display: inline-flex; padding: 2px; border-radius: 9px; background: var(--control);
  border: 1px solid var(--line); }
.segments label { position: relative; }
.segments span { display: block; padding: 5px 13px; border-radius: 7px; cursor: pointer; }
.segments span:hover { color: var(--accent); }
.segments input:checked + span { background: var(--accent); color: var(--on-accent); font-weight: 550; }
.segments input:disabled + span { opacity: .45; cursor: default; color: inherit; }
.zoom button { min-height: 30px; min-width: 32px; padding: 0 8px; font-variant-numeric: tabular-nums; }
.zoom button:hover { background: var(--tint); }
#zoom-text { min-width: 58px; }

.view { position: relative; flex: 1; min-height: 300px; display: flex; overflow: hidden; }
.empty { margin: auto; padding: 28px 24px; text-align: center; max-width: 560px; }
.empty-art { width: min(400px, 92%); height: auto; overflow: visible; }
.glass { fill: var(--panel); fill-opacity: .55; stroke: var(--control-line); stroke-dasharray: 4 4; }
.ink { fill: var(--ink); }
.empty-title { font-size: 21px; font-weight: 650; letter-spacing: -.015em; line-height: 1.25; margin: 8px 0 8px;
  text-wrap: balance; }
.empty .hint { text-wrap: balance; }
.empty .secondary { margin-top: 20px; }
.sheet-frame { position: absolute; inset: 0; overflow: auto; display: flex; padding: 16px;
  overscroll-behavior: contain auto; }
.sheet { position: relative; margin: auto; flex: none; box-shadow: var(--shadow); }
.sheet[data-backdrop="checks"], .checks {
  background: conic-gradient(var(--check-b) 25%, var(--check-a) 0 50%, var(--check-b) 0 75%, var(--check-a) 0)
    0 0 / 20px 20px;
}
.sheet[data-backdrop="white"] { background: #ffffff; }
.sheet[data-backdrop="black"] { background: #000000; }
.sheet[data-backdrop="green"] { background: #00b140; }
.sheet canvas { display: block; width: 100%; height: 100%; }
.sheet.is-sharp canvas { image-rendering: pixelated; }
/* A finger scrolls and zooms the page here too; only one that rests on a layer first moves it. */
.sheet canvas { touch-action: manipulation; user-select: none; -webkit-touch-callout: none; }
.sheet.is-movable canvas { cursor: move; }
.sheet.is-comparing canvas { cursor: ew-resize; touch-action: pan-y pinch-zoom; }
.sheet.is-waiting::after { content: ""; position: absolute; inset: 0; background: var(--stage); opacity: .6; }
.original { position: absolute; inset: 0; pointer-events: none;
  clip-path: inset(0 calc(100% - var(--split, 50%)) 0 0); }
.original canvas { width: 100%; height: 100%; }
.divider { position: absolute; top: 0; bottom: 0; left: var(--split, 50%); width: 2px; margin-left: -1px;
  background: #ffffff;
  box-shadow: 0 0 0 1px rgb(0 0 0 / 45%); pointer-events: none; }
.divider::after { content: "\2194"; position: absolute; top: 50%; left: 50%; width: 34px; height: 34px;
  margin: -17px; display: grid;
  place-items: center; border-radius: 50%; background: #ffffff; color: #1c1d22;
  box-shadow: 0 1px 6px rgb(0 0 0 / 40%);
  font-size: 18px; }
.outline { position: absolute; pointer-events: none; border: 1px dashed #ffffff;
  outline: 1px dashed #1c1d22; }
.sheet.is-held .outline { border: 2px solid var(--accent); outline: 1px solid #ffffff; }

.progress-card, .problem { position: absolute; left: 50%; bottom: 22px; transform: translateX(-50%);
  width: min(440px, calc(100% - 32px));
  padding: 16px 18px; border-radius: 14px; background: var(--panel); box-shadow: var(--shadow);
  border: 1px solid var(--line); }
.progress-head, .progress-foot { display: flex; justify-content: space-between; align-items: center; gap: 12px; }
.progress-head { flex-wrap: wrap; row-gap: 2px; }
.progress-foot { margin: 4px -6px -6px 0; min-height: 32px; }
progress { appearance: none; width: 100%; height: 8px; margin: 10px 0 0; border: 0; border-radius: 4px;
  overflow: hidden; background: var(--line);
  display: block; }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--accent); border-radius: 4px; transition: width .3s; }
progress::-moz-progress-bar { background: var(--accent); border-radius: 4px; }
progress:indeterminate {
  background: linear-gradient(90deg, var(--line) 30%, var(--accent) 50%, var(--line) 70%) 0 0 / 250% 100%;
  animation: slide 1.6s linear infinite; }
progress:indeterminate::-webkit-progress-bar { background: transparent; }
progress:indeterminate::-moz-progress-bar { background: transparent; }
@keyframes slide { from { background-position: 125% 0; } to { background-position: -125% 0; } }
.problem { bottom: auto; top: 50%; transform: translate(-50%, -50%); overflow-wrap: anywhere; display: grid; gap: 8px;
  width: min(500px, calc(100% - 32px)); max-height: calc(100% - 24px); overflow: auto; padding: 20px 22px; }
.problem h3::before { content: "!"; display: inline-grid; place-items: center; width: 24px; height: 24px;
  margin-right: 10px;
  border-radius: 50%; background: var(--danger); color: var(--panel); font-size: 15px; font-weight: 700; }
.problem.is-calm h3::before { content: none; }
.problem .row { margin-top: 6px; }

.compare { display: flex; align-items: center; gap: 12px; padding: 6px 18px 8px; font-size: 13px; flex-wrap: wrap; }
.compare input { flex: 1 1 160px; }
.compare output { flex-basis: 100%; text-align: center; }
.facts { padding: 4px 18px 12px; color: var(--soft); font-size: 13px; text-align: center; overflow-wrap: anywhere; }
.facts button { min-height: 26px; padding: 0 6px; font-size: 13px; }

.history { padding: 10px 16px 14px; border-top: 1px solid var(--line); background: var(--ground); }
.history h2 { color: var(--soft); margin-bottom: 8px; }
.history ul { display: flex; gap: 8px; overflow-x: auto; padding: 3px 3px 6px; margin: -3px; }
.run { display: flex; align-items: center; gap: 10px; padding: 6px 12px 6px 6px; min-height: 56px;
  text-align: left; white-space: nowrap;
  background: var(--panel); border: 1px solid var(--line); font-weight: 400; font-size: 13px; line-height: 1.3; }
.run:hover { border-color: var(--accent); }
.run[aria-current="true"] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
.run .thumb { width: 44px; height: 44px; }
.run strong { display: block; font-weight: 580; max-width: 150px; overflow: hidden; text-overflow: ellipsis; }
.thumb { flex: none; width: 48px; height: 48px; border-radius: 6px; overflow: hidden; display: block;
  background-size: 10px 10px; }
.thumb canvas, .thumb img { width: 100%; height: 100%; object-fit: contain; display: block; }

/* Layers */
.results-head { display: flex; align-items: center; padding: 12px 10px 6px 18px; }
.results-head h2 { flex: 1; }
.touch-hint { display: none; padding: 0 18px 8px; }
@media (any-pointer: coarse) { .touch-hint { display: block; } }
.layers { padding: 0 8px; }
.layer { border-radius: var(--radius); }
.layer.is-selected { background: var(--tint); }
/* What was split again stands under its name, further in. */
.layer, .group { margin-left: calc(16px * var(--depth, 0)); }
.group { display: flex; align-items: center; gap: 10px; padding: 6px 10px 2px; }
.group-name { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.group-name::before { content: "▾ "; }
.group input { flex: none; width: 84px; }
.layer-row { display: flex; align-items: center; }
.eye { position: relative; flex: none; cursor: pointer; }
.eye span { display: grid; place-items: center; width: 36px; height: 44px; border-radius: 8px; }
.eye span::before { content: ""; width: 20px; height: 20px; background: currentColor;
  mask: url(page/eye.svg) center / contain no-repeat; }
.eye input:not(:checked) + span { color: var(--soft); }
.eye input:not(:checked) + span::before { mask-image: url(page/eye-closed.svg); opacity: .7; }
.eye:hover span { color: var(--accent); }
.layer-pick { flex: 1; min-width: 0; display: flex; align-items: center; gap: 12px; padding: 6px 8px 6px 2px;
  text-align: left; font-weight: 400; }
.layer-pick:hover .layer-name { color: var(--accent); }
.layer-words { min-width: 0; }
.layer-name { display: block; font-weight: 550; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.layer.is-hidden .thumb { opacity: .5; }
.layer.is-hidden .layer-name { color: var(--soft); font-weight: 400; }
.layer-more { padding: 2px 12px 12px 14px; display: grid; gap: 8px; }
.layer-more .line { display: grid; grid-template-columns: 62px 1fr 46px; align-items: center; gap: 8px;
  font-size: 13px; }
.layer-more output { text-align: right; font-variant-numeric: tabular-nums; }
.layer-more .place { display: grid; grid-template-columns: 62px 1fr 1fr 32px 32px; gap: 6px; align-items: center;
  font-size: 13px; }
.layer-more .place label { display: flex; align-items: center; gap: 6px; }
.layer-more input:is([type="number"], [type="text"]) { min-height: 32px; padding: 3px 6px; }
.layer-more .line input[type="text"] { grid-column: span 2; }
.layer-more .place button { min-height: 32px; padding: 0; }
.layer-more .row button { min-height: 32px; padding: 4px 10px; font-size: 13.5px; flex: 1 1 auto; }
.save { padding: 16px 18px 20px; margin-top: 10px; border-top: 1px solid var(--line); display: grid; gap: 10px; }
.save .primary { min-height: 42px; }
.save .pair { gap: 10px; }
.save .pair button { padding-inline: 6px; }
.save button[aria-busy="true"] { cursor: progress; opacity: .7; }

/* Above everything */
.curtain { position: fixed; inset: 0; z-index: 30; display: grid; place-items: center;
  background: rgb(20 24 50 / 72%); color: #ffffff;
  font-size: 22px; font-weight: 600; pointer-events: none; }
.curtain p { margin: 16px; padding: 34px min(54px, 8vw); border: 2px dashed #ffffff; border-radius: 18px;
  text-align: center; }
dialog { width: min(420px, calc(100vw - 32px)); padding: 22px; border: 1px solid var(--line); border-radius: 14px;
  background: var(--panel); color: inherit; box-shadow: var(--shadow); }
dialog::backdrop { background: rgb(10 12 24 / 55%); }
dialog form { display: grid; gap: 10px; }
dialog h2 { font-size: 18px; }
dialog label { font-weight: 550; margin-bottom: -4px; }
dialog .row { margin-top: 8px; }

@media (max-width: 1250px) {
  .desk, .desk.has-result { grid-template-columns: 290px minmax(0, 1fr); }
  .desk.has-result .settings { grid-row: span 2; }
  .results { border-top: 1px solid var(--line); }
}
@media (min-width: 1000px) and (max-width: 1250px) {
  .desk { overflow: visible; min-height: 0; }
  body { height: auto; min-height: 100dvh; }
  .view { min-height: 62vh; }
}
@media (min-width: 701px) and (max-width: 1250px) {
  .settings { align-self: start; position: sticky; top: 0; max-height: 100vh; max-height: 100dvh; }
  .settings > .fields { overflow-y: auto; }
  /* Above the panel's foot while the bar still stands above the panel. */
  .go { position: sticky; bottom: 0; z-index: 5; }
  .desk { background: var(--panel); }
}
@media (min-width: 701px) and (max-width: 999px) {
  .view.is-filled { min-height: clamp(300px, calc((100vw - 322px) / var(--aspect, 1) + 32px), 62vh); }
}
@media (min-width: 951px) and (max-width: 1250px) {
  .results { display: grid; grid-template-columns: minmax(0, 1fr) 300px; align-items: start; }
  .results-head, .touch-hint, .layers { grid-column: 1; }
  .save { grid-column: 2; grid-row: 1 / span 3; border-top: 0; margin-top: 0; }
}
@media (max-width: 700px) {
  .desk, .desk.has-result { display: flex; flex-direction: column; }
  .settings, .stage, .results { border: 0; }
  .claim { display: none; }
  .bar { padding-inline: 14px; }
  .settings > .fields { padding: 14px; }
  .go { position: sticky; bottom: 0; z-index: 5; padding: 10px 14px; }
  .view { flex: none; min-height: 320px; }
  .view.is-filled { height: min(74vh, calc((100vw - 20px) / var(--aspect, 1) + 20px)); }
  .sheet-frame { padding: 10px; }
  .tools { padding: 8px 10px; }
  .empty { padding-block: 36px; }
  button, .quiet, .segments span, .zoom button, .layer-more :is(.row, .place) button { min-height: 42px; }
  .segments span { padding-top: 9px; }
  input:not([type="range"], [type="radio"], [type="checkbox"]), select, textarea { font-size: 16px; }
  .layer-more input:is([type="number"], [type="text"]) { min-height: 40px; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { transition: none !important; scroll-behavior: auto !important; }
  progress:indeterminate { animation: none; background: var(--tint); }
}
@media (forced-colors: active) {
  .chips input:checked + span, .segments input:checked + span { outline: 2px solid Highlight; }
  .eye span::before { background: CanvasText; forced-color-adjust: none; }
}

"""#
        ),
        (
            "/page.js",
            #"""
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

"""#
        ),
        (
            "/page/downloads.js",
            #"""
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

"""#
        ),
        (
            "/page/edits.js",
            #"""
/** Steps that can be taken back; older ones stay as they are. */
const mostSteps = 100;
/** Changes of the same thing that follow each other so closely are one step. */
const pauseMilliseconds = 800;

/** True if the layers are not shown as they were made. */
export const isEdited = (layers) => layers.some((layer) => layer.isChanged)
  || layers.some((layer, place) => place > 0 && layers[place - 1].index > layer.index);

/** How layers are shown, bottom first, as plain data. */
export const arrangementOf = (layers) => layers.map((layer) => ({ index: layer.index, ...layer.shown }));

/** Shows layers as an arrangement says, in its order; one of other layers says nothing. */
export function arrange(layers, arrangement) {
  const known = new Map(layers.map((layer) => [layer.index, layer]));
  const named = new Set(arrangement?.map(({ index }) => index));
  if (arrangement?.length !== layers.length || named.size !== layers.length) return;
  if (![...named].every((index) => known.has(index))) return;
  layers.splice(0, layers.length, ...arrangement.map(({ index, ...shown }) => Object.assign(known.get(index), shown)));
}

/**
 * An arrangement once layer `index` is `count` layers, which are where it was and are shown as it was: their group has
 * its opacity, since of layers that are seen through one would see the other.
 */
export const arrangementAfterSplit = (arrangement, index, count) => arrangement.flatMap((place) => {
  if (place.index !== index) return [{ ...place, index: place.index + (place.index > index ? count - 1 : 0) }];
  const { name, opacity, fades = [], ...shown } = place;
  return Array.from({ length: count }, (_, above) => (
    { ...shown, opacity: 1, fades: [...fades, opacity], index: index + above }));
});

/**
 * Layers, bottom first, as those of no group below `depth`, and as `{name, fade, layers}` those of one, whose opacity
 * is `fade`. Those of a group are neighbours, so a layer in between makes two groups of it.
 */
export function grouped(layers, depth = 0) {
  const found = [];
  for (const layer of layers) {
    const name = layer.groups[depth];
    const fade = layer.fades[depth] ?? 1;
    const last = found.at(-1);
    if (name === undefined) found.push(layer);
    else if (last?.layers && last.name === name && last.fade === fade) last.layers.push(layer);
    else found.push({ name, fade, layers: [layer] });
  }
  return found;
}

/** What somebody did to the layers of a run, to be taken back and done again. */
export class Edits {
  /** @param {Layer[]} layers bottom first; taking back changes this very array. */
  constructor(layers) {
    this.layers = layers;
    this.states = [this.#state()];
    this.place = 0;
    this.last = { what: null, at: 0 };
  }

  get canUndo() { return this.place > 0; }
  get canRedo() { return this.place < this.states.length - 1; }

  /** Takes note that something was changed, if it was. `what` names it; null is always a step of its own. */
  note(what = null) {
    const now = performance.now();
    const state = this.#state();
    if (JSON.stringify(state.map(plain)) === JSON.stringify(this.states[this.place].map(plain))) return;
    const goesOn = what !== null && what === this.last.what && now - this.last.at < pauseMilliseconds && this.canUndo;
    this.states.length = this.place + (goesOn ? 0 : 1);
    this.states.push(state);
    if (this.states.length > mostSteps + 1) this.states.shift();
    this.place = this.states.length - 1;
    this.last = { what, at: now };
  }

  undo() { if (this.canUndo) this.#restore(this.place - 1); }
  redo() { if (this.canRedo) this.#restore(this.place + 1); }

  #state() {
    return this.layers.map((layer) => ({ layer, shown: layer.shown }));
  }

  #restore(place) {
    this.place = place;
    this.last.what = null;
    const state = this.states[place];
    this.layers.splice(0, this.layers.length, ...state.map(({ layer }) => layer));
    for (const { layer, shown } of state) Object.assign(layer, shown);
  }
}

const plain = ({ layer, shown }) => [layer.index, shown];

"""#
        ),
        (
            "/page/estimate.js",
            #"""
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

"""#
        ),
        (
            "/page/example.svg",
            #"""
<svg xmlns="http://www.w3.org/2000/svg" width="640" height="640" viewBox="0 0 640 640">
  <title>Open-air market: a poster of the project's own, drawn for its examples</title>
  <defs>
    <linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
      <stop offset="0" stop-color="#8fd3e8"/><stop offset="0.62" stop-color="#f7e7bd"/><stop offset="1" stop-color="#f2c27d"/>
    </linearGradient>
  </defs>
  <rect width="640" height="640" fill="url(#sky)"/>
  <path d="M0 430 C120 370 230 400 330 420 S540 380 640 415 V640 H0 Z" fill="#7fb069"/>
  <path d="M0 500 C160 460 360 500 640 470 V640 H0 Z" fill="#5f9654"/>
  <circle cx="510" cy="190" r="66" fill="#f6a623"/>
  <!-- two people at a stall -->
  <g>
    <rect x="330" y="420" width="250" height="120" rx="6" fill="#b5651d"/>
    <path d="M310 330 H600 L575 400 H335 Z" fill="#d7263d"/>
    <path d="M358 330 h48 l-6 70 h-46 z M454 330 h48 l4 70 h-46 z M550 330 h50 l-25 70 h-22 z" fill="#fff4e0"/>
    <rect x="338" y="400" width="10" height="130" fill="#7a4419"/><rect x="562" y="400" width="10" height="130" fill="#7a4419"/>
    <circle cx="380" cy="412" r="16" fill="#f25f5c"/><circle cx="412" cy="410" r="17" fill="#ffe066"/>
    <circle cx="446" cy="412" r="16" fill="#70c1b3"/><circle cx="480" cy="410" r="17" fill="#f25f5c"/><circle cx="514" cy="412" r="16" fill="#ffe066"/>
  </g>
  <g>
    <circle cx="170" cy="330" r="36" fill="#8d5524"/>
    <path d="M134 326 a36 36 0 0 1 72 0 q-36 -22 -72 0z" fill="#2b2d42"/>
    <path d="M118 372 q52 -24 104 0 l14 118 h-132 z" fill="#2d6cdf"/>
    <path d="M214 384 l66 40 l-10 18 l-62 -30 z" fill="#8d5524"/>
    <rect x="128" y="488" width="36" height="104" fill="#22304a"/><rect x="178" y="488" width="36" height="104" fill="#22304a"/>
    <rect x="262" y="412" width="52" height="46" rx="8" fill="#e09f3e"/><path d="M270 412 q18 -30 36 0" fill="none" stroke="#9e6b1f" stroke-width="6"/>
  </g>
  <!-- text -->
  <text x="40" y="118" font-family="DejaVu Sans, Verdana, sans-serif" font-weight="bold" font-size="84" fill="#22304a">MARKET</text>
  <text x="44" y="176" font-family="DejaVu Sans, Verdana, sans-serif" font-weight="bold" font-size="44" fill="#d7263d">every Saturday</text>
  <text x="320" y="618" text-anchor="middle" font-family="DejaVu Sans, Verdana, sans-serif" font-weight="bold" font-size="34" fill="#ffffff">8 to 14 h, Old Square</text>
</svg>

"""#
        ),
        (
            "/page/eye-closed.svg",
            #"""
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20" fill="none"
  stroke="#000" stroke-width="1.6" stroke-linecap="round">
  <path d="M2 8.5c1.9 3 4.7 4.7 8 4.7s6.1-1.7 8-4.7M4.3 11.2l-1.5 2M10 13.2v2.6M15.7 11.2l1.5 2"/>
</svg>

"""#
        ),
        (
            "/page/eye.svg",
            #"""
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20" fill="none"
  stroke="#000" stroke-width="1.6">
  <path d="M1.6 10C3.4 6.6 6.4 4.6 10 4.6s6.6 2 8.4 5.4c-1.8 3.4-4.8 5.4-8.4 5.4S3.4 13.4 1.6 10Z" stroke-linejoin="round"/>
  <circle cx="10" cy="10" r="2.6"/>
</svg>

"""#
        ),
        (
            "/page/history.js",
            #"""
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

"""#
        ),
        (
            "/page/icon.svg",
            #"""
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
  <title>Mica</title>
  <path d="M16 15.5 30 22.5 16 29.5 2 22.5Z" fill="#2f4fd0"/>
  <path d="M16 9 30 16 16 23 2 16Z" fill="#13a89e" fill-opacity=".88"/>
  <path d="M16 2.5 30 9.5 16 16.5 2 9.5Z" fill="#f6a623" fill-opacity=".92"/>
</svg>

"""#
        ),
        (
            "/page/layers.js",
            #"""
import { grouped, isEdited } from './edits.js';
import { byId, make, say } from './markup.js';

const thumbSide = 96;

/** So many characters are within what files may call a layer, whatever the script. */
const longestName = 80;

/**
 * The list of layers, uppermost first, with a line above those of a group, which has its opacity. Says `select` and
 * `change` (of how a layer is shown), and `save` and `split` when somebody wants a layer as a file or split again;
 * `detail` is the layer. Says `edit` when a change is complete; `detail` is what was changed, or null.
 */
export class LayerList extends EventTarget {
  constructor() {
    super();
    this.list = byId('layer-list');
    this.rows = new Map();
    this.selected = null;
    byId('reset').addEventListener('click', () => {
      for (const layer of this.layers) layer.reset();
      this.layers.sort((one, other) => one.index - other.index);
      this.#arrange();
      this.#tell('change', null);
      this.#tell('edit', null);
    });
  }

  /** Shows layers, bottom first; moving one changes their order in this very array. */
  show(layers) {
    this.layers = layers;
    this.selected = null;
    this.rows = new Map(layers.map((layer) => [layer, this.#row(layer)]));
    this.#arrange();
  }

  /** Shows the layers after they and their order were changed elsewhere. */
  refresh() {
    const focused = document.activeElement;
    this.#arrange();
    // Rows are taken out and put in again, lines of groups are made anew.
    const again = this.list.contains(focused) || !focused.id ? focused : byId(focused.id);
    if (this.list.contains(again)) again.focus({ preventScroll: true });
  }

  /** Puts the rows into the order of the layers. */
  #arrange() {
    this.list.replaceChildren(...this.#lines(this.layers, 0));
    this.update();
  }

  #lines(layers, depth) {
    return grouped(layers, depth).reverse().flatMap((one) => (one.layers
      ? [this.#heading(one, depth), ...this.#lines(one.layers, depth + 1)] : [this.rows.get(one).item]));
  }

  /** The line above a group's layers. */
  #heading({ name, fade, layers }, depth) {
    const what = `fade ${depth} ${layers[0].index}`;
    const opacity = make('input', {
      type: 'range', min: 0, max: 100, value: Math.round(fade * 100), id: what.replaceAll(' ', '-'), title: 'Opacity',
      'aria-label': `Opacity of the group ${name}`,
      oninput: () => {
        for (const layer of layers) fadeAt(layer, depth, opacity.value / 100);
        this.update();
        this.#tell('change', null);
      },
      onchange: () => this.#tell('edit', what),
    });
    const item = make('li', { className: 'group hint' },
      make('span', { className: 'group-name', textContent: name }), opacity);
    item.style.setProperty('--depth', depth);
    return item;
  }

  /** Moves a layer by so many places, upwards if positive. */
  #move(layer, places, button) {
    const from = this.layers.indexOf(layer);
    const to = from + places;
    if (to < 0 || to >= this.layers.length) return;
    this.layers.splice(from, 1);
    this.layers.splice(to, 0, layer);
    this.#arrange();
    // The row was taken out and put in again; at the end of the list the other button goes on.
    const { up, down } = this.rows.get(layer);
    (button.disabled ? [up, down].find((one) => one !== button) : button).focus();
    this.#tell('change', layer);
    this.#tell('edit', null);
    say(`${layer.name}: place ${to + 1} of ${this.layers.length} from below`);
  }

  select(layer) {
    this.selected = layer;
    this.update();
    // Where the list does not scroll by itself, the picture would go out of sight.
    const panel = byId('results');
    if (layer && panel.scrollHeight > panel.clientHeight) {
      this.rows.get(layer)?.item.scrollIntoView({ block: 'nearest' });
    }
  }

  /** Puts the keyboard where the selected layer is. */
  focus() { this.rows.get(this.selected)?.pick.focus({ preventScroll: true }); }

  /** Shows the layers' state. */
  update() {
    for (const [layer, row] of this.rows) {
      const isSelected = layer === this.selected;
      row.item.classList.toggle('is-selected', isSelected);
      row.item.classList.toggle('is-hidden', !layer.isVisible);
      row.pick.setAttribute('aria-expanded', String(isSelected));
      row.more.hidden = !isSelected;
      row.eye.checked = layer.isVisible;
      row.eye.setAttribute('aria-label', `Show ${layer.name}`);
      row.title.textContent = layer.name;
      if (document.activeElement !== row.name) row.name.value = layer.name;
      row.opacity.value = Math.round(layer.opacity * 100);
      row.percent.textContent = `${Math.round(layer.opacity * 100)} %`;
      row.up.disabled = layer === this.layers.at(-1);
      row.down.disabled = layer === this.layers[0];
      if (document.activeElement !== row.x || !isSelected) row.x.value = layer.x;
      if (document.activeElement !== row.y || !isSelected) row.y.value = layer.y;
    }
    byId('reset').disabled = !isEdited(this.layers);
  }

  #row(layer) {
    const change = () => {
      this.update();
      this.#tell('change', layer);
    };
    const id = `layer-${layer.index}`;
    const edited = (what) => () => this.#tell('edit', `${what} ${layer.index}`);
    const eye = make('input', {
      type: 'checkbox', onchange: () => { layer.isVisible = eye.checked; change(); this.#tell('edit', null); },
    });
    const { title, name } = this.#name(layer, id, change);
    const size = layer.box ? `${layer.box.width} × ${layer.box.height}` : 'empty';
    const pick = make('button', {
      type: 'button', className: 'layer-pick', 'aria-controls': id,
      onclick: () => this.#tell('select', this.selected === layer ? null : layer),
      ondblclick: () => this.#rename(layer), onkeydown: (event) => event.key === 'F2' && this.#rename(layer),
    },
    make('span', { className: 'thumb checks' }, thumb(layer)),
    make('span', { className: 'layer-words' },
      title,
      make('span', { className: 'hint', textContent: size })));
    const opacity = make('input', {
      type: 'range', min: 0, max: 100, id: `${id}-opacity`,
      oninput: () => { layer.opacity = opacity.value / 100; change(); }, onchange: edited('opacity'),
    });
    const percent = make('output', {});
    percent.htmlFor = opacity.id;
    const place = (axis, words) => make('input', {
      type: 'number', step: 1, 'aria-label': words,
      oninput: ({ target }) => {
        if (Number.isNaN(target.valueAsNumber)) return;
        layer[axis] = Math.round(Math.min(1e4, Math.max(-1e4, target.valueAsNumber)));
        change();
      },
      onchange: ({ target }) => { target.value = layer[axis]; edited(axis)(); },
      // Text that is no number is no change.
      onblur: ({ target }) => { target.value = layer[axis]; },
    });
    const x = place('x', 'Moved right by pixels');
    const y = place('y', 'Moved down by pixels');
    const order = (text, words, places) => {
      const button = make('button', {
        type: 'button', className: 'secondary', textContent: text, 'aria-label': words,
        onclick: () => this.#move(layer, places, button),
      });
      return button;
    };
    const up = order('↑', 'Move above the next layer', 1);
    const down = order('↓', 'Move below the layer beneath', -1);
    const action = (text, wish, disabled = false) => make('button', {
      type: 'button', className: 'secondary', textContent: text, disabled,
      // A double click wants it once.
      onclick: (event) => event.detail < 2 && this.#tell(wish, layer),
    });
    const more = make('div', { className: 'layer-more', id },
      make('div', { className: 'line' }, make('label', { htmlFor: name.id, textContent: 'Name' }), name),
      make('div', { className: 'line' },
        make('label', { htmlFor: opacity.id, textContent: 'Opacity' }), opacity, percent),
      make('div', { className: 'place' }, make('span', { textContent: 'Moved' }),
        make('label', {}, 'x', x), make('label', {}, 'y', y), up, down),
      make('div', { className: 'row' }, action('View alone', 'alone'), action('Save PNG', 'save'),
        action('Split it again', 'split', !layer.box)));
    const item = make('li', { className: 'layer' },
      make('div', { className: 'layer-row' }, make('label', { className: 'eye' }, eye, make('span')), pick), more);
    item.style.setProperty('--depth', layer.groups.length);
    return { item, pick, more, eye, title, name, opacity, percent, x, y, up, down };
  }

  /** The layer's name, and the field that changes it. */
  #name(layer, id, change) {
    const name = make('input', {
      type: 'text', id: `${id}-name`, maxLength: longestName, autocomplete: 'off',
      onchange: () => {
        layer.name = name.value.trim() || layer.madeName;
        name.value = layer.name;
        change();
        this.#tell('edit', null);
      },
      onkeydown: (event) => {
        if (!['Enter', 'Escape'].includes(event.key)) return;
        // Else the key would press the button that the keyboard goes to.
        event.preventDefault();
        if (event.key === 'Escape') name.value = layer.name;
        this.rows.get(layer).pick.focus();
      },
    });
    return { title: make('span', { className: 'layer-name' }), name };
  }

  /** Puts the keyboard into a layer's name. */
  #rename(layer) {
    if (this.selected !== layer) this.#tell('select', layer);
    const { name } = this.rows.get(layer);
    name.focus();
    name.select();
  }

  #tell(name, layer) {
    this.dispatchEvent(new CustomEvent(name, { detail: layer }));
  }
}

/** Gives the group at `depth` around a layer an opacity. */
function fadeAt(layer, depth, fade) {
  layer.fades = layer.groups.map((name, level) => (level === depth ? fade : layer.fades[level] ?? 1));
}

function thumb(layer) {
  const { width, height } = layer.bitmap;
  const scale = Math.min(1, thumbSide / Math.max(width, height));
  const canvas = make('canvas', { width: Math.max(1, width * scale), height: Math.max(1, height * scale) });
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(layer.bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

"""#
        ),
        (
            "/page/limits.js",
            #"""
import { Problem } from './problem.js';

/** The most that the service takes of a picture, as far as it is known. */
export const limitsOf = (model) => ({ upload_bytes: Infinity, pixels: Infinity, side: Infinity, ...model?.limits });

/** What the service would say after the upload of a picture is told before it; null if it takes the picture. */
export function tooLarge({ file, width, height }, { upload_bytes: bytes, pixels, side }) {
  const refuse = (title, detail) => new Problem({ status: 413, title, detail });
  if (Math.max(width, height) > side) {
    return refuse('A side of the picture is too long',
      `It has ${width} × ${height} pixels. This service takes up to ${side} on a side.`);
  }
  if (width * height > pixels) {
    return refuse('The picture has too many pixels',
      `It has ${width} × ${height}. This service takes up to ${Math.floor(pixels / 1e6)} million.`);
  }
  if (file.size > bytes) {
    return refuse('The file is too large', `It has ${(file.size / 1e6).toFixed(1)} MB. This service takes up to `
      + `${Math.floor(bytes / 1e6)} MB.`);
  }
  return null;
}

"""#
        ),
        (
            "/page/markup.js",
            #"""
/** Makes an element: `make('p', {className: 'hint'}, 'words', otherElement)`. Names with a dash become attributes. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-')) element.setAttribute(name, value);
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Says something to who listens to the page instead of looking at it. */
export function say(words) {
  const live = byId('live');
  if (live.textContent !== words) live.textContent = words;
}

/** `75` as "1 min 15 s". */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

"""#
        ),
        (
            "/page/picture.js",
            #"""
import { Problem } from './problem.js';
import * as service from './service.js';

/** What the service reads; anything else that this browser can show is turned into PNG first. */
const readable = [
  { type: 'image/png', begins: [0x89, 0x50, 0x4e, 0x47] },
  { type: 'image/jpeg', begins: [0xff, 0xd8, 0xff] },
  { type: 'image/webp', begins: [0x52, 0x49, 0x46, 0x46], then: [8, 0x57, 0x45, 0x42, 0x50] },
];
/** Files of layers, which the service makes one picture of: PSD, PSB, and in a ZIP OpenRaster and its own results. */
const layered = [[0x38, 0x42, 0x50, 0x53], [0x50, 0x4b, 0x03, 0x04]];
const thumbSide = 144;
/** So far into a file it is looked whether it is an animation. */
const headBytes = 65_536;

/** A picture that somebody chose: the file to send and a bitmap to show. */
export class Picture {
  /**
   * Reads a file. `bitmap` is null if only the service may be able to read it.
   * Throws a `Problem` if it is no picture at all.
   */
  static async of(file, name = file.name || 'picture.png') {
    const head = new Uint8Array(await file.slice(0, headBytes).arrayBuffer());
    if (!head.length) {
      throw new Problem({ status: 400, title: 'The file is empty', detail: `“${name}” has no bytes.` });
    }
    const isReadable = readable.some(({ begins, then }) =>
      begins.every((byte, index) => head[index] === byte)
      && (!then || then.slice(1).every((byte, index) => head[then[0] + index] === byte)));
    if (layered.some((begins) => begins.every((byte, index) => head[index] === byte))) {
      const flat = await service.recompose(file.slice(0, file.size, 'application/octet-stream'), 'png');
      return new Picture(flat, name, await decode(flat), `converted from ${/[^.]*$/.exec(name)[0].toUpperCase()}`);
    }
    const bitmap = await decode(file);
    if (isReadable && bitmap && isAnimated(head)) {
      return new Picture(await encode(bitmap), name, bitmap, 'the first picture of an animation');
    }
    if (isReadable) return new Picture(file, name, bitmap, '');
    if (!bitmap) {
      throw new Problem({
        status: 415, title: 'This is not a picture that can be read',
        detail: `“${name}” is none of PNG, JPEG and WebP, and this browser cannot convert it.`,
      });
    }
    const kind = (file.type.split('/')[1] ?? 'file').replace(/\+.*/, '').toUpperCase();
    return new Picture(await encode(bitmap), name, bitmap, `converted from ${kind}`);
  }

  constructor(file, name, bitmap, note) {
    Object.assign(this, { file, name, bitmap, note });
  }

  get width() { return this.bitmap?.width ?? 0; }
  get height() { return this.bitmap?.height ?? 0; }

  /** A line about it. */
  get description() {
    const size = this.file.size < 1e6 ? `${Math.max(1, Math.round(this.file.size / 1e3))} kB`
      : `${(this.file.size / 1e6).toFixed(1)} MB`;
    return [this.bitmap ? `${this.width} × ${this.height}` : '', size, this.note].filter(Boolean).join(', ');
  }

  /** A small copy as a `data:` URL; empty if there is no bitmap. */
  get thumb() {
    if (!this.bitmap) return '';
    const scale = Math.min(1, thumbSide / Math.min(this.width, this.height));
    return draw(this.bitmap, this.width * scale, this.height * scale).toDataURL('image/webp', 0.8);
  }

  /** A copy whose longer side is at most `side`, and that has no more than so many pixels. */
  async shrunk(side, pixels) {
    const scale = Math.min(
      1, side / Math.max(this.width, this.height), Math.sqrt(pixels / (this.width * this.height)));
    const canvas = draw(this.bitmap, Math.floor(this.width * scale), Math.floor(this.height * scale));
    const isPhoto = this.file.type === 'image/jpeg';
    const file = await new Promise((done) => canvas.toBlob(done, isPhoto ? 'image/jpeg' : 'image/png', 0.95));
    return new Picture(file, this.name, await decode(file), 'made smaller');
  }
}

/** A file's name as the start of another's. */
export const stem = (name) => name.replace(/^.*[\\/]/, '').replace(/\.[^.]*$/, '') || 'picture';

/** Offers a file for saving. */
export function save(file, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser needs the address until it has begun to save.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The first picture of a drop or paste, or null, and how many more files there are. */
export function pictureOf(transfer) {
  const files = [...(transfer?.files ?? [])];
  const file = files.find((one) => one.type.startsWith('image/')) ?? files[0] ?? null;
  return { file, others: Math.max(0, files.length - 1) };
}

/** The service takes none: in a WebP a bit says so, in a PNG a chunk before those of the pixels. */
function isAnimated(head) {
  const text = new TextDecoder('latin1').decode(head);
  if (text.startsWith('RIFF')) return text.slice(12, 16) === 'VP8X' && (head[20] & 2) !== 0;
  const [control, pixels] = ['acTL', 'IDAT'].map((name) => text.indexOf(name));
  return text.slice(1, 4) === 'PNG' && control > 0 && (pixels < 0 || control < pixels);
}

async function decode(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    // Pictures without a size of their own (SVG) are read by an element only.
    const image = new Image();
    image.src = URL.createObjectURL(file);
    try {
      await image.decode();
      return await createImageBitmap(draw(image, image.naturalWidth || 1024, image.naturalHeight || 1024));
    } catch {
      return null;
    } finally {
      URL.revokeObjectURL(image.src);
    }
  }
}

function draw(image, width, height) {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const encode = (bitmap) => new Promise((done) => draw(bitmap, bitmap.width, bitmap.height).toBlob(done, 'image/png'));

"""#
        ),
        (
            "/page/problem.js",
            #"""
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

"""#
        ),
        (
            "/page/run.js",
            #"""
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

"""#
        ),
        (
            "/page/service.js",
            #"""
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

"""#
        ),
        (
            "/page/settings.js",
            #"""
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

"""#
        ),
        (
            "/page/stage.js",
            #"""
import { grouped } from './edits.js';
import { byId } from './markup.js';

/** Steps of the zoom buttons; the factor is layer pixels to pixels of the page. */
const zoomFactors = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16];
/** From here on pixels are shown as squares. */
const sharpFactor = 4;
/** What a pointer must hit of a layer to take hold of it: alpha of 255. */
const leastAlpha = 64;
/** Pixels that a pointer may tremble without dragging. */
const dragThreshold = 3;
/** A finger rests on a layer for so long to take hold of it, and moves less than this; else it scrolls. */
const holdMilliseconds = 350;
const holdThreshold = 10;
/** The original is shown finer than the layers, up to this side. */
const originalSide = 2048;

/**
 * The sheet in the middle: a picture, or the layers of a run, blended, compared, or one of them. Says `select` and
 * `move`; `detail` is the layer. Says `edit` when a move is complete; `detail` is what was changed, or null.
 */
export class Stage extends EventTarget {
  constructor() {
    super();
    this.frame = byId('frame');
    this.sheet = byId('sheet');
    this.canvas = byId('canvas');
    this.context = this.canvas.getContext('2d', { willReadFrequently: false });
    this.split = byId('split');
    this.run = null;
    this.picture = null;
    this.selected = null;
    this.view = 'blend';
    /** Null fits the sheet into the frame. */
    this.zoom = null;
    this.frameRequest = 0;
    this.#listen();
  }

  /** Shows a bitmap; `isWaiting` dims it. Null shows nothing. */
  showPicture(bitmap, isWaiting = false) {
    this.run = null;
    this.selected = null;
    this.picture = bitmap;
    byId('tools').hidden = true;
    byId('compare').hidden = true;
    this.#show(Boolean(bitmap));
    if (!bitmap) return;
    this.sheet.classList.toggle('is-waiting', isWaiting);
    this.zoom = null;
    this.#resize(bitmap.width, bitmap.height);
    this.draw();
  }

  /** Shows the layers of a finished run; its bitmaps must be there. */
  showRun(run) {
    this.run = run;
    this.picture = null;
    this.#show(true);
    byId('tools').hidden = false;
    this.sheet.classList.remove('is-waiting');
    this.zoom = null;
    this.#resize(run.manifest.width, run.manifest.height);
    this.#prepareOriginal();
    const canCompare = Boolean(run.picture?.bitmap);
    const compare = document.querySelector('input[name="view"][value="compare"]');
    compare.disabled = !canCompare;
    compare.parentElement.title = canCompare ? '' : 'The original is not kept when the page is loaded again.';
    if (!canCompare && this.view === 'compare') this.setView('blend');
    else this.setView(this.view);
  }

  setView(view) {
    this.view = view;
    document.querySelector(`input[name="view"][value="${view}"]`).checked = true;
    if (view === 'single' && !this.selected && this.run) {
      this.#tell('select', this.run.layers.at(-1));
    }
    byId('compare').hidden = view !== 'compare';
    for (const id of ['original', 'divider']) byId(id).hidden = view !== 'compare';
    this.sheet.classList.toggle('is-comparing', view === 'compare');
    this.layout();
    this.draw();
    if (view === 'compare') this.#measureDifference();
  }

  select(layer) {
    this.selected = layer;
    this.draw();
  }

  /** Draws soon, once however often it is called. */
  draw() {
    this.frameRequest ||= requestAnimationFrame(() => {
      this.frameRequest = 0;
      this.#drawNow();
    });
  }

  /** Something about the layers changed. */
  update() {
    this.draw();
    if (this.view === 'compare') this.#measureDifference();
  }

  /** The layers as they are shown in the blend, as PNG. */
  blendFile() {
    const canvas = this.#sheetOf(this.run.manifest.width, this.run.manifest.height);
    this.#paint(canvas.getContext('2d'));
    return new Promise((done) => canvas.toBlob(done, 'image/png'));
  }

  /** Fits the sheet into its frame, or gives it the size of the zoom. */
  layout() {
    if (this.frame.hidden) return;
    const style = getComputedStyle(this.frame);
    const room = parseFloat(style.paddingLeft) * 2;
    const fit = Math.min(
      (this.frame.clientWidth - room) / this.width, (this.frame.clientHeight - room) / this.height);
    const factor = this.zoom ?? Math.max(fit, 0.01);
    this.factor = factor;
    this.sheet.style.width = `${Math.max(1, Math.floor(this.width * factor))}px`;
    this.sheet.style.height = `${Math.max(1, Math.floor(this.height * factor))}px`;
    this.sheet.classList.toggle('is-sharp', this.zoom !== null && factor >= sharpFactor);
    byId('zoom-text').textContent = this.zoom === null ? 'Fit' : `${Math.round(factor * 100)} %`;
  }

  #show(isShown) {
    this.frame.hidden = !isShown;
    byId('view').classList.toggle('is-filled', isShown);
  }

  // Drawing

  #resize(width, height) {
    Object.assign(this, { width, height });
    this.canvas.width = width;
    this.canvas.height = height;
    byId('view').style.setProperty('--aspect', width / height);
    this.layout();
  }

  #drawNow() {
    this.context.clearRect(0, 0, this.width, this.height);
    if (this.picture) {
      this.context.drawImage(this.picture, 0, 0);
    } else if (this.run && this.view === 'single') {
      if (this.selected?.bitmap) this.context.drawImage(this.selected.bitmap, 0, 0);
    } else if (this.run) {
      this.#paint(this.context);
    }
    this.#drawOutline();
    this.#describe();
  }

  #paint(context, layers = this.run.layers, depth = 0) {
    for (const one of grouped(layers, depth)) {
      if (one.layers && one.fade === 1) {
        this.#paint(context, one.layers, depth + 1);
      } else if (one.layers) {
        // As a whole, or what is below would show through each of its layers.
        const sheet = this.#sheetOf(this.width, this.height);
        this.#paint(sheet.getContext('2d'), one.layers, depth + 1);
        context.globalAlpha = one.fade;
        context.drawImage(sheet, 0, 0);
      } else if (one.isVisible && one.bitmap) {
        context.globalAlpha = one.opacity;
        context.drawImage(one.bitmap, one.x, one.y);
      }
    }
    context.globalAlpha = 1;
  }

  #drawOutline() {
    const outline = byId('outline');
    const layer = this.run && this.view === 'blend' && this.selected?.isVisible ? this.selected : null;
    outline.hidden = !layer?.box;
    this.sheet.classList.toggle('is-movable', Boolean(layer));
    if (outline.hidden) return;
    const { x, y, width, height } = layer.box;
    const set = (name, value, whole) => { outline.style[name] = `${(value / whole) * 100}%`; };
    set('left', x + layer.x, this.width);
    set('top', y + layer.y, this.height);
    set('width', width, this.width);
    set('height', height, this.height);
  }

  #describe() {
    let text = 'The picture';
    if (this.run) {
      const { layers } = this.run;
      const shown = layers.filter((layer) => layer.isVisible).length;
      text = this.view === 'single' ? `${this.selected?.name ?? 'No layer'} alone`
        : this.view === 'compare' ? 'The original, and beside it the layers blended'
          : `${shown} of ${layers.length} layers, blended`;
      if (this.view === 'blend' && this.selected) text += `. Selected: ${this.selected.name}`;
    }
    this.canvas.setAttribute('aria-label', text);
  }

  #sheetOf(width, height) {
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(width);
    canvas.height = Math.round(height);
    return canvas;
  }

  #prepareOriginal() {
    const holder = byId('original');
    holder.replaceChildren();
    const bitmap = this.run.picture?.bitmap;
    if (!bitmap) return;
    const scale = Math.min(1, originalSide / Math.max(bitmap.width, bitmap.height));
    const canvas = this.#sheetOf(bitmap.width * scale, bitmap.height * scale);
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    holder.append(canvas);
  }

  /** How far the blend is from the original, on average over colours, both on white. */
  #measureDifference() {
    clearTimeout(this.measuring);
    this.measuring = setTimeout(() => {
      if (!this.run?.picture?.bitmap || this.view !== 'compare') return;
      const pixels = (paint) => {
        const context = this.#sheetOf(this.width, this.height).getContext('2d', { willReadFrequently: true });
        context.fillStyle = '#ffffff';
        context.fillRect(0, 0, this.width, this.height);
        context.imageSmoothingQuality = 'high';
        paint(context);
        return context.getImageData(0, 0, this.width, this.height).data;
      };
      const original = pixels((context) =>
        context.drawImage(this.run.picture.bitmap, 0, 0, this.width, this.height));
      const blend = pixels((context) => this.#paint(context));
      let sum = 0;
      for (let index = 0; index < blend.length; index += 4) {
        for (let channel = 0; channel < 3; channel += 1) {
          sum += Math.abs(blend[index + channel] - original[index + channel]);
        }
      }
      const mean = sum / (blend.length * 0.75);
      byId('difference').textContent =
        `Blended, the layers differ from the original by ${((mean / 255) * 100).toFixed(1)}\u00a0% on average.`;
    }, 120);
  }

  // Pointer and keys

  #listen() {
    new ResizeObserver(() => this.layout()).observe(this.frame);
    for (const input of document.querySelectorAll('input[name="view"]')) {
      input.addEventListener('change', () => this.setView(input.value));
    }
    byId('backdrop').addEventListener('change', (event) => { this.sheet.dataset.backdrop = event.target.value; });
    for (const button of document.querySelectorAll('[data-zoom]')) {
      button.addEventListener('click', () => this.#zoomTo(button.dataset.zoom));
    }
    this.frame.addEventListener('wheel', (event) => {
      if (!event.ctrlKey || !this.run) return;
      event.preventDefault();
      this.#zoomTo(event.deltaY < 0 ? 'in' : 'out', event);
    }, { passive: false });
    this.split.addEventListener('input', () => this.#setSplit(this.split.value));
    this.#setSplit(50);
    this.canvas.addEventListener('pointerdown', (event) => this.#pointerDown(event));
    this.canvas.addEventListener('keydown', (event) => this.#keyDown(event));
    // A browser scrolls by the first move of a finger that nobody prevents.
    this.canvas.addEventListener('touchmove', (event) => this.isHolding && event.preventDefault(), { passive: false });
    // The menu of a long touch would end what it began.
    this.canvas.addEventListener('contextmenu', (event) => this.isTouched && event.preventDefault());
  }

  /** What is at `at` of the window stays there, as far as the frame can scroll; without it, what is in the middle. */
  #zoomTo(step, at = middle(this.frame)) {
    const before = this.sheet.getBoundingClientRect();
    if (step === 'fit') this.zoom = null;
    else if (step === 'in') this.zoom = zoomFactors.find((factor) => factor > this.factor * 1.01) ?? this.factor;
    else this.zoom = zoomFactors.findLast((factor) => factor < this.factor * 0.99) ?? this.factor;
    this.layout();
    const after = this.sheet.getBoundingClientRect();
    this.frame.scrollLeft += after.left + ((at.clientX - before.left) / before.width) * after.width - at.clientX;
    this.frame.scrollTop += after.top + ((at.clientY - before.top) / before.height) * after.height - at.clientY;
  }

  #setSplit(percent) {
    this.split.value = percent;
    this.split.setAttribute('aria-valuetext', `${Math.round(percent)} percent original`);
    this.sheet.style.setProperty('--split', `${percent}%`);
  }

  /** The place of a pointer in layer pixels. */
  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * this.width,
      y: ((event.clientY - box.top) / box.height) * this.height,
    };
  }

  #pointerDown(event) {
    this.isTouched = event.pointerType !== 'mouse';
    if (!this.run || event.button !== 0) return;
    if (this.view === 'compare') this.#dragSplit(event);
    else if (this.view === 'blend') this.#dragLayer(event);
  }

  #dragSplit(event) {
    const move = (at) => this.#setSplit(Math.min(100, Math.max(0, (this.#place(at).x / this.width) * 100)));
    move(event);
    this.#follow(event, move);
  }

  #dragLayer(event) {
    const start = this.#place(event);
    const hit = this.#layerAt(start);
    const isSelected = this.selected && (hit === this.selected || this.#alpha(this.selected, start) >= leastAlpha);
    const layer = isSelected ? this.selected : hit;
    // A finger may be about to scroll; it selects when it is lifted where it was.
    if (!this.isTouched && layer !== this.selected) this.#tell('select', layer);
    if (!layer && !this.isTouched) return;
    // The bottom layer covers everything: it is moved only by who selected it before.
    const canMove = isSelected || (layer && layer !== this.run.layers[0]);
    const from = { x: layer?.x, y: layer?.y };
    let isDragging = false;
    let hasLeft = false;
    const holding = !this.isTouched || !canMove ? 0 : setTimeout(() => {
      this.isHolding = true;
      this.sheet.classList.add('is-held');
      if (layer !== this.selected) this.#tell('select', layer);
    }, holdMilliseconds);
    this.#follow(event, (at) => {
      const place = this.#place(at);
      const distance = Math.hypot(at.clientX - event.clientX, at.clientY - event.clientY);
      if (this.isTouched && !this.isHolding) {
        hasLeft ||= distance > holdThreshold;
        if (hasLeft) clearTimeout(holding);
        return;
      }
      isDragging ||= canMove && distance > dragThreshold;
      if (!isDragging) return;
      layer.x = from.x + Math.round(place.x - start.x);
      layer.y = from.y + Math.round(place.y - start.y);
      this.#moved(layer);
    }, (isCancelled) => {
      clearTimeout(holding);
      const wasHeld = this.isHolding;
      this.isHolding = false;
      this.sheet.classList.remove('is-held');
      if (isDragging) this.#tell('edit', null);
      else if (!isCancelled && !hasLeft && !wasHeld && hit !== this.selected) this.#tell('select', hit);
    });
  }

  /** Calls back while the pointer is down, wherever it goes; `end` hears whether the browser took it for itself. */
  #follow(event, move, end = () => {}) {
    const { pointerId } = event;
    this.canvas.setPointerCapture(pointerId);
    const listening = new AbortController();
    const options = { signal: listening.signal };
    this.canvas.addEventListener('pointermove', (at) => at.pointerId === pointerId && move(at), options);
    for (const name of ['pointerup', 'pointercancel']) {
      this.canvas.addEventListener(name, (at) => {
        if (at.pointerId !== pointerId) return;
        listening.abort();
        end(name === 'pointercancel');
      }, options);
    }
  }

  #keyDown(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (!step || !this.run || event.ctrlKey || event.metaKey || event.altKey) return;
    const factor = event.shiftKey ? 10 : 1;
    if (this.view === 'compare' && step[0]) {
      this.#setSplit(Math.min(100, Math.max(0, Number(this.split.value) + step[0] * factor)));
    } else if (this.view === 'blend' && this.selected) {
      this.selected.x += step[0] * factor;
      this.selected.y += step[1] * factor;
      this.#moved(this.selected);
      this.#tell('edit', `place ${this.selected.index}`);
    } else {
      return;
    }
    event.preventDefault();
  }

  #moved(layer) {
    this.draw();
    this.#tell('move', layer);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** The uppermost visible layer that has something at a place. */
  #layerAt(place) {
    return this.run.layers.findLast((layer) => layer.isVisible && this.#alpha(layer, place) >= leastAlpha) ?? null;
  }

  #alpha(layer, { x, y }) {
    if (!layer.bitmap) return 0;
    this.probe ??= this.#sheetOf(1, 1).getContext('2d', { willReadFrequently: true });
    this.probe.clearRect(0, 0, 1, 1);
    this.probe.drawImage(layer.bitmap, layer.x - Math.floor(x), layer.y - Math.floor(y));
    const own = this.probe.getImageData(0, 0, 1, 1).data[3] * layer.opacity;
    return layer.fades.reduce((alpha, fade) => alpha * fade, own);
  }
}

/** The middle of an element, as a pointer there would say it. */
function middle(element) {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { clientX: left + width / 2, clientY: top + height / 2 };
}

"""#
        ),
        (
            "/page/status.js",
            #"""
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

"""#
        ),
    ]
}
