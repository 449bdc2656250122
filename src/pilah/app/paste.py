"""Pasted photos (Ctrl+V) land in the page's uploader, which does not know how to take them."""

import streamlit as st

_JS = """
export default function () {
  const paste = (event) => {
    const input = document.querySelector('[data-testid="stFileUploader"] input[type="file"]');
    const files = event.clipboardData && event.clipboardData.files;
    if (!input || !files || !files.length) return;
    event.preventDefault();
    const transfer = new DataTransfer();
    for (const file of files) transfer.items.add(file);
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  document.addEventListener("paste", paste);
  return () => document.removeEventListener("paste", paste);
}
"""

_component = st.components.v2.component("pilah_paste", js=_JS)


def paste_into_uploader() -> None:
    """Let the page listen for pasted files while it is shown."""
    _component(key="paste", height=1)
