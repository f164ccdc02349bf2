import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessFields } from './access-fields.ts'
import { maskAddresses } from './mask-addresses.ts'

const masked = (text: string) => maskAddresses(Buffer.from(text, 'latin1')).toString('latin1')

function becomes(cases: readonly (readonly [text: string, shown: string])[]): void {
  for (const [text, shown] of cases) {
    assert.equal(masked(text), shown, text)
    assert.equal(masked(shown), shown, `again: ${text}`)
  }
}

test('an address is shown as its network, in each place of a line', () => {
  const rest = '[08/Mar/2026:12:00:05 +0000] "GET /a?x=1 HTTP/1.1" 200 512 "-" "Mozilla/5.0" 1824'
  becomes([
    [`192.0.2.7 - - ${rest}`, `192.0.x.x - - ${rest}`],
    [`2001:db8::7 - - ${rest}`, `2001:db8:x:x - - ${rest}`],
    [`[2001:db8::7]:443 192.0.2.7 - ${rest}`, `[2001:db8:x:x]:443 192.0.x.x - ${rest}`],
    [`"203.0.113.7, 10.1.2.3" - ${rest}`, `"203.0.x.x, 10.1.x.x" - ${rest}`],
    ['"GET /whois/192.0.2.7/x?ip=192.0.2.7&y HTTP/1.1"', '"GET /whois/192.0.x.x/x?ip=192.0.x.x&y HTTP/1.1"'],
    ['"https://192.0.2.7:8080/a" "for 2001:db8:1::9;"', '"https://192.0.x.x:8080/a" "for 2001:db8:x:x;"'],
    ['\xff\x00192.0.2.7\xc3', '\xff\x00192.0.x.x\xc3'],
  ])
})

test('the visitor’s address is still read from the same field, behind a virtual host too', () => {
  for (const [line, address] of [
    ['192.0.2.7:8080 - - [08/Mar/2026:12:00:05 +0000] "GET / HTTP/1.1" 200 5 1824', '192.0.x.x:8080'],
    ['[2001:db8::1]:443 192.0.2.7 - - [08/Mar/2026:12:00:05 +0000] "GET / HTTP/1.1" 200 5 1824', '192.0.x.x'],
  ] as const)
    assert.equal(accessFields(Buffer.from(masked(line))).address.toString(), address)
})

test('forms of IPv6 and of IPv4 inside it', () => {
  becomes([
    ['2001:0db8:85a3:0000:0000:8a2e:0370:7334', '2001:0db8:x:x'],
    ['2001::7', '2001:0:x:x'],
    ['fe80::1%eth0 fe80::1%25eth0', 'fe80:0:x:x%eth0 fe80:0:x:x%25eth0'],
    ['::1 ::', '::x ::'],
    ['::ffff:192.0.2.7 ::FFFF:192.0.2.7 0:0:0:0:0:ffff:192.0.2.7', '192.0.x.x 192.0.x.x 192.0.x.x'],
    ['[::ffff:192.0.2.7]:80', '[192.0.x.x]:80'],
    ['::ffff:c000:207', '::x'],
    ['::%::ffff:30.0.2.7 ::%25::ffff:30.0.2.7', '::%::x ::%25:0:x:x'],
    ['1.1.::ffff:0.0.2.7 1-2-3-::ffff:4.0.2.7', '1.1.::x 1-2-3-::x'],
    ['64:ff9b::192.0.2.7 1:2:3:4:5:6:192.0.2.7', '64:ff9b:x:x 1:2:x:x'],
    ['host:2001:db8::1: 2001:db8::1.', 'host:2001:db8:x:x: 2001:db8:x:x.'],
  ])
})

test('percent-encoded, however often', () => {
  becomes([
    ['2001%3Adb8%3A%3A1', '2001%3Adb8%3Ax%3Ax'],
    ['2001%253adb8%253a%253a1', '2001%253adb8%253ax%253ax'],
    ['192%2E0%2e2%252E7', '192%2E0%2ex%252Ex'],
    ['%31%39%32.0.2.7', '%31%39%32.0.x.x'],
    ['%10.0.2.7 %2010.0.2.7', '%10.0.x.x %2010.0.x.x'],
    ['%5B2001:db8::1%5D', '%5B2001:db8:x:x%5D'],
  ])
})

test('in a name, which may have the numbers in either order, all of them are hidden', () => {
  becomes([
    ['192-0-2-7.isp.example', 'x-x-x-x.isp.example'],
    ['host_192_0_2_7.isp', 'host_x_x_x_x.isp'],
    ['7.2.0.192.in-addr.arpa', 'x.x.x.x.in-addr.arpa'],
    ['7.0.0.0.a.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa', 'x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.ip6.arpa'],
    ['www.isp.example', 'www.isp.example'],
    ['5-192.0.2.7 5-6-7-8.0.2.7', '5-192.0.x.x x-x-x-x.0.x.x'],
  ])
})

test('a host of a URL in another form than four numbers', () => {
  becomes([
    ['http://3221225991/', 'http://192.0.x.x/'],
    ['http%3A%2F%2F3221225991%2F', 'http%3A%2F%2F192.0.x.x%2F'],
    ['http://0xC0000207:80/ http://0xc0.0.519', 'http://192.0.x.x:80/ http://192.0.x.x'],
    ['http://0300.0.2.7/', 'http://192.0.x.x/'],
    ['http://0313.0.0161.0115/ http://0313.0000.0161.0115/', 'http://203.0.x.x/ http://203.0.x.x/'],
    ['http://%33405803853/ http://0xcb%2e0x714d', 'http://203.0.x.x/ http://203.0.x.x'],
    ['http://3405803853%41 http://3405803853%6d', 'http://203.0.x.x%41 http://203.0.x.x%6d'],
    [
      'http://20261/ /3221225991/ http://0xcafe.example/',
      'http://20261/ /3221225991/ http://0xcafe.example/',
    ],
  ])
})

test('a host as a number behind the name of a user, in which addresses may stand as well', () => {
  const long = 'u'.repeat(300)
  becomes([
    ['http://user:p@3221225991/', 'http://user:p@192.0.x.x/'],
    ['http://203.0.113.77@3405803853/', 'http://203.0.x.x@203.0.x.x/'],
    ['http://x:1.2.3.4@3405803853/', 'http://x:1.2.x.x@203.0.x.x/'],
    ['http://2001:db8:1::7@u@3405803853/', 'http://2001:db8:x:x@u@203.0.x.x/'],
    ['http://3405803853@3405803853@b/', 'http://203.0.x.x@203.0.x.x@b/'],
    ['http://a@b@3405803853/ http://u+x@3405803853/', 'http://a@b@203.0.x.x/ http://u+x@203.0.x.x/'],
    ['http%3A%2F%2Fu%403405803853%2F', 'http%3A%2F%2Fu%40203.0.x.x%2F'],
    ['http://a%2Fb@0xcb%2e0x714d/', 'http://a%2Fb@203.0.x.x/'],
    [`http://${long}@3405803853/`, `http://${long}@203.0.x.x/`],
    [
      'http://a.example/u@3405803853 http://a.example?u@3405803853',
      'http://a.example/u@3405803853 http://a.example?u@3405803853',
    ],
  ])
})

test('numbers with zeros in front, which may be octal', () => {
  becomes([
    ['203.0000.113.77 0313.0377.0161.0115', '203.0000.x.x 0313.0377.x.x'],
    ['0313-0000-0161-0115.isp', 'x-x-x-x.isp'],
    ['1.0378.2.3 1.00256.2.3 1.378.2.3', '1.0378.2.3 1.00256.x.x 1.378.2.3'],
  ])
})

test('IPv6 in full next to four numbers, of which one is a group of it', () => {
  becomes([
    ['2001:db8:9afe:2:3:4:5:77-2-3-4.log', '2001:db8:x:x:x-x-x-x.log'],
    ['2001:db8:1:2:3:4:203.0.113.77.isp.example', '2001:db8:x:x:x.x.x.x.isp.example'],
    ['203.0.113.2001:db8:9afe:2:3:4:5:6', '203.0.x.x:x'],
    ['5-6-7-8:db8:9afe:2:3:4:203.0.113.77', 'x-x-x-x:x'],
    ['5-6-7-8:a:b:c:d:e:f:5-6-7-8', 'x-x-x-x:x:x-x-x-x'],
    ['1:2:3:4:5:6-7-8-9 5-6-7-8:1:2:3:4:5', '1:2:3:4:5:x-x-x-x x-x-x-x:1:2:3:4:5'],
  ])
})

test('IPv6 with dashes in a name, in full anywhere and shortened in a zone for it', () => {
  becomes([
    ['2a02-8108-8ac0-1234-abcd-ef12-3456-789a.dyn.isp', 'x-x-x-x-x-x-x-x.dyn.isp'],
    ['2001-0db8-85a3-0000-0000-8a2e-0370-7334.ipv6-literal.net', 'x-x-x-x-x-x-x-x.ipv6-literal.net'],
    ['host_2a02_8108_8ac0_1234_abcd_ef12_3456_789acust.isp', 'host_x_x_x_x_x_x_x_xust.isp'],
    ['dyn12342a02-8108-8ac0-1234-abcd-ef12-3456-789a', 'dynx-x-x-x-x-x-x-x'],
    ['1234567-1-2a02-8108-8ac0-1234-abcd-ef12-3456', 'x-x-x-x-x-x-x-x-x'],
    ['2a02%2D8108-8ac0-1234-abcd-ef12-3456-789a', 'x%2Dx-x-x-x-x-x-x'],
    [
      '2001-db8--7.ipv6-literal.net fe80--1s4.ipv6-literal.net',
      'x-x--x.ipv6-literal.net x--xs4.ipv6-literal.net',
    ],
    ['2001-db8-9afe--7.ip6.isp a--1.IPv6.isp', 'x-x-x--x.ip6.isp x--x.IPv6.isp'],
    ['::1.2.3.4ab-1-2-3-4-5-6-7', '1.2.x.x-x-x-x-x-x-x-x'],
    ['2001:db8:9afe:2:3:4:5:a-1-2-3-4-5-6-b', '2001:db8:x:x:x-x-x-x-x-x-x-x'],
  ])
})

test('what is plainly none stays as it is; what may be one does not', () => {
  for (const text of [
    'Chrome/131.0.6778.86 Chrome/131.0.0.0 Safari/537.36 Mac OS X 10.15.7 .NET CLR 3.0.4506.2152',
    '[08/Mar/2026:12:00:05 +0000] 00:1a:2b:3c:4d:5e 2026-03-08-12 550e8400-e29b-41d4-a716-446655440000',
    '00-1a-2b-3c-4d-5e ab-cd-ef-1-2-3-a 550e8400-e29b-41d4-a716-446655440000-550e8400-e29b-41d4-a716-446655440000',
    'block--fade a--b.example 2001-db8--7.example www.a--b.ips.example',
    'std::vector LWP::Face a.b.c.d 1.2.3 :: %%% %2',
  ]) {
    const bytes = Buffer.from(text)
    assert.equal(maskAddresses(bytes), bytes, text)
  }
  becomes([
    ['Chrome/131.0.0.1 131.0.0.0', 'Chrome/131.0.x.x 131.0.x.x'],
    ['v1.2.3.4 FBAV/441.1.0.39.109', 'v1.2.x.x FBAV/441.1.x.x.x'],
    ['20192.0.2.7 192.0.2.7123', '20192.0.x.x 192.0.x.x'],
  ])
})
