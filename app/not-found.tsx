import { NotFoundCard } from './not-found-card.tsx'
import { PlainPage } from './plain-page.tsx'

/** For addresses that no route has. */
export default function NotFoundPage() {
  return (
    <PlainPage>
      <NotFoundCard />
    </PlainPage>
  )
}
