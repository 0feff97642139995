"""Publishing: from the bytes of a document to one revision of the data set.

1. ``parse.py`` reads the document part by part (``document_reader.py`` picks the JSON or YAML reader), validates each part
   with its model (``document.py``) and reports the first faults.
2. ``rules.py`` has the rules of single parts, ``references.py`` those of the whole document and of what others declare.
3. ``rows.py`` turns the checked parts into table rows.
4. ``revisions.py`` stores the rows as one revision in one transaction, and updates search index and JSON rows.

``preparation.py`` does steps 1 and 2 before the writer's lock is taken. ``submissions.py`` adds what HTTP needs: idempotency,
authorisation, If-Match. A dry run is the same transaction, rolled back.
"""
