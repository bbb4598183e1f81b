// What only the browser can do in time: keep the end of the conversation in view while the reader is there, and a reader's place through a reload.
const NEAR_END = 48; // pixels
const HAND = 1500; // milliseconds in which scrolling follows from what the reader did
const PLACE = 'place';

// Where the reader was when the page was loaded anew; null at its end, or for another page. Good for one time.
const placeBefore = () => {
  try {
    const place = JSON.parse(sessionStorage.getItem(PLACE));
    sessionStorage.removeItem(PLACE);
    return place?.path === location.pathname ? place.top : null;
  } catch {
    return null; // storage is switched off in this browser
  }
};

const keepPlace = top => {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify({ path: location.pathname, top }));
  } catch {
    // The page opens at its end.
  }
};

export function attach(root) {
  const scroller = root.querySelector('[data-scroller]');
  const content = root.querySelector('[data-content]');
  const toLatest = root.querySelector('[data-to-latest]');
  const done = new AbortController();
  const listen = (target, name, handler) => target.addEventListener(name, handler, { signal: done.signal });
  let following = true;
  let top = 0;
  let handled = -HAND;
  let wanted = placeBefore();

  const toEnd = () => {
    following = true;
    scroller.scrollTop = scroller.scrollHeight;
  };
  // The conversation comes piece by piece: the place is there when there is enough above it.
  const toPlace = () => {
    scroller.scrollTop = wanted;
    if (scroller.scrollTop >= wanted - 1) {
      wanted = null;
      following = false;
      root.toggleAttribute('data-away', true);
    }
  };
  const resized = () => {
    if (wanted !== null) {
      toPlace();
    } else if (following) {
      toEnd();
    }
  };

  for (const name of ['wheel', 'touchmove', 'pointerdown', 'keydown']) {
    listen(scroller, name, () => {
      handled = performance.now();
      wanted = null;
    });
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
  const sizes = new ResizeObserver(resized);
  sizes.observe(content);
  sizes.observe(scroller);
  listen(toLatest, 'click', toEnd);

  listen(window, 'pagehide', () => following || keepPlace(scroller.scrollTop));

  return {
    // All of the conversation is there.
    follow: () => {
      if (wanted === null) {
        toEnd();
      } else {
        toPlace();
        wanted = null;
      }
    },
    dispose: () => {
      done.abort();
      sizes.disconnect();
    },
  };
}
