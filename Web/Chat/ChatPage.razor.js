// What only the browser can do in time: keep the end of the conversation in view while the reader is there, and send on Enter.
const NEAR_END = 48; // pixels
const HAND = 1500; // milliseconds in which scrolling follows from what the reader did

export function attach(root) {
  const scroller = root.querySelector('[data-scroller]');
  const content = root.querySelector('[data-content]');
  const toLatest = root.querySelector('[data-to-latest]');
  const input = root.querySelector('textarea');
  const done = new AbortController();
  const listen = (target, name, handler) => target.addEventListener(name, handler, { signal: done.signal });
  let following = true;
  let top = 0;
  let handled = -HAND;

  const toEnd = () => {
    following = true;
    scroller.scrollTop = scroller.scrollHeight;
  };
  const grow = () => {
    input.style.height = 'auto';
    input.style.height = `${input.scrollHeight}px`;
  };

  for (const name of ['wheel', 'touchmove', 'pointerdown', 'keydown']) {
    listen(scroller, name, () => (handled = performance.now()));
  }
  // A reader who scrolls up wants to stay there. Positions alone do not tell: the browser moves up too when the content or
  // the input box changes its height, and between our own scrolling and its event the answer has grown.
  listen(scroller, 'scroll', () => {
    const left = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    const up = scroller.scrollTop < top;
    if (left < 2 || (!up && left < NEAR_END)) {
      following = true;
    } else if (up && performance.now() - handled < HAND) {
      following = false;
    }
    top = scroller.scrollTop;
    root.toggleAttribute('data-away', !following);
  });
  const sizes = new ResizeObserver(() => following && toEnd());
  sizes.observe(content);
  sizes.observe(scroller);
  listen(toLatest, 'click', toEnd);

  listen(input, 'input', grow);
  listen(input, 'keydown', event => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) {
      return;
    }
    event.preventDefault();
    // The server learns the text with the change event, once, instead of with every key.
    input.dispatchEvent(new Event('change', { bubbles: true }));
    input.form.requestSubmit();
  });

  return {
    follow: () => {
      grow();
      toEnd();
    },
    dispose: () => {
      done.abort();
      sizes.disconnect();
    },
  };
}
