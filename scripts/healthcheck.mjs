// The image's HEALTHCHECK: exits with 0 when the server in this container answers /healthz, with 1 when it does not within 3 s.
const port = process.env.PORT || '4000';
try {
  const { ok } = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(3_000) });
  process.exit(ok ? 0 : 1);
} catch {
  process.exit(1);
}
