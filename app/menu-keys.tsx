'use client'

import { useEffect } from 'react'

const OPEN = 'details.menu[open]'

/** Closes an open menu by Escape and by a click elsewhere; without it a menu closes by its own button. */
export function MenuKeys() {
  useEffect(() => {
    const byKey = ({ key }: KeyboardEvent) => {
      if (key !== 'Escape') return
      for (const menu of document.querySelectorAll<HTMLDetailsElement>(OPEN)) {
        menu.open = false
        menu.querySelector('summary')?.focus()
      }
    }
    const byClick = ({ target }: PointerEvent) => {
      for (const menu of document.querySelectorAll<HTMLDetailsElement>(OPEN))
        if (target instanceof Node && !menu.contains(target)) menu.open = false
    }
    document.addEventListener('keydown', byKey)
    document.addEventListener('pointerdown', byClick)
    return () => {
      document.removeEventListener('keydown', byKey)
      document.removeEventListener('pointerdown', byClick)
    }
  }, [])
  return null
}
