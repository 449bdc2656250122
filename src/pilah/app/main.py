"""What `streamlit run` runs, again for each interaction of each visitor.

Guarded, because the worker processes of `pilah.pipeline` import the main program once more.
"""

if __name__ == "__main__":
    from pilah.app.frame import show

    show()
