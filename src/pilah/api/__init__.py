"""`pilah serve`: photos over HTTP, for other programs. Nothing is written, nothing is sent.

protocol.py   connections: who is too slow, too large or damaged, and how they end
gate.py       every request: its id, the key, the log, the figures, what goes wrong
routes.py     the addresses, and what each answers; its shapes in schema.py
bodies.py     one raw photo, a form of files or JSON become photos, never more than limits.py has
engine.py     photos of all requests: faces in worker processes, batches for the classifier
server.py     all of it together, from start to the last answer
"""
