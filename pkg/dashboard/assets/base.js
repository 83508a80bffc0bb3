// What all pages have.

// The note hides for as long as it would say the same.
document.querySelector('[data-hide-note]')?.addEventListener('click', (event) => {
  const note = event.target.closest('.note');
  document.cookie = `mirror_note=${note.dataset.note}; Path=/; Max-Age=2592000; SameSite=Lax`;
  note.remove();
  document.getElementById('main').focus();
});

/** copy puts text on the clipboard; it resolves to whether that worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { // not a secure context, or not allowed: the older way
    const box = document.createElement('textarea');
    box.value = text;
    box.className = 'visually-hidden';
    document.body.append(box);
    box.select();
    const done = document.execCommand('copy');
    box.remove();
    return done;
  }
}

/** el makes an element: el('p', {class: 'soft'}, 'text', other). */
export function el(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) e.setAttribute(key, value === true ? '' : value);
  }
  e.append(...children.filter((c) => c !== null && c !== undefined));
  return e;
}

/** bytes writes a size for people. */
export function bytes(n) {
  if (n < 1000) return `${n} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let i = -1;
  do { n /= 1000; i++; } while (n >= 999.5 && i < units.length - 1);
  return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

/** ms writes a time in milliseconds for people. */
export function ms(n) {
  if (n < 0.1) return '< 0.1 ms';
  if (n < 10) return `${n.toFixed(1)} ms`;
  if (n < 1000) return `${Math.round(n)} ms`;
  return `${(n / 1000).toFixed(1)} s`;
}

/** age writes a number of seconds for people. */
export function age(s) {
  if (s < 2) return 'just now';
  if (s < 120) return `${Math.round(s)} s`;
  if (s < 7200) return `${Math.round(s / 60)} minutes`;
  if (s < 172800) return `${Math.round(s / 3600)} hours`;
  return `${Math.round(s / 86400)} days`;
}
