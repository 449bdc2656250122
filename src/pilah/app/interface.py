"""Streamlit's own words, which know English only, in the language of the page.

A script in the page replaces those that are in `texts/*.toml` under `streamlit`, as they appear. It
also says in which language the page is, for screen readers. Names of files are left alone.
"""

import re

import streamlit as st

from pilah.app.language import words
from pilah.texts import texts

_JS = """
export default function ({ data }) {
  const pairs = data.pairs.map(([english, other]) => [new RegExp(english), other]);
  const names =
    'em > code, .photo, [data-testid="stFileUploaderFileName"], [data-testid="stTable"]';
  const attributes = ["aria-label", "title", "placeholder", "alt"];
  const before = new Map();
  const translated = (text) => {
    const bare = text.trim();
    for (const [english, other] of pairs)
      if (english.test(bare)) return text.replace(bare, bare.replace(english, other));
    return text;
  };
  const replace = (holder, key, read, write) => {
    const old = read(), text = old && translated(old);
    if (text === old) return;
    if (!before.has(holder)) before.set(holder, {});
    before.get(holder)[key] = [old, text, read, write];
    write(text);
  };
  const visit = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      if (node.parentElement && !node.parentElement.closest(names))
        replace(node, "text", () => node.data, (text) => { node.data = text; });
    } else if (node.nodeType === Node.ELEMENT_NODE) {
      for (const name of attributes)
        replace(node, name, () => node.getAttribute(name), (text) => node.setAttribute(name, text));
      node.childNodes.forEach(visit);
    }
  };
  document.documentElement.lang = data.language;
  if (!pairs.length) return;
  const observer = new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "childList") change.addedNodes.forEach(visit);
      else visit(change.target);
    }
  });
  visit(document.body);
  observer.observe(document.body, {
    subtree: true, childList: true, characterData: true, attributeFilter: attributes,
  });
  return () => {
    observer.disconnect();
    for (const replaced of before.values())
      for (const [old, text, read, write] of Object.values(replaced))
        if (read() === text) write(old);
  };
}
"""

_component = st.components.v2.component("pilah_interface", js=_JS)


def translate_streamlit() -> None:
    """Keep Streamlit's words in the page's language for as long as the page is shown."""
    here, english = words(), texts("en")
    keys = [key for key in english.by_key if key.startswith("streamlit.")]
    pairs = [pair(english.by_key[key], here.by_key[key]) for key in keys if here.language != "en"]
    _component(
        key=f"interface {here.language}", data={"language": here.language, "pairs": pairs}, height=1
    )


def pair(english: str, other: str) -> tuple[str, str]:
    """A text as a regular expression with its values (`{size}`) as groups, and its replacement."""
    names = re.findall(r"\{(\w+)\}", english)
    pattern = re.escape(english)
    for number, name in enumerate(names, start=1):
        pattern = pattern.replace(re.escape(f"{{{name}}}"), "(.+)")
        other = other.replace(f"{{{name}}}", f"${number}")
    return f"^{pattern}$", other
