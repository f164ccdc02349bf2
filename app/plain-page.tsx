import type { ReactNode } from 'react'
import { PlainFrame } from './plain-frame.tsx'
import { ThemeChoice } from './theme-choice.tsx'

/** The frame of pages for people who are not signed in, or not to be told who they are: sign-in, not found, faults. */
export function PlainPage({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <PlainFrame title={title} aside={<ThemeChoice />}>
      {children}
    </PlainFrame>
  )
}
