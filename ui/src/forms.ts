// Actions are plain POST forms. With script, htmx sends them and the page's live regions show the outcome;
// what was refused or not sent is said aloud, since the person may walk away believing it was done.
import htmx from 'htmx.org';

import { refresh } from './live';

function say(text: string): void {
  const notice = document.getElementById('notice');
  if (!notice) return;
  notice.hidden = !text;
  const body = notice.querySelector('[data-text]');
  if (body) body.textContent = text;
}

/** The sentence of an error page, or its status. */
function reason(html: string, status: number): string {
  const page = new DOMParser().parseFromString(html, 'text/html');
  return page.querySelector('[data-error]')?.textContent?.trim() || `the server answered ${status}`;
}

document.addEventListener('htmx:after:request', (event) => {
  if (event.detail.ctx.response?.raw.ok) {
    say('');
    refresh();
  }
});
document.addEventListener('htmx:response:error', (event) => {
  const { text, response } = event.detail.ctx;
  say(`Not done: ${reason(String(text ?? ''), response?.status ?? 0)}`);
  refresh();
});
document.addEventListener('htmx:error', () => say('Not sent: the server cannot be reached. Try again.'));
document.addEventListener('click', (event) => {
  if ((event.target as Element).closest('[data-dismiss]')) say('');
});

htmx.config.morphIgnore.push('open'); // a <details> that someone opened stays open through a refresh
