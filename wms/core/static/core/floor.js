// Scans go out in order, one at a time; the answer's page is swapped in. Without this script the same forms post by themselves.
(() => {
  'use strict';
  const $ = (s) => document.querySelector(s), queue = [];
  let busy = false, timer = 0, typing = false, audio, db;

  // Sound is unlocked by the first tap or key, as at sign-in.
  const unlock = () => { try { audio = audio || new AudioContext(); audio.resume(); } catch { audio = null; } };
  addEventListener('pointerdown', unlock); addEventListener('keydown', unlock);
  const beep = (tones) => {
    if (!audio || audio.state !== 'running') return;
    tones.forEach(([hz, at, long]) => {
      const o = audio.createOscillator(), g = audio.createGain();
      o.type = 'square'; o.frequency.value = hz; g.gain.value = 0.15; o.connect(g).connect(audio.destination);
      o.start(audio.currentTime + at); o.stop(audio.currentTime + at + long);
    });
  };
  const signal = (kind) => {
    if (kind === 'ok') { beep([[1800, 0, .08]]); navigator.vibrate?.(40); }
    else if (kind) { beep([[300, 0, .18], [220, .25, .3]]); navigator.vibrate?.([200, 100, 200]); }
  };
  const say = (kind, text) => {
    const p = $('#say'); if (!p) return;
    p.hidden = false; p.className = 'say say-' + kind; p.firstElementChild.textContent = kind === 'error' ? '✕' : '…'; p.lastElementChild.textContent = text;
  };
  const refocus = () => { const f = $('#field'); if (f && document.activeElement !== f) f.focus({ preventScroll: true }); };
  const uuid = () => crypto.randomUUID?.() ?? '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (c) => (c ^ crypto.getRandomValues(new Uint8Array(1))[0] & 15 >> c / 4).toString(16));

  // Scans without a connection are kept, also over a restart of the browser: each with its own id, the first with the screen that it was made on.
  const store = (mode, act) => new Promise((done) => {
    const run = () => { const r = act(db.transaction('scans', mode).objectStore('scans')); r.onsuccess = () => done(r.result); r.onerror = () => done(); };
    if (db) return run();
    const open = indexedDB.open('wms-floor', 1);
    open.onupgradeneeded = () => open.result.createObjectStore('scans', { keyPath: 'at', autoIncrement: true });
    open.onsuccess = () => { db = open.result; run(); }; open.onerror = () => done();
  });
  const kept = () => store('readonly', (s) => s.getAll());

  const pairs = (extra) => { const form = $('form#scan'); return { url: form.getAttribute('action'), body: [...new FormData(form)].filter(([k]) => k !== 'scan' && k !== 'scan_id' && k !== 'csrfmiddlewaretoken').concat(extra) }; };
  const token = () => $('form#scan [name=csrfmiddlewaretoken]').value;

  async function post(scan) {
    const page = scan.page || pairs(scan.sent);
    const body = new URLSearchParams([...page.body, ['scan_id', scan.id], ['csrfmiddlewaretoken', token()]]);
    let answer;
    const stop = new AbortController(), late = setTimeout(() => stop.abort(), 15000);
    try { answer = await fetch(page.url, { method: 'POST', body, signal: stop.signal, redirect: 'follow' }); if (answer.status >= 502) throw 0; } catch { scan.page = page; return false; } finally { clearTimeout(late); }
    const html = new DOMParser().parseFromString(await answer.text(), 'text/html'), main = html.querySelector('main');
    if (!main || answer.redirected || !html.querySelector('form#scan')) { location.href = answer.redirected ? answer.url : page.url; return true; }
    // What a scanner is just typing goes on in the new page's field.
    const half = $('#field')?.value;
    main.querySelector('[autofocus]')?.removeAttribute('autofocus'); $('main').replaceWith(document.adoptNode(main)); typing = false; ready(); signal(main.dataset.outcome);
    if (half && $('#field')) $('#field').value = half;
    return true;
  }

  async function work() {
    if (busy) return;
    busy = true; document.body.classList.add('busy');
    try {
      while (queue.length) {
        if (!(await post(queue[0]))) { await keep(); break; }
        const sent = queue.shift();
        if (sent.at) await store('readwrite', (s) => s.delete(sent.at));
        // A question is never answered by a scan that was made before it was asked; what follows a refused scan that was kept is lost with it.
        const outcome = $('main').dataset.outcome;
        if (queue.length && (outcome === 'ask' || (outcome === 'error' && sent.at))) {
          for (const lost of queue.splice(0)) if (lost.at) await store('readwrite', (s) => s.delete(lost.at));
          $('#say span').append(' ' + $('form#scan').dataset.lost);
        }
      }
    } finally { busy = false; document.body.classList.remove('busy'); refocus(); }
  }
  async function keep() {
    for (const scan of queue) if (!scan.at) scan.at = await store('readwrite', (s) => s.add({ id: scan.id, sent: scan.sent, page: scan.page }));
    say('wait', $('form#scan').dataset.wait + ' ' + queue.length); signal('wait');
  }
  function add(sent) { queue.push({ id: uuid(), sent }); if (!busy && queue[0].at) keep().then(work); else work(); }

  function submit() {
    clearTimeout(timer);
    const f = $('#field'), code = f.value.replace(/[\r\n\t]+$/, '');
    f.value = '';
    // The screen asks for what is typed as it stands; an empty Enter takes the number that is shown.
    if (code || f.inputMode === 'numeric') add([['scan', code]]);
  }
  function ready() {
    refocus();
    const f = $('#field'); if (!f) return;
    f.addEventListener('keydown', (e) => { if (e.key === 'Enter' || (e.key === 'Tab' && f.value)) { e.preventDefault(); submit(); } });
    f.addEventListener('input', () => {
      clearTimeout(timer);
      if (/[\r\n\t]$/.test(f.value)) return submit();
      // A scanner's keys come within milliseconds; whoever types by hand ends with Enter.
      if (!typing && f.inputMode === 'none' && f.value.length >= 3) timer = setTimeout(submit, 120);
    });
    f.addEventListener('blur', () => setTimeout(() => { if (document.activeElement === document.body) refocus(); }, 50));
  }
  document.addEventListener('submit', (e) => {
    if (e.target.id !== 'scan') return;
    e.preventDefault();
    const b = e.submitter;
    if (b?.id === 'manual') { const f = $('#field'); if (f) { typing = !typing; f.inputMode = typing ? 'text' : 'none'; f.blur(); f.focus(); } }
    else if (b?.name) add([[b.name, b.value]]);
    else submit();
  });
  // A screen that waits for a button has no field: a scan there would be lost without a word, and its Enter would press what was pressed last.
  let stray = '', struck = 0;
  document.addEventListener('keydown', (e) => {
    const form = $('form#scan'); if (!form || $('#field')) return;
    if (e.timeStamp - struck > 500) stray = '';
    struck = e.timeStamp;
    if (e.key === 'Enter' || e.key === 'Tab') { if (stray.length >= 3) { e.preventDefault(); say('error', form.dataset.press); signal('error'); } stray = ''; } else if (e.key.length === 1) stray += e.key;
  });
  document.addEventListener('click', (e) => { if (!e.target.closest('a,button,input,select,label')) refocus(); });
  const again = async () => {
    if (!$('form#scan') || busy) return;
    if (!queue.length) for (const scan of (await kept()) || []) queue.push(scan);
    if (queue.length) work();
  };
  addEventListener('online', again); document.addEventListener('visibilitychange', () => document.hidden || again()); setInterval(again, 5000);
  if ($('form#scan')) { ready(); signal($('main').dataset.outcome); again(); }
})();
