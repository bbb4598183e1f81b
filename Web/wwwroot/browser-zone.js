// The time zone that the browser is set to, and those that it knows.
export const ask = () => ({
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? 'UTC',
  zones: Intl.supportedValuesOf('timeZone'),
});
