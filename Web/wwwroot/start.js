// Starts the page's connection, and says what becomes of it.
const { silence } = document.currentScript.dataset;

Blazor.start({
  circuit: {
    // The server says something every second (Layout/LayoutExtensions.cs): silence for longer (Layout/PageConnectionOptions.cs) is a lost connection.
    configureSignalR: builder => builder.withServerTimeout(Number(silence)),
    reconnectionOptions: { maxRetries: 200, retryIntervalMilliseconds: tries => tries < 10 ? 500 : 3000 },
  },
});

document.getElementById('components-reconnect-modal').addEventListener('components-reconnect-state-changed', event => {
  // The server is there and does not know this page: it was started anew, or the page was away for too long. What was typed, and the place, are kept.
  if (event.detail.state === 'rejected' || event.detail.state === 'resume-failed') {
    location.reload();
  }
});
