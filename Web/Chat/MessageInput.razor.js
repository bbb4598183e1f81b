// What is typed is the browser's until the chat service has it: it survives a reload, a lost connection, and a look at another conversation.
// In the storage of the tab: a draft is what is in the box, sent is what was handed on and perhaps did not arrive.
const SENT = 'sent:';
const DRAFT = 'draft:';

const read = name => {
  try {
    return sessionStorage.getItem(name) ?? '';
  } catch {
    return ''; // storage is switched off in this browser
  }
};

const write = (name, text) => {
  try {
    if (text) {
      sessionStorage.setItem(name, text);
    } else {
      sessionStorage.removeItem(name);
    }
  } catch {
    // It is full, or switched off: the text is in the box.
  }
};

export function attach(root, owner, key, sendsOnEnter) {
  const input = root.querySelector('textarea');
  const notice = root.querySelector('[data-words]');
  const form = root.closest('form');
  const max = Number(root.dataset.max);
  const done = new AbortController();
  // Before Blazor, which listens on the document as an event comes down.
  const listen = (target, name, handler) => target?.addEventListener(name, handler, { signal: done.signal, capture: true });
  let handed = '';
  let isAway = false;
  let isWaiting = false;

  const nameOf = kind => kind + owner + key;
  const length = () => input.value.trim().length;
  const changed = () => {
    write(nameOf(DRAFT), input.value);
    input.style.height = 'auto';
    input.style.height = `${input.scrollHeight}px`;
    const isLong = length() > max;
    form.toggleAttribute('data-too-long', isLong);
    notice.textContent = isLong ? notice.dataset.words.replace('{0}', length().toLocaleString('en')) : '';
  };
  const restore = () => {
    const sent = read(nameOf(SENT));
    const draft = read(nameOf(DRAFT));
    write(nameOf(SENT), '');
    return draft.startsWith(sent) ? draft : draft ? `${sent}\n\n${draft}` : sent;
  };

  listen(input, 'input', () => {
    isWaiting = false;
    changed();
  });
  listen(input, 'keydown', event => {
    if (sendsOnEnter && event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  // The server is told when the form is sent; a megabyte, or a message while nobody listens, would be the end of the connection or of the message.
  listen(window, 'change', event => {
    if (event.target === input && (isAway || length() > max)) {
      event.stopPropagation();
    }
  });
  listen(window, 'submit', event => {
    if (event.target !== form) {
      return;
    }
    if (isAway || length() > max) {
      isWaiting = isAway && length() <= max;
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    handed = input.value;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  });
  listen(document.getElementById('components-reconnect-modal'), 'components-reconnect-state-changed', event => {
    isAway = event.detail.state !== 'hide';
    if (!isAway && isWaiting) {
      isWaiting = false;
      form.requestSubmit();
    }
  });

  input.value = restore() || input.value;
  input.readOnly = false;
  changed();

  return {
    clear: () => {
      write(nameOf(SENT), handed);
      if (input.value.startsWith(handed)) {
        input.value = input.value.slice(handed.length);
      }
      handed = '';
      changed();
    },
    discard: () => write(nameOf(DRAFT), ''),
    forgetSent: () => Object.keys(sessionStorage).filter(name => name.startsWith(SENT)).forEach(name => write(name, '')),
    bringBack: () => {
      input.value = restore();
      changed();
    },
    show: next => {
      key = next;
      handed = '';
      input.value = restore();
      changed();
    },
    move: next => {
      write(nameOf(DRAFT), '');
      key = next;
      changed();
    },
    dispose: () => done.abort(),
  };
}
