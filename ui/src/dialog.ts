// Every dialog is a plain page. `<a href="/a/page" data-dialog>` shows that page's `[data-dialog-body]` over
// where you are; without script, or when anything goes wrong, the link simply leads there.
import htmx from 'htmx.org';

const dialog = () => document.getElementById('dialog') as HTMLDialogElement | null;

async function open(link: HTMLAnchorElement, into: HTMLDialogElement): Promise<void> {
  const waiting = document.createElement('h1');
  waiting.id = 'dialog-title';
  waiting.textContent = `${link.dataset.dialog || labelOf(link)} …`;
  into.replaceChildren(waiting);
  into.showModal();
  try {
    const response = await fetch(link.href, { headers: { accept: 'text/html' } });
    const answer = new DOMParser().parseFromString(await response.text(), 'text/html');
    const body = answer.querySelector('[data-dialog-body]');
    if (!response.ok || !body) throw new Error(link.href);
    if (!into.open) return;
    into.replaceChildren(document.adoptNode(body));
    htmx.process(into);
    (into.querySelector<HTMLElement>('[autofocus]') ?? into.querySelector<HTMLElement>('input:not([type=hidden]), select, textarea, button'))?.focus();
  } catch {
    location.href = link.href;
  }
}

/** What people read on a button or link, without its key. */
export function labelOf(el: HTMLElement): string {
  const copy = el.cloneNode(true) as HTMLElement;
  for (const key of copy.querySelectorAll('kbd, .tc-count')) key.remove();
  return el.getAttribute('aria-label') ?? copy.textContent?.trim() ?? '';
}

document.addEventListener('click', (event) => {
  const target = event.target as Element;
  const into = dialog();
  const link = target.closest<HTMLAnchorElement>('a[data-dialog]');
  if (link && into && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    link.closest<HTMLElement>(':popover-open')?.hidePopover();
    if (!into.open) void open(link, into);
  } else if (target.closest('dialog [data-close]')) {
    event.preventDefault();
    target.closest('dialog')?.close();
  }
});
