import type { ReactNode } from 'react'
import { pageTitle } from './page-title.ts'
import { SentText } from './sent-text.tsx'
import { ThemeChoice } from './theme-choice.tsx'
import type { Viewer } from './viewer.ts'

interface ShellProps {
  viewer: Viewer
  /** What the page is called. */
  title: string
  children: ReactNode
}

/** The frame of every page behind sign-in: where one can go, who one is, and the way out. */
export function Shell({ viewer, title, children }: ShellProps) {
  return (
    <>
      <title>{pageTitle(title)}</title>
      <header className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-border px-4 py-2">
        <a href="/" className="home">
          Log Portal
        </a>
        <nav aria-label="Main" className="flex gap-4">
          <a href="/">Collections</a>
          {viewer.access.admin && <a href="/admin">Admin</a>}
        </nav>
        <div className="ml-auto flex flex-wrap items-center gap-2">
          <a href="/account" className="way mr-1">
            <SentText text={viewer.session.name} />
          </a>
          <ThemeChoice />
          <form action="/signout" method="post">
            <button type="submit" className="button">
              Sign out
            </button>
          </form>
        </div>
      </header>
      <main className="px-4 py-3">{children}</main>
    </>
  )
}
