import type { Metadata, Viewport } from 'next'
import localFont from 'next/font/local'
import { connection } from 'next/server'
import type { ReactNode } from 'react'
import './globals.css'
import './lines.css'
import { MenuKeys } from './menu-keys.tsx'
import { chosenTheme } from './theme.ts'

const sans = localFont({
  src: '../node_modules/@fontsource-variable/public-sans/files/public-sans-latin-wght-normal.woff2',
  weight: '100 900',
  variable: '--font-text',
  fallback: ['system-ui', 'sans-serif'],
})

const mono = localFont({
  src: '../node_modules/@fontsource-variable/source-code-pro/files/source-code-pro-latin-wght-normal.woff2',
  weight: '200 900',
  variable: '--font-lines',
  fallback: ['ui-monospace', 'monospace'],
})

export const metadata: Metadata = {
  description: 'Access logs of your part of the site',
  robots: { index: false, follow: false },
}

export async function generateViewport(): Promise<Viewport> {
  const theme = await chosenTheme()
  return { width: 'device-width', initialScale: 1, colorScheme: theme === 'system' ? 'light dark' : theme }
}

export default async function RootLayout({ children }: { children: ReactNode }) {
  // Every page is made for a request: one built ahead would have no nonce, and its scripts would be refused.
  await connection()
  return (
    <html lang="en" className={`${sans.variable} ${mono.variable}`} data-theme={await chosenTheme()}>
      <body>
        {children}
        <MenuKeys />
      </body>
    </html>
  )
}
