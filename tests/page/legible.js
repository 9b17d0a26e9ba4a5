// Run in a page by browser.py, all of it unfolded: what is wider than the screen,
// and which texts stand out too little from what is behind them (WCAG 2.1, 1.4.3).
for (const details of document.querySelectorAll("details")) details.open = true;
for (const box of document.querySelectorAll(".all input")) box.checked = true;

const number = text => Number.parseFloat(text);
// [red, green, blue, alpha] of each colour that a style names.
const colours = style => [...style.matchAll(/rgba?\(([^)]*)\)/g)].map(match => {
  const parts = match[1].split(/[\s,/]+/).filter(Boolean).map(number);
  return [parts[0], parts[1], parts[2], parts[3] ?? 1];
});
const over = (front, back) => [0, 1, 2].map(i => front[i] * front[3] + back[i] * (1 - front[3])).concat(1);
const light = colour => {
  const [red, green, blue] = colour.slice(0, 3).map(part => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (a, b) => {
  const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};

// Every colour that may be behind the element; those of a pattern each by itself.
const behind = element => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    const pattern = style.backgroundImage === "none" ? [] : colours(style.backgroundImage);
    const plain = colours(style.backgroundColor).filter(colour => colour[3] > 0);
    const here = pattern.length > 0 ? pattern : plain;
    if (here.length > 0) layers.push(here);
    if (here.some(colour => colour[3] === 1)) break;
  }
  let backs = [[255, 255, 255, 1]];
  for (const layer of layers.reverse())
    backs = layer.flatMap(front => backs.map(back => over(front, back)));
  return backs;
};

let least = 21, texts = 0;
const faint = [];
const judge = (element, colour, text) => {
  ++texts;
  for (const back of behind(element)) {
    const found = contrast(over(colour, back), back);
    least = Math.min(least, found);
    if (found < 4.5) faint.push(`${found.toFixed(2)} ${element.className.baseVal ?? element.className}: ${text.slice(0, 40)}`);
  }
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.data.trim(), element = walker.currentNode.parentElement;
  if (text === "" || element.closest("script, title") || !element.checkVisibility()) continue;
  let opacity = 1;
  for (let at = element; at; at = at.parentElement) opacity *= number(getComputedStyle(at).opacity);
  const [colour] = colours(getComputedStyle(element).color);
  judge(element, [...colour.slice(0, 3), colour[3] * opacity], text);
}
for (const input of document.querySelectorAll("input[placeholder]")) {
  const [colour] = colours(getComputedStyle(input, "::placeholder").color);
  judge(input, colour, input.placeholder);
}

const wide = [];
const width = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth > width) wide.push(`the page: ${document.documentElement.scrollWidth}`);
for (const element of document.querySelectorAll("body *")) {
  if (element.closest(".scroll, .patterns") || !element.checkVisibility()) continue;
  const box = element.getBoundingClientRect();
  if (box.width > 0 && (box.right > width + 1 || box.left < -1))
    wide.push(`${element.tagName}.${element.className.baseVal ?? element.className} ${Math.round(box.left)}–${Math.round(box.right)}`);
}
return {wide: wide.slice(0, 5), faint: [...new Set(faint)].slice(0, 8), texts, least};
