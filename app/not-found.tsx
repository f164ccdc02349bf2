import type { Metadata } from 'next'
import { NotFoundCard } from './not-found-card.tsx'

export const metadata: Metadata = { title: 'Not found' }

/** For addresses that no route has. */
export default function NotFoundPage() {
  return <NotFoundCard />
}
