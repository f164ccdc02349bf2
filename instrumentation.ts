/** Called by Next.js once, before the server takes requests. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  const { startPortal } = await import('./app/start-portal.ts')
  startPortal()
}
