// Everything here works without it too; with it nobody has to reload.
'use strict';

const $ = (id) => document.getElementById(id);

// ---- The first page: tiles follow the state.

// Makes `old` say what `fresh` says, and keeps what is the same: focus, scroll and pictures stay.
function follow(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || (old.dataset?.key !== fresh.dataset?.key)) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) return;
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const news = [...fresh.childNodes];
  news.forEach((node, at) => {
    // A keyed child that moved keeps its element.
    const key = node.dataset?.key;
    const known = key && [...old.children].find((child) => child.dataset.key === key);
    if (known && old.childNodes[at] !== known) old.insertBefore(known, old.childNodes[at] ?? null);
    if (old.childNodes[at]) follow(old.childNodes[at], node);
    else old.append(node);
  });
  while (old.childNodes.length > news.length) old.lastChild.remove();
}

function live(tiles) {
  let stream, asked = false, again = false, wait;
  const lost = (yes) => { $('lost').hidden = !yes; };

  async function refresh() {
    if (asked) { again = true; return; }
    asked = true;
    try {
      const answer = await fetch('/tiles');
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) throw answer;
      const fresh = document.createElement('main');
      fresh.innerHTML = await answer.text();
      for (const { name, value } of tiles.attributes) fresh.setAttribute(name, value);
      const said = (root) => [...root.querySelectorAll('[data-say]')].map((tile) => tile.dataset.say);
      const before = said(tiles), now = said(fresh).filter((title) => !before.includes(title));
      follow(tiles, fresh);
      if (now.length) $('told').textContent = now.join('. ');
      lost(false);
    } catch { lost(true); }
    asked = false;
    if (again) { again = false; refresh(); }
  }

  // A stream that slept may say that it is open and be dead: always a new one.
  function connect() {
    clearTimeout(wait);
    stream?.close();
    stream = new EventSource('/api/v1/events');
    stream.addEventListener('state', refresh);
    stream.onerror = () => {
      lost(true);
      stream.close();
      clearTimeout(wait);
      wait = setTimeout(() => { refresh(); connect(); }, 3000);
    };
  }

  const wake = () => { if (document.visibilityState === 'visible') { refresh(); connect(); } };
  addEventListener('pageshow', wake);
  addEventListener('online', wake);
  addEventListener('pagehide', () => stream?.close());
  document.addEventListener('visibilitychange', wake);

  tiles.addEventListener('submit', async (event) => {
    event.preventDefault();
    const form = event.target, button = form.querySelector('button');
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
      if (!answer.ok) throw answer;
    } catch { lost(true); }
    button.disabled = false;
    refresh();
  });
}

// ---- All photos: only what is near the screen is there, however many there are.

const PAGE = 120, GAP = 3;

function grid(all) {
  const total = Number(all.dataset.total), query = all.dataset.query;
  if (total <= PAGE && !location.search.includes('from=')) { dates(all); return; }
  const parts = [];
  const columns = () => Math.max(3, Math.floor((all.clientWidth + GAP) / (112 + GAP)));

  function measure() {
    const n = columns(), tile = (all.clientWidth - GAP * (n - 1)) / n;
    parts.forEach((part, at) => {
      const count = Math.min(PAGE, total - at * PAGE);
      part.style.height = `${Math.ceil(count / n) * (tile + GAP)}px`;
      part.style.gridTemplateColumns = `repeat(${n}, 1fr)`;
    });
  }

  async function fill(part) {
    part.near = true;
    if (part.childElementCount) return;
    const from = part.at * PAGE;
    try {
      const answer = await fetch(`/api/v1/photos${query || '?'}${query ? '&' : ''}from=${from}&limit=${PAGE}`);
      const { photos } = await answer.json();
      if (part.near && !part.childElementCount) part.append(...photos.map(tile));
    } catch { /* the next time that it comes near */ }
  }

  function tile(photo) {
    const a = document.createElement('a');
    const when = photo.time ? new Date(`${photo.time}Z`).toLocaleString('en-GB', { timeZone: 'UTC', dateStyle: 'medium', timeStyle: 'short' }) : '';
    a.className = 'photo';
    a.href = `/photos/${photo.id}${query}`;
    a.dataset.when = when;
    a.setAttribute('aria-label', `${photo.name}, ${when}`);
    if (photo.sort !== 'video') {
      const img = new Image();
      img.alt = '';
      img.decoding = 'async';
      img.src = `/api/v1/photos/${photo.id}/small`;
      a.append(img);
    }
    if (photo.sort !== 'photo') {
      const badge = document.createElement('span');
      badge.textContent = photo.name.split('.').pop().toUpperCase();
      a.append(badge);
    }
    return a;
  }

  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) fill(target);
      else { target.near = false; target.replaceChildren(); }
    }
  }, { rootMargin: '1500px' });
  for (let at = 0; at * PAGE < total; at++) {
    const part = document.createElement('div');
    part.className = 'grid wide';
    part.style.alignContent = 'start';
    part.style.borderRadius = '0';
    part.at = at;
    parts.push(part);
  }
  all.style.gap = '0';
  all.replaceChildren(...parts);
  measure();
  parts.forEach((part) => near.observe(part));
  addEventListener('resize', measure);
  dates(all);
}

// The bar says which day is on the screen.
function dates(all) {
  const title = $('when');
  let drawn;
  addEventListener('scroll', () => {
    cancelAnimationFrame(drawn);
    drawn = requestAnimationFrame(() => {
      const photo = document.elementFromPoint(all.getBoundingClientRect().left + 20, title.getBoundingClientRect().bottom + 40)?.closest('.photo');
      title.textContent = scrollY < 80 || !photo ? title.dataset.total : photo.dataset.when.split(',')[0];
    });
  }, { passive: true });
}

// ---- One photo: keys and swipes.

function one(main) {
  const go = (rel) => main.querySelector(`a[rel=${rel}]`)?.click();
  addEventListener('keydown', (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.key === 'ArrowLeft') go('prev');
    if (event.key === 'ArrowRight') go('next');
    if (event.key === 'Escape') document.querySelector('.back').click();
  });
  const figure = main.querySelector('figure');
  let begin;
  figure.addEventListener('touchstart', ({ touches }) => { begin = touches.length === 1 ? touches[0] : null; }, { passive: true });
  figure.addEventListener('touchend', ({ changedTouches: [end] }) => {
    if (!begin || visualViewport?.scale > 1) return;
    const x = end.clientX - begin.clientX, y = end.clientY - begin.clientY;
    if (Math.abs(x) > 50 && Math.abs(x) > 2 * Math.abs(y)) go(x > 0 ? 'prev' : 'next');
  }, { passive: true });
  // The neighbours are there before they are asked for.
  for (const link of main.querySelectorAll('[data-next]')) new Image().src = `/api/v1/photos/${link.dataset.next}/large`;
}

// A preview that this browser can't show leaves its tile empty, not broken.
document.addEventListener('error', ({ target }) => {
  if (!(target instanceof HTMLImageElement)) return;
  const note = document.createElement('p');
  note.className = 'dim';
  note.textContent = 'This browser does not show this kind of file.';
  if (target.closest('figure')) target.replaceWith(note);
  else target.remove();
}, true);

// The time of whoever holds this device, in the moment that it is given.
$('clock')?.addEventListener('submit', ({ target }) => { target.elements.seconds.value = Math.round(Date.now() / 1000); });

if ($('tiles')) live($('tiles'));
if ($('all')) grid($('all'));
if ($('one')) one($('one'));
