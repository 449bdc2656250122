"""The web app, in Streamlit: one module a page.

    server.py     starts Streamlit
    asgi.py       what surrounds Streamlit's pages: headers, an address, clearing up at both ends
    main.py       what Streamlit runs for each visitor: hands over to frame.py
    frame.py      title, language, navigation, footer
    interface.py  Streamlit's own words, in the visitor's language
    settings.py   how `pilah app` was started: model, run folders, who may connect
    access.py     who may name folders of this machine
    visits.py     who is here, and what is kept for them until they leave
    model.py      the models, each loaded once a process
    classify.py   photos in, faces and labels out
    cards.py      the photos that were looked at, as a grid with filters
    closer.py     one photo: every model's answer, and which parts of a face count
    downloads.py  answers, pictures and corrections to take home
    caution.py    the minimum confidence, and what it costs
    sort.py       photos, a .zip or a folder in, a sorted .zip out
    intake.py     what is given to be sorted, and how
    review.py     the grid on which a sort is corrected, in the browser review.js and tiles.js
    pictures.py   the photos of that grid, small
    study.py      runs beside the published study: study_table.py, study_charts.py
    mistakes.py   the wrong predictions of a run
    about.py      the model, its errors, the label, privacy

    refusals.py   what a refusal says
    workspace.py  one visitor's sort on disk: sorted, corrected, removed
    card.py       the model card in parts, and its summary in another language
    archive.py    the .zip of it to take home
    scratch.py    where a server keeps those; what a killed one left is removed
    charts.py     colours of charts
    plain.py      names as they are, whatever Markdown they look like
    drawing.py    boxes on photos, thumbnails of them
    spoken.py     faces in words
    results.py    files of a run, read for the Study page
    samples.py    two portraits to try

Pages speak to Streamlit; the second group does not know it and is tested alone.
"""
