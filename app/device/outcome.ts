/** What the device page says, by the word in its address: how a decision went, or why there is none. */
export const OUTCOMES = {
  approved:
    'You said yes. The device gets its token at its next question, within seconds; you can close this page.',
  denied: 'You said no. The device gets nothing.',
  none: 'No device is waiting under that code. Codes are good for ten minutes and for one answer: compare it with the one the device shows, or have it ask for a new one.',
  'too-many': 'Too many codes were tried. Try again in ten minutes.',
  days: 'The days take a whole number from 1 to 90.',
} as const

export type DeviceOutcome = keyof typeof OUTCOMES

export function isOutcome(text: unknown): text is DeviceOutcome {
  return typeof text === 'string' && Object.hasOwn(OUTCOMES, text)
}

/** The device page, with a code as it was typed and what it has to say. */
export function deviceHref({ typed = '', outcome }: { typed?: string; outcome?: DeviceOutcome }): string {
  const query = new URLSearchParams()
  if (typed !== '') query.set('user_code', typed)
  if (outcome !== undefined) query.set('outcome', outcome)
  return query.size === 0 ? '/device' : `/device?${query}`
}
