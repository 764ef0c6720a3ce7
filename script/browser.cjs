// Renders HTML in a real Chromium and measures it.
//   browser.cjs FOLDER                 every page of the folder, at each width and in each colour scheme; exits with 1 on a fault
//   browser.cjs --mail FILE PICTURE W  the HTML part of a mail of ours as one small picture, W pixels wide
'use strict';
const fs = require('fs');
const path = require('path');
const { chromium } = require('playwright-core');
const { HtmlValidate } = require('html-validate');
const UPNG = require('upng-js');

// Of a sample's picture.
const COLOURS = 48;

const VIEWS = [
  { width: 320, scheme: 'light' },
  { width: 375, scheme: 'light' },
  { width: 375, scheme: 'dark' },
  { width: 800, scheme: 'light' },
  { width: 800, scheme: 'dark' },
];

// What mail must use all the same is no fault: the presentational attributes that Word's engine needs.
const validator = new HtmlValidate({
  extends: ['html-validate:standard'],
  rules: {
    'no-deprecated-attr': 'off', 'no-inline-style': 'off', 'doctype-style': 'off', 'void-style': 'off', 'long-title': 'off',
    'no-conditional-comment': 'off', 'no-trailing-whitespace': 'off', 'attribute-boolean-style': 'off', 'wcag/h63': 'off',
    'no-implicit-close': 'error', 'no-raw-characters': 'off', 'attribute-allowed-values': 'off', 'meta-refresh': 'off',
  },
});

// Runs in the page: what is wider than the screen, broken or too pale.
function measure() {
  const faults = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) faults.push(`wider than the screen: ${document.documentElement.scrollWidth}`);
  const light = colour => {
    const [r, g, b] = colour.match(/[\d.]+/g).map(Number).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\)$|transparent/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const kept = /[A-Z]W?\d{9}|\d{4}年\d{1,2}月\d{1,2}日|\d{4}-\d\d-\d\d|\d{1,2} (January|February|March|April|May|June|July|August|September|October|November|December) \d{4}|\d+ 天|\d+ days?|\d{2}:\d{2}|\d{4,}/g;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.textContent;
    if (!text.trim() || !node.parentElement.getClientRects().length || text.trim() === '\u00a0') continue;
    for (const match of text.matchAll(kept)) {
      const range = document.createRange();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      const lines = new Set([...range.getClientRects()].map(rect => Math.round(rect.top)));
      if (lines.size > 1) faults.push(`broken: ${match[0]}`);
    }
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      if (rect.right > width + 1) faults.push(`off the screen: ${text.trim().slice(0, 30)}`);
    }
    const [ink, paper] = [light(getComputedStyle(node.parentElement).color), light(ground(node.parentElement))];
    const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(2)}: ${text.trim().slice(0, 30)}`);
  }
  return [...new Set(faults)];
}

async function start() {
  const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(it => fs.existsSync(it));
  if (!executablePath) throw new Error('no chromium: install it, or name it in CHROMIUM');
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath, args });
}

// A picture of few colours: a third of the bytes, and nothing that the eye misses.
function small(png) {
  const image = UPNG.decode(png);
  return Buffer.from(UPNG.encode(UPNG.toRGBA8(image), image.width, image.height, COLOURS));
}

async function mail([file, picture, width]) {
  const part = fs.readFileSync(file, 'utf8').split('Content-Type: text/html')[1];
  const html = Buffer.from(part.slice(part.indexOf('\r\n\r\n')).split('\r\n--')[0], 'base64').toString('utf8');
  const browser = await start();
  const view = await browser.newPage({ viewport: { width: Number(width), height: 100 } });
  await view.setContent(html);
  fs.writeFileSync(picture, small(await view.screenshot({ fullPage: true })));
  await browser.close();
}

async function all(folder) {
  const pages = fs.readdirSync(folder).filter(name => name.endsWith('.html') && name !== 'index.html').sort();
  const browser = await start();
  let count = 0;
  let rows = '';
  for (const name of pages) {
    const file = path.resolve(folder, name);
    const faults = [];
    const report = await validator.validateFile(file);
    for (const result of report.results) for (const it of result.messages) faults.push(`html: ${it.ruleId}: ${it.message}`);
    rows += `<h2>${name}</h2><p>`;
    for (const { width, scheme } of VIEWS) {
      const view = await browser.newPage({ viewport: { width, height: 600 }, colorScheme: scheme });
      await view.goto('file://' + file);
      faults.push(...(await view.evaluate(measure)).map(it => `${width} ${scheme}: ${it}`));
      const picture = name.replace(/\.html$/, `-${width}-${scheme}.png`);
      await view.screenshot({ path: path.resolve(folder, picture), fullPage: true });
      await view.close();
      rows += `<img src="${picture}" loading="lazy" alt=""> `;
    }
    for (const fault of new Set(faults)) console.error(`${name}: ${fault}`);
    count += faults.length;
  }
  await browser.close();
  fs.writeFileSync(path.resolve(folder, 'index.html'), `<!DOCTYPE html><meta charset="utf-8"><style>img{vertical-align:top;border:1px solid #999;max-width:45%}</style>${rows}`);
  console.log(`${pages.length} pages, ${pages.length * VIEWS.length} pictures, ${count} faults: ${path.resolve(folder, 'index.html')}`);
  return count === 0 ? 0 : 1;
}

const [first, ...rest] = process.argv.slice(2);
(first === '--mail' ? mail(rest).then(() => 0) : all(first)).then(code => process.exit(code), error => {
  console.error(error);
  process.exit(2);
});
