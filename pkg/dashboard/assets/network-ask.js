// What would a client get who has this address, or stands there?
import {show} from './network-page.js';
import {place} from './network-projection.js';

const form = document.getElementById('ask');
const map = document.getElementById('map');

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const fields = [...new FormData(form)].filter(([, value]) => value.trim()).map(([name, value]) => [name, value.trim()]);
  if (!fields.some(([name]) => name !== 'region')) {
    fail('Write an address, or choose a country.');
    return;
  }
  question(fields);
});

// One question at a time: the other field is emptied.
const {addr, country} = form.elements;
addr.addEventListener('input', () => { country.value = ''; });
country.addEventListener('change', () => { addr.value = ''; });

async function question(fields) {
  if (!await show(`/network?${new URLSearchParams(fields)}`, {push: true})) return;
  const error = document.getElementById('ask-error').textContent;
  addr.toggleAttribute('aria-invalid', false);
  if (error) fail(error);
  else document.getElementById('answer-title')?.focus({preventScroll: false});
}

function fail(text) {
  const error = document.getElementById('ask-error');
  if (error.textContent !== text) error.textContent = text;
  addr.setAttribute('aria-invalid', 'true');
  addr.focus();
}

map.addEventListener('click', (event) => {
  if (event.target.closest('a')) return;
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
  const [lat, lon] = place(at.x, at.y);
  if (Math.abs(lon) > 180) return;
  const code = event.target.closest('#map-land [data-key]')?.dataset.key ?? '';
  addr.value = '';
  country.value = code;
  const fields = [['lat', lat.toFixed(2)], ['lon', lon.toFixed(2)]];
  if (code) fields.push(['country', code]);
  const region = form.elements.region?.value;
  if (region) fields.push(['region', region]);
  question(fields);
});

// The fields say what the page is of, after the way back, too.
addEventListener('popstate', () => {
  const q = new URLSearchParams(location.search);
  addr.value = q.get('addr') ?? '';
  country.value = q.get('country') ?? '';
});
