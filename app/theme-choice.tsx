import { chosenTheme, THEMES, type Theme } from './theme.ts'

const NAMES: Readonly<Record<Theme, string>> = { system: 'As the system', light: 'Light', dark: 'Dark' }

/** Light or dark, in the header. */
export function ThemeChoice() {
  return (
    <details className="menu" name="menu">
      <summary className="button">Theme</summary>
      <ThemeForm className="menu-body menu-right" />
    </details>
  )
}

/** A form, so that it works without JavaScript and the answer already has the colours. */
export async function ThemeForm({ className }: { className: string }) {
  const chosen = await chosenTheme()
  return (
    <form action="/theme" method="post" className={className}>
      {THEMES.map((theme) => (
        <button
          key={theme}
          type="submit"
          name="theme"
          value={theme}
          className="button"
          aria-pressed={theme === chosen}
        >
          {NAMES[theme]}
        </button>
      ))}
    </form>
  )
}
