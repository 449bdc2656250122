// The grid of photos on the Sort page: what a mouse, a finger or a keyboard does there.
//
// review.py sends one page of photos. What a person does goes back as numbered actions; an action is
// sent again with the next ones until the page says that it is done, so fast typing loses none. How a
// photo looks is in tiles.js, which comes before this.

const views = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  if (!views.has(parentElement)) views.set(parentElement, new View());
  const view = views.get(parentElement);
  if (!view.root.isConnected) parentElement.append(view.root);
  view.send = (actions) => setTriggerValue("actions", actions);
  view.show(data);
}

class View {
  waiting = []; // actions that are not done yet
  selected = new Set(); // numbers of photos
  cursor = null; // number of the photo that keys mean
  tiles = new Map(); // elements, by number
  enter = "stay"; // where the cursor goes when the next page comes

  constructor() {
    this.status = make("span", { role: "status", class: "said" });
    this.tools = make("div", { class: "tools", role: "toolbar" });
    this.how = make("p", { class: "how", id: "review-how" });
    this.grid = make("div", {
      class: "grid", role: "listbox", "aria-multiselectable": "true", "aria-describedby": "review-how",
    });
    this.pager = make("div", { class: "pager" });
    this.dialog = make("dialog");
    this.root = make("div", { class: "review" }, this.how, this.tools, this.grid, this.pager, this.dialog);
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.grid.addEventListener("click", (event) => this.click(event));
    this.grid.addEventListener("focusin", (event) => {
      const tile = event.target.closest("[role=option]");
      if (tile) this.point(Number(tile.dataset.number), false);
    });
    // The browser gives the focus back to the photo that was enlarged first.
    this.dialog.addEventListener("close", () => this.point(this.enlarged));
  }

  // ---- showing

  show(data) {
    const other = this.data && (data.page !== this.data.page || data.view !== this.data.view);
    const place = this.place(), focused = this.grid.contains(document.activeElement);
    this.data = data;
    this.waiting = this.waiting.filter((action) => action.n > data.done);
    this.photos = data.photos.map((photo) => ({ ...photo, ...this.foreseen(photo) }));
    const numbers = this.photos.map((photo) => photo.number);
    this.selected = new Set(numbers.filter((number) => this.selected.has(number)));
    const tiles = new Map(this.photos.map((photo) => [photo.number, this.tile(photo)]));
    this.tiles = tiles;
    this.grid.setAttribute("aria-label", data.words.grid);
    this.how.textContent = matchMedia("(hover: none)").matches ? data.words.how_touch : data.words.how;
    if ([...tiles.values()].some((tile, at) => tile !== this.grid.children[at])
      || tiles.size !== this.grid.children.length) this.grid.replaceChildren(...tiles.values());
    if (!tiles.has(this.cursor)) {
      const at = other ? { first: 0, last: -1, stay: 0 }[this.enter] : Math.min(place, numbers.length - 1);
      this.cursor = numbers.at(at) ?? null;
    }
    if (other) this.enter = "stay";
    this.drawTools();
    this.drawPager();
    if (this.cursor !== null) this.point(this.cursor, focused || this.keepFocus);
    this.keepFocus = false;
    if (this.dialog.open) this.enlarge();
  }

  // A move that is on its way is shown at once.
  foreseen(photo) {
    const move = this.waiting.findLast((a) => a.do === "move" && a.photos.includes(photo.number));
    const bin = move && this.data.bins.find(({ bin }) => bin === move.to);
    return bin && !photo.fixed ? { bin: bin.bin, word: bin.word } : {};
  }

  tile(photo) {
    const tile = this.tiles.get(photo.number) ?? newTile(photo, this.data);
    return describe(tile, photo, this.selected.has(photo.number), this.data.words);
  }

  drawTools() {
    const { words, bins, can_undo } = this.data;
    this.tools.setAttribute("aria-label", words.move);
    this.tools.replaceChildren(
      make("span", { class: "count" }, words.selected.replace("{number}", this.selected.size)),
      ...this.moveButtons(),
      this.keyed(words.undo, "z", () => this.act({ do: "undo" }), !can_undo),
      this.status);
    this.status.textContent = this.data.said;
  }

  moveButtons() {
    return this.data.bins.map(({ bin, word, key }) => this.keyed(word, key, () => this.move(bin)));
  }

  keyed(word, key, act, off = false) {
    const made = button({}, word, " ", make("kbd", {}, key));
    made.disabled = off;
    made.addEventListener("click", act);
    return made;
  }

  drawPager() {
    const { words, page, pages } = this.data;
    const had = this.pager.contains(document.activeElement) && document.activeElement.className;
    const step = (by, name) => {
      const made = button({ class: name }, words[name]);
      made.disabled = page + by < 1 || page + by > pages;
      made.addEventListener("click", () => this.turn(by));
      return made;
    };
    this.pager.hidden = pages < 2;
    this.pager.replaceChildren(step(-1, "previous"), make("span", {}, words.page), step(1, "next"));
    if (had) this.pager.querySelector(`.${had}`)?.focus();
  }

  enlarge() {
    const photo = this.photos.find(({ number }) => number === this.cursor);
    if (!photo) return this.dialog.close();
    const close = button({ class: "close" }, this.data.words.close);
    close.addEventListener("click", () => this.dialog.close());
    this.dialog.setAttribute("aria-label", photo.alt);
    if (this.enlarged !== this.cursor || !this.dialog.open)
      this.frame = picture(photo, "large", this.data);
    this.enlarged = this.cursor;
    this.dialog.replaceChildren(
      make("div", { class: "head" },
        make("b", { class: "photo" }, photo.name), make("span", {}, photo.answer),
        make("span", { class: "bin" }, photo.word), close),
      this.frame,
      make("div", { class: "tools" }, ...this.moveButtons()));
    if (!this.dialog.open) this.dialog.showModal();
    close.focus();
  }

  // ---- acting

  place() {
    return Math.max(0, (this.photos ?? []).findIndex(({ number }) => number === this.cursor));
  }

  point(number, focus = true) {
    this.cursor = number;
    for (const [other, tile] of this.tiles) tile.tabIndex = other === number ? 0 : -1;
    const tile = this.tiles.get(number);
    if (focus && tile && !this.dialog.open && document.activeElement !== tile) tile.focus();
  }

  select(number, on = !this.selected.has(number)) {
    this.selected[on ? "add" : "delete"](number);
    this.tiles.get(number).setAttribute("aria-selected", on);
    this.drawTools();
  }

  act(action) {
    this.waiting.push({ n: (this.waiting.at(-1)?.n ?? this.data.done) + 1, ...action });
    this.send(this.waiting);
  }

  move(to) {
    const photos = this.selected.size && !this.dialog.open ? [...this.selected] : [this.cursor];
    if (this.cursor === null) return;
    this.act({ do: "move", photos, to });
    if (photos[0] === this.cursor && photos.length === 1) this.step(1);
    this.selected.clear();
    this.show(this.data);
  }

  turn(by) {
    const page = this.data.page + by;
    if (page < 1 || page > this.data.pages) return false;
    this.enter = by > 0 ? "first" : "last";
    this.keepFocus = this.grid.contains(document.activeElement);
    this.act({ do: "page", page });
    return true;
  }

  step(by, extend) {
    const at = this.place() + by;
    if (at < 0 || at >= this.photos.length) {
      if (Math.abs(by) === 1) this.turn(by);
      return;
    }
    if (extend) this.select(this.cursor, true);
    this.point(this.photos[at].number, this.grid.contains(document.activeElement));
    if (extend) this.select(this.cursor, true);
    if (this.dialog.open) this.enlarge();
  }

  columns() {
    const tops = [...this.grid.children].map((tile) => tile.offsetTop);
    return Math.max(1, tops.filter((top) => top === tops[0]).length);
  }

  key(event) {
    const inGrid = this.grid.contains(event.target), open = this.dialog.open;
    if (!inGrid && !open) return;
    const letter = event.key.toLowerCase();
    const control = event.ctrlKey || event.metaKey;
    if (event.altKey || (control && letter !== "a" && letter !== "z")) return;
    const bin = this.data.bins.find(({ key }) => key === letter);
    const onButton = open && (event.key === "Enter" || event.key === " ");
    const acts = {
      ArrowLeft: () => this.step(-1, event.shiftKey),
      ArrowRight: () => this.step(1, event.shiftKey),
      ArrowUp: () => this.step(open ? -1 : -this.columns(), event.shiftKey),
      ArrowDown: () => this.step(open ? 1 : this.columns(), event.shiftKey),
      Home: () => this.point(this.photos[0].number),
      End: () => this.point(this.photos.at(-1).number),
      PageUp: () => this.turn(-1),
      PageDown: () => this.turn(1),
      Enter: () => this.enlarge(),
      " ": () => this.select(this.cursor),
      a: () => control && this.photos.forEach(({ number }) => this.select(number, true)),
      z: () => (this.data.can_undo || this.waiting.length) && this.act({ do: "undo" }),
      Escape: () => [...this.selected].forEach((number) => this.select(number, false)),
    };
    const act = bin && !control ? () => this.move(bin.bin) : acts[event.key] ?? acts[letter];
    if (!act || onButton || (open && event.key === "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  click(event) {
    const tile = event.target.closest("[role=option]");
    if (!tile) return;
    const number = Number(tile.dataset.number);
    const several = event.target.closest(".check") || event.ctrlKey || event.metaKey || event.shiftKey;
    this.point(number);
    if (several) this.select(number);
    else this.enlarge();
  }
}
