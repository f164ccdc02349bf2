import type { Metadata } from 'next'
import { NotFoundCard } from './not-found-card.tsx'
import { PlainPage } from './plain-page.tsx'

export const metadata: Metadata = { title: 'Not found' }

/** For addresses that no route has. */
export default function NotFoundPage() {
  return (
    <PlainPage>
      <NotFoundCard />
    </PlainPage>
  )
}
