// Turns a program's terminal output (standard input, with its colours) into an SVG picture.
//
//   node scripts/terminal-svg.mjs TITLE < log > picture.svg

import { readFileSync } from "node:fs";

const COLUMNS = 112;
const CELL = { width: 8.4, height: 17 };
const PALETTE = ["#6e7681", "#ff7b72", "#7ee787", "#e3b341", "#79c0ff", "#d2a8ff", "#76e3ea", "#c9d1d9"];
const escape = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);

// One of the 256 colours, as common terminals show it.
function indexed(n) {
  if (n < 16) return PALETTE[n % 8];
  if (n > 231) return `rgb(${Array(3).fill(8 + 10 * (n - 232)).join(",")})`;
  const level = (v) => (v ? 55 + 40 * v : 0);
  return `rgb(${level(Math.floor((n - 16) / 36))},${level(Math.floor((n - 16) / 6) % 6)},${level((n - 16) % 6)})`;
}

// The style after a "select graphic rendition" sequence.
function restyle(style, codes) {
  const next = { ...style };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (code === 0) Object.assign(next, { colour: undefined, bold: false, dim: false });
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 22) Object.assign(next, { bold: false, dim: false });
    else if (code === 39) next.colour = undefined;
    else if (code >= 30 && code <= 37) next.colour = PALETTE[code - 30];
    else if (code >= 90 && code <= 97) next.colour = PALETTE[code - 90];
    else if (code === 38 && codes[i + 1] === 5) next.colour = indexed(codes[(i += 2)]);
    else if (code === 38 && codes[i + 1] === 2) next.colour = `rgb(${codes.slice(i + 2, (i += 4) + 1).join(",")})`;
  }
  return next;
}

function spans(line, style) {
  const out = [];
  for (const part of line.split(/(\x1b\[[0-9;?]*[A-Za-z])/)) {
    const sequence = /^\x1b\[([0-9;]*)m$/.exec(part);
    if (sequence) style = restyle(style, (sequence[1] || "0").split(";").map(Number));
    else if (part && !part.startsWith("\x1b")) out.push({ text: part, style });
  }
  return [out, style];
}

// A terminal wraps a line that is longer than it is wide; escape sequences take no room.
function wrapped(line) {
  const rows = [""];
  let room = COLUMNS - 2;
  for (const part of line.match(/\x1b\[[0-9;?]*[A-Za-z]|./gu) ?? []) {
    if (!part.startsWith("\x1b") && room-- === 0) {
      rows.push("");
      room = COLUMNS - 3;
    }
    rows[rows.length - 1] += part;
  }
  return rows;
}

// The first and last lines are from `script` itself.
const log = readFileSync(0, "utf8").replace(/^Script started.*\n/, "").replace(/\n*Script done.*\n?$/, "");
// A carriage return inside a line overwrites it (progress): keep the last state.
const lines = log.trimEnd().split(/\r?\n/).flatMap((line) => wrapped(line.replace(/\r+$/, "").split("\r").at(-1)));
const [width, height] = [COLUMNS * CELL.width + 32, lines.length * CELL.height + 64];

let style = {};
let body = "";
lines.forEach((line, row) => {
  const [parts, after] = spans(line, style);
  style = after;
  const text = parts.map(({ text, style: { colour, bold, dim } }) => {
    const attributes = [colour && `fill="${colour}"`, bold && 'font-weight="bold"', dim && 'opacity="0.65"'].filter(Boolean).join(" ");
    return attributes ? `<tspan ${attributes}>${escape(text)}</tspan>` : escape(text);
  });
  if (text.length) body += `<text x="16" y="${56 + row * CELL.height}" xml:space="preserve">${text.join("")}</text>\n`;
});

process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<circle cx="20" cy="18" r="6" fill="#ff5f56"/><circle cx="40" cy="18" r="6" fill="#ffbd2e"/><circle cx="60" cy="18" r="6" fill="#27c93f"/>
<text x="${width / 2}" y="23" fill="#8b949e" font-family="sans-serif" font-size="13" text-anchor="middle">${escape(process.argv[2] ?? "")}</text>
<g fill="#c9d1d9" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14">
${body}</g>
</svg>
`);
