'use client'

import { useEffect, useRef } from 'react'

const SAID_MS = 2_000

/** Makes the rows' Copy buttons work, which stay hidden without it; says for a moment what came of it. */
export function CopyLines() {
  const marker = useRef<HTMLSpanElement>(null)
  useEffect(() => {
    const box = marker.current?.parentElement
    if (!box) return
    const copy = async (event: Event) => {
      const button = event.target
      if (!(button instanceof HTMLButtonElement) || !button.classList.contains('copy')) return
      const line = button.parentElement?.querySelector('code')
      const name = button.textContent
      const said = await navigator.clipboard.writeText(line?.textContent ?? '').then(
        () => 'Copied',
        () => 'Not copied: the browser did not allow it',
      )
      button.textContent = said
      setTimeout(() => {
        button.textContent = name
      }, SAID_MS)
    }
    box.addEventListener('click', copy)
    box.dataset.copy = ''
    return () => box.removeEventListener('click', copy)
  }, [])
  return <span ref={marker} hidden />
}
