import { visibleText } from '#lib/explore/visible-html.ts'

/** Text that single sign-on sent about a person: whatever is in it shows and does nothing. */
export function SentText({ text }: { text: string }) {
  return <bdi className="[overflow-wrap:anywhere]" dangerouslySetInnerHTML={{ __html: visibleText(text) }} />
}
