// The theme a person chose, applied before the first paint. No choice means the system's.
const root = document.documentElement;
const chosen = localStorage.getItem('theme');
if (chosen) root.dataset.theme = chosen;

document.addEventListener('click', (event) => {
  if (!(event.target as Element).closest('[data-theme-toggle]')) return;
  const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  const next = (root.dataset.theme ?? system) === 'dark' ? 'light' : 'dark';
  // choosing what the system shows anyway means: follow the system again
  if (next === system) {
    localStorage.removeItem('theme');
    delete root.dataset.theme;
  } else {
    localStorage.setItem('theme', next);
    root.dataset.theme = next;
  }
});
