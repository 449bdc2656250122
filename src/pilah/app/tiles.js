// How a photo looks on the grid of the Sort page: a tile with its picture, boxes, label and name.

function make(tag, attributes = {}, ...inside) {
  return fill(document.createElement(tag), attributes, ...inside);
}

function makeSvg(tag, attributes) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes);
}

function fill(element, attributes, ...inside) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

function button(attributes, ...inside) {
  return make("button", { type: "button", ...attributes }, ...inside);
}

function newTile(photo, data) {
  return make("div", { role: "option", tabindex: "-1", "data-number": photo.number },
    make("span", { class: "check", "aria-hidden": "true" }),
    picture(photo, "small", data),
    make("span", { class: "bin" }),
    make("span", { class: "answer" }),
    make("span", { class: "photo name" }, photo.name));
}

// What may change about a photo that is shown already.
function describe(tile, photo, selected, words) {
  tile.setAttribute("aria-label", photo.alt);
  tile.setAttribute("aria-selected", selected);
  tile.classList.toggle("moved", photo.moved);
  tile.dataset.bin = photo.bin;
  tile.querySelector(".bin").textContent = photo.word;
  tile.querySelector(".answer").textContent = photo.answer;
  tile.querySelector(".check").title = words.select;
  for (const gone of tile.querySelectorAll(".gone")) gone.textContent = words.gone;
  return tile;
}

// The photo with its boxes, or words in its place.
function picture(photo, size, { address, words }) {
  const gone = () => make("div", { class: "gone" }, words.gone);
  if (!photo.size[0]) return gone();
  const [width, height] = photo.size;
  const svg = makeSvg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const href = `./picture/${address}/${photo.number}/${size}`;
  const image = makeSvg("image", { href, width, height });
  image.addEventListener("error", () => svg.replaceWith(gone()));
  svg.append(image);
  for (const { box: [x, y, width, height], kind } of photo.faces)
    for (const name of ["halo", kind]) svg.append(makeSvg("rect", { x, y, width, height, class: name }));
  return svg;
}
