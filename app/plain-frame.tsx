import type { ReactNode } from 'react'
import { pageTitle } from './page-title.ts'

interface PlainFrameProps {
  title?: string | undefined
  /** Stands at the end of the header. */
  aside?: ReactNode
  children: ReactNode
}

/** Header and body of pages without a person; in a module of its own, since the last resort runs in the browser too. */
export function PlainFrame({ title, aside, children }: PlainFrameProps) {
  return (
    <>
      <title>{pageTitle(title)}</title>
      <header className="flex items-center border-b border-border px-4 py-2">
        <a href="/" className="home">
          Log Portal
        </a>
        {aside && <div className="ml-auto">{aside}</div>}
      </header>
      <main className="mx-auto max-w-[46rem] px-4 py-3 sm:pt-[12vh]">{children}</main>
    </>
  )
}
