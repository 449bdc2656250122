"""`pilah serve`: photos over HTTP, for other programs. Nothing is written, nothing is sent.

protocol.py   connections: who is too slow, too large or damaged, and how they end
gate.py       every request: its id, the key, the log, the figures, what goes wrong
routes.py     the addresses, and what each answers; shapes in schema.py, the OpenAPI page in page.py
bodies.py     one raw photo, a form (form.py) or JSON becomes photos, within limits.py
asking.py     a request's photos go to the engine, and its answers come back
engine.py     photos of all requests: faces in worker processes, batches for the models (served.py)
server.py     all of it together, from start to the last answer
"""
