/**
 * A cause without what it was about. Errors of Redis carry the command with its arguments, some repeat them in the
 * message, and a parser's message quotes what it could not read; these may be log lines or tokens.
 */
export function causeInWords(cause: unknown): string {
  if (cause === undefined) return ''
  if (!(cause instanceof Error)) return ` (${typeof cause})`
  const code = (cause as { code?: unknown }).code
  const words = [
    cause.name,
    ...(typeof code === 'string' ? [code] : []),
    ...messageOf(cause),
    ...placeOf(cause),
  ]
  return ` (${words.join(', ')})${causeInWords(cause.cause)}`
}

function messageOf(error: Error): string[] {
  if (error.name === 'ReplyError') return [/^[A-Z]+\b/.exec(error.message)?.[0] ?? 'answer']
  if (error instanceof SyntaxError || 'command' in error) return []
  return [error.message]
}

/** The first frame of the stack, for faults of ours; the stack's head repeats the message. */
function placeOf(error: Error): string[] {
  const frame = error.stack?.split('\n').find((line) => line.startsWith('    at '))
  return frame ? [frame.trim()] : []
}
