export function parseZone(text: string | undefined, server: string): string {
  return text === undefined || text === 'server' ? server : text === 'utc' ? 'UTC' : text
}
