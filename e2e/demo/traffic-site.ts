/** The made-up site foo.com behind the demo's traffic: what is on it, and who comes by. */

export interface SitePart {
  /** What its lines end with; absent: no collection has the path, and the web server writes no id. */
  readonly id?: string
  /** Share of the visits that go here, relative to the other parts. */
  readonly weight: number
  readonly pages: readonly string[]
  /** What a browser loads along with a page. */
  readonly assets: readonly string[]
  /** A page that takes forms. */
  readonly form?: string
}

/** 1824, 762 and 3242 are the demo's own; nobody in the demo may read the five after them. */
export const SITE: readonly SitePart[] = [
  {
    id: '1824',
    weight: 24,
    pages: [
      '/hr/',
      '/hr/jobs/',
      '/hr/jobs/2026/systems-librarian',
      '/hr/jobs/2026/data-analyst',
      '/hr/benefits/',
      '/hr/benefits/parental-leave',
      '/hr/handbook/holidays',
      '/hr/search?q=pension',
      '/hr/search?q=remote+work&page=2',
    ],
    assets: ['/hr/assets/hr.css', '/hr/assets/hr.js', '/hr/images/team.jpg', '/hr/images/campus.webp'],
    form: '/hr/jobs/apply',
  },
  {
    id: '762',
    weight: 19,
    pages: [
      '/web/',
      '/web/status',
      '/web/guides/accessibility',
      '/web/guides/redirects',
      '/web/news/2026/new-search',
      '/web/feed.xml',
      '/web/search?q=log+files',
    ],
    assets: ['/web/assets/site.css', '/web/assets/site.js', '/web/images/logo.svg'],
    form: '/web/contact',
  },
  {
    id: '3242',
    weight: 17,
    pages: [
      '/finance/',
      '/finance/forms/travel',
      '/finance/forms/invoice?lang=en',
      '/finance/reports/2025.pdf',
      '/finance/reports/2026-q3.pdf',
      '/finance/rates?year=2026',
    ],
    assets: ['/finance/assets/finance.css', '/finance/assets/tables.js', '/finance/images/seal.png'],
    form: '/finance/forms/submit',
  },
  {
    id: '486',
    weight: 6,
    pages: ['/news/', '/news/2026/11/open-day', '/news/2026/10/prize', '/news/rss'],
    assets: ['/news/assets/news.css', '/news/images/open-day.jpg'],
  },
  {
    id: '7879',
    weight: 6,
    pages: ['/support/', '/support/tickets/new', '/support/faq?topic=vpn'],
    assets: ['/support/assets/support.css', '/support/assets/chat.js'],
    form: '/support/tickets',
  },
  {
    id: '12212',
    weight: 7,
    pages: ['/docs/', '/docs/api/v2/', '/docs/install', '/docs/changelog'],
    assets: ['/docs/assets/docs.css', '/docs/assets/highlight.js'],
  },
  {
    id: '84332',
    weight: 8,
    pages: ['/media/lectures/141.mp4', '/media/lectures/142.mp4', '/media/photos/2026/'],
    assets: ['/media/thumbs/141.webp', '/media/thumbs/142.webp', '/media/player.js'],
  },
  {
    id: '667883',
    weight: 5,
    pages: ['/library/', '/library/catalogue?author=Le+Guin', '/library/hours'],
    assets: ['/library/assets/library.css'],
  },
  {
    weight: 7,
    pages: ['/', '/about', '/imprint', '/sitemap.xml', '/robots.txt'],
    assets: ['/favicon.ico', '/apple-touch-icon.png'],
  },
]

/** What scanners ask every web server for; nothing of it is there. */
export const SCANNED_PATHS: readonly string[] = [
  '/wp-login.php',
  '/.env',
  '/.git/config',
  '/phpmyadmin/index.php',
  '/cgi-bin/luci/;stok=/locale',
  '/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php',
]

/** A quote inside an agent stands as `\"`, as Apache writes it. */
export const BROWSERS: readonly string[] = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Reader/3.2 (the \\"quiet\\" one)',
]

export interface Robot {
  readonly agent: string
  readonly network: string
}

export const ROBOTS: readonly Robot[] = [
  {
    agent: 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    network: '66.249.66.',
  },
  {
    agent: 'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
    network: '40.77.167.',
  },
  {
    agent: 'Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)',
    network: '207.241.237.',
  },
  { agent: 'curl/8.16.0', network: '192.0.2.' },
]

/** Ends of search engines and the like, for visits that come from elsewhere. */
export const REFERRERS: readonly string[] = [
  'https://www.google.com/',
  'https://www.bing.com/',
  'https://duckduckgo.com/',
  'https://en.wikipedia.org/',
  'https://intranet.foo.com/links',
]

/**
 * Where visitors come from: the ranges kept for documentation (RFC 5737), and networks of universities whose country
 * is no secret. Two more parts complete an address.
 */
export const NETWORKS: readonly string[] = [
  '198.51.100',
  '203.0.113',
  '128.32', // Berkeley
  '128.32',
  '18.9', // Cambridge, Massachusetts
  '142.150', // Toronto
  '129.132', // Zurich
  '131.111', // Cambridge
  '130.89', // Enschede
  '137.226', // Aachen
  '138.96', // Sophia Antipolis
  '130.238', // Uppsala
  '133.11', // Tokyo
  '130.102', // Brisbane
  '143.107', // Sao Paulo
  '166.111', // Beijing
]

/** IPv6 in the range for documentation (RFC 3849) and of three research networks. */
export const NETWORKS6: readonly string[] = ['2001:db8:', '2001:620:', '2001:638:', '2607:f140:']
