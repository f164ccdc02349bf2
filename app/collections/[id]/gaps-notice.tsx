import { formatNumber, momentInWords } from '#lib/explore/time-text.ts'
import type { Gap } from '#lib/store/sealed-reader.ts'

/** Which lines the store should have and could not give. */
export function GapsNotice({ gaps, zone }: { gaps: readonly Gap[]; zone: string }) {
  return gaps.map(({ firstMicros, lastMicros, lines }) => (
    <p key={firstMicros} className="notice" role="alert">
      {formatNumber(lines)} {lines === 1 ? 'line' : 'lines'} of {momentInWords(firstMicros / 1000, zone)} to{' '}
      {momentInWords(lastMicros / 1000, zone)} could not be read: what the store holds of them is damaged. All
      other lines are there; an operator has to look.
    </p>
  ))
}
